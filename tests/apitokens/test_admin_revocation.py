"""Tokens in the admin: revoked for good, and by administrators only."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apitokens.models import ApiToken
from tests.support.admin import admin_as, messages_of
from tests.support.factories import issue_token, make_user
from tests.support.token_pages import ADD, LIST, PAGES, call, change_url, page_url, revoke_url
from users.models import User


def revoke_selected(browser: Client, *tokens: ApiToken, **more: str) -> Any:
    """The answer to the action of the list."""
    data = {"action": "revoke_selected", "_selected_action": [token.pk for token in tokens]}
    return browser.post(LIST, {**data, **more})


def test_the_button_revokes_for_good(administrator: User, owner: User) -> None:
    token, secret = issue_token(owner, "read:projects", name="Phone")
    browser = admin_as(administrator)
    assert call(secret) == 200
    assert f'href="{revoke_url(token)}"' in browser.get(change_url(token)).content.decode()
    response = browser.post(revoke_url(token))
    assert (response.status_code, response["Location"]) == (302, change_url(token))
    assert messages_of(response) == ["1 token revoked."]
    assert call(secret) == 401
    assert (str(LogEntry.objects.get()), LogEntry.objects.get().user) == (
        f"Changed “Phone ({token.prefix}…)” — Revoked.",
        administrator,
    )
    assert revoke_url(token) not in browser.get(change_url(token)).content.decode()


def test_revoking_again_changes_nothing(administrator: User, owner: User) -> None:
    token, _ = issue_token(owner, "read:projects")
    browser = admin_as(administrator)
    browser.post(revoke_url(token))
    before = ApiToken.objects.values().get()
    response = browser.post(revoke_url(token))
    assert messages_of(response)[-1] == "0 tokens revoked. 1 had already been revoked."
    assert ApiToken.objects.values().get() == before
    assert LogEntry.objects.count() == 1


def test_the_action_revokes_what_was_selected(administrator: User, owner: User) -> None:
    first, second, old, other = (issue_token(owner, "read:projects")[0] for _ in range(4))
    ApiToken.objects.filter(pk=old.pk).revoke(timezone.now())
    browser = admin_as(administrator)
    asked = revoke_selected(browser, first, second, old)
    assert asked.status_code == 200
    assert ApiToken.objects.filter(revoked_at=None).count() == 3
    response = revoke_selected(browser, first, second, old, confirmed="yes")
    assert (response.status_code, response["Location"]) == (302, LIST)
    assert messages_of(response) == ["2 tokens revoked. 1 had already been revoked."]
    assert ApiToken.objects.get(revoked_at=None) == other
    assert LogEntry.objects.count() == 2


@pytest.mark.parametrize("page", ["revoke", "narrow", "rotate"])
def test_what_is_done_needs_a_post_with_the_csrf_token(
    administrator: User, owner: User, page: str
) -> None:
    token, secret = issue_token(owner, "read:projects")
    before = ApiToken.objects.values().get()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(administrator)
    assert strict.post(page_url(token, page), {"overlap_hours": "0"}).status_code == 403
    assert strict.get(page_url(token, page)).status_code == 200
    assert ApiToken.objects.values().get() == before
    assert call(secret) == 200


def test_an_unknown_token_cannot_be_revoked(administrator: User) -> None:
    url = reverse("admin:apitokens_apitoken_revoke", args=[999])
    assert admin_as(administrator).post(url).status_code == 404


def test_nobody_deletes_a_token(administrator: User, owner: User) -> None:
    token, _ = issue_token(owner, "read:projects")
    browser = admin_as(administrator)
    url = reverse("admin:apitokens_apitoken_delete", args=[token.pk])
    assert browser.post(url, {"post": "yes"}).status_code == 403
    page = browser.get(LIST)
    assert [name for name, _ in page.context["action_form"].fields["action"].choices] == [
        *("", "revoke_selected", "narrow_selected")
    ]


def urls_of(token: ApiToken) -> list[tuple[str, str]]:
    """Each page of the tokens, and how it is asked for."""
    return [
        ("get", LIST),
        ("post", LIST),
        ("get", ADD),
        ("post", ADD),
        ("get", change_url(token)),
        ("post", change_url(token)),
        *((method, page_url(token, page)) for page in PAGES for method in ("get", "post")),
        ("get", reverse("admin:apitokens_apitoken_history", args=[token.pk])),
        ("get", reverse("admin:apitokens_apitoken_delete", args=[token.pk])),
        ("get", reverse("admin:app_list", args=["apitokens"])),
    ]


def test_staff_with_every_permission_are_refused(owner: User) -> None:
    token, secret = issue_token(owner, "read:projects")
    staff = make_user("stan", is_staff=True)
    staff.user_permissions.set(Permission.objects.all())
    browser = admin_as(staff)
    answers = {
        (method, url): getattr(browser, method)(url).status_code for method, url in urls_of(token)
    }
    app_list = ("get", reverse("admin:app_list", args=["apitokens"]))
    assert answers == dict.fromkeys(urls_of(token), 403) | {app_list: 404}
    assert "apitoken" not in browser.get(reverse("admin:index")).content.decode()
    assert call(secret) == 200


@pytest.mark.parametrize("username", ["nobody", "olga"])
def test_others_are_asked_to_log_in(owner: User, username: str) -> None:
    token, _ = issue_token(owner, "read:projects")
    browser = admin_as(owner) if username == owner.username else Client()
    login = reverse("admin:login")
    for method, url in urls_of(token):
        response = getattr(browser, method)(url)
        assert (response.status_code, response["Location"]) == (302, f"{login}?next={url}")
