"""Giving a login's token back, and what else ends it."""

import pytest
from django.contrib.auth.password_validation import password_validators_help_texts
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from apitokens import life
from apitokens.models import ApiToken, Performer, TokenEvent
from tests.logins.logging_in import LOGOUT, RIGHT, app_of, log_in
from tests.support.admin import admin_as
from tests.support.errors import error_of
from tests.support.factories import issue_token, make_user
from tests.test_schema import assert_as_documented
from users.models import User

NEW = "n3w-pass-word"


def is_logged_in(app: APIClient) -> bool:
    """Whether the API still accepts an app's token."""
    status = app.get("/api/v1/users/me").status_code
    assert status in (200, 401)
    return status == 200


def test_logging_out_ends_the_calling_token_alone(owner: User) -> None:
    app, other = app_of(), app_of()
    response = app.post(LOGOUT)
    assert response.status_code == 200
    assert response.json() == {"message": "Logged out successfully"}
    assert_as_documented(response)
    assert (is_logged_in(app), is_logged_in(other)) == (False, True)
    assert app.post(LOGOUT).status_code == 401
    event = TokenEvent.objects.get(action="revoked")
    assert (event.actor, event.address, event.detail) == ("olga", "127.0.0.1", "Logged out.")


def test_another_kind_of_token_is_403(owner: User) -> None:
    _, secret = issue_token(owner, "write:time_entries")
    api = APIClient(HTTP_X_API_KEY=secret)
    response = api.post(LOGOUT)
    assert response.status_code == 403
    assert error_of(response) == {
        "error": "Access denied",
        "message": "This token was not issued by a login. An administrator can revoke it.",
        "error_code": "forbidden",
    }
    assert ApiToken.objects.get().revoked_at is None


def test_without_a_token_it_is_401(db: None) -> None:
    response = APIClient().post(LOGOUT)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="timetracker"'


def test_no_scope_is_needed(owner: User) -> None:
    app = app_of()
    ApiToken.objects.update(scopes=[])
    assert app.post(LOGOUT).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_405(owner: User, method: str) -> None:
    response = app_of().generic(method, LOGOUT)
    assert (response.status_code, response["Allow"]) == (405, "POST, OPTIONS")


@pytest.mark.parametrize("body", ["", "{}"])
def test_it_needs_no_body(owner: User, body: str) -> None:
    response = app_of().generic("POST", LOGOUT, body, content_type="application/json")
    assert response.status_code == 200


def test_an_unknown_field_is_400(owner: User) -> None:
    assert app_of().post(LOGOUT, {"all": True}).status_code == 400


def test_an_idempotency_key_does_no_harm(owner: User) -> None:
    app = app_of()
    assert app.post(LOGOUT, HTTP_IDEMPOTENCY_KEY="once").status_code == 200
    assert app.post(LOGOUT, HTTP_IDEMPOTENCY_KEY="once").status_code == 401


def test_deactivating_a_user_ends_it_and_reactivating_does_not_start_it_again_elsewhere(
    owner: User,
) -> None:
    app = app_of()
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert not is_logged_in(app)
    assert log_in().status_code == 401


def test_rotating_an_app_login_keeps_what_it_is(administrator: User) -> None:
    app_of("ada")
    token = ApiToken.objects.get()
    successor, secret = life.rotate(token, Performer("ada"), now=timezone.now())
    assert (successor.from_login, successor.administrator_rights) == (True, False)
    app = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert app.post(LOGOUT).status_code == 200


def change_own(user: User) -> None:
    sent = {"old_password": RIGHT, "new_password1": NEW, "new_password2": NEW}
    response = admin_as(user).post(reverse("admin:password_change"), sent)
    assert response.status_code == 302


def change_anothers(user: User) -> None:
    path = reverse("admin:auth_user_password_change", args=[user.pk])
    sent = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    assert admin_as(User.objects.get(username="root")).post(path, sent).status_code == 302


def make_unusable(user: User) -> None:
    path = reverse("admin:auth_user_password_change", args=[user.pk])
    sent = {"usable_password": "false", "unset-password": "1"}
    assert admin_as(User.objects.get(username="root")).post(path, sent).status_code == 302


def change_in_a_shell(user: User) -> None:
    user.set_password(NEW)
    user.save()


@pytest.mark.parametrize("change", [change_own, change_anothers, make_unusable, change_in_a_shell])
def test_a_new_password_ends_every_app_login_and_no_other_token(
    administrator: User, change: object
) -> None:
    make_user("root", is_superuser=True, is_staff=True)
    first, second, others = app_of("ada"), app_of("ada"), app_of("root")
    _, secret = issue_token(administrator, "read:users")
    assert callable(change)
    change(administrator)
    api = APIClient(HTTP_X_API_KEY=secret)
    apps = [is_logged_in(app) for app in (first, second, others, api)]
    assert apps == [False, False, True, True]
    ended = TokenEvent.objects.filter(action="revoked")
    assert {(event.actor, event.detail) for event in ended} == {
        ("the service", "The password was changed.")
    }
    assert ended.count() == 2


def test_a_new_hash_of_the_same_password_ends_nothing(
    owner: User, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, before = app_of(), User.objects.get().password
    settings.PASSWORD_HASHERS = [  # type: ignore[attr-defined]
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    other = app_of()
    assert User.objects.get().password != before
    assert is_logged_in(app)
    assert is_logged_in(other)


def test_a_password_form_says_so() -> None:
    assert "A new password logs the account out of all apps." in password_validators_help_texts()


def test_the_command_for_passwords_ends_them_too(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_of()
    monkeypatch.setattr("getpass.getpass", lambda **_: NEW)
    call_command("changepassword", "olga", verbosity=0)
    assert not is_logged_in(app)
