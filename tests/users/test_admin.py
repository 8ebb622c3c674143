"""People in the admin: added, changed, never deleted, and who may change whom."""

from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from apitokens.models import ApiToken
from tests.support.admin import admin_as, as_shown, errors_of, url
from tests.support.factories import NINE, issue_token, make_user
from tests.support.token_pages import call
from users.models import User

PASSWORD = {"usable_password": "true", "password1": "a-long-one-77", "password2": "a-long-one-77"}


@pytest.mark.parametrize("time_zone", ["", "Europe/Berlin"])
def test_a_user_is_added_with_or_without_a_time_zone(administrator: User, time_zone: str) -> None:
    data = {"username": "maria", "email": "m@example.com", "time_zone": time_zone, **PASSWORD}
    response = admin_as(administrator).post(url(User, "add"), data)
    maria = User.objects.get(username="maria")
    assert (response.status_code, response["Location"]) == (302, url(User, "change", maria.pk))
    assert (maria.email, maria.time_zone, maria.role) == ("m@example.com", time_zone, "user")
    assert maria.check_password("a-long-one-77")


@pytest.mark.parametrize("time_zone", ["Berlin", "localtime", "Factory"])
def test_a_time_zone_must_exist(administrator: User, time_zone: str) -> None:
    data = {"username": "maria", "time_zone": time_zone, **PASSWORD}
    response = admin_as(administrator).post(url(User, "add"), data)
    assert errors_of(response) == {
        "time_zone": ["Must be an IANA time zone name such as Europe/Berlin."]
    }


def test_a_password_is_changed(administrator: User, owner: User) -> None:
    page = reverse("admin:auth_user_password_change", args=[owner.pk])
    response = admin_as(administrator).post(page, {**PASSWORD, "set-password": "Change"})
    assert response.status_code == 302
    owner.refresh_from_db()
    assert owner.check_password("a-long-one-77")


def test_people_are_never_deleted(administrator: User, owner: User) -> None:
    response = admin_as(administrator).post(url(User, "delete", owner.pk), {"post": "yes"})
    assert response.status_code == 403


def staff_with(*codenames: str) -> User:
    staff = make_user("stan", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return staff


@pytest.mark.parametrize("right", ["staff", "group", "permission", "superuser", "token"])
def test_whoever_has_a_right_is_the_administrators_alone(owner: User, right: str) -> None:
    browser = admin_as(staff_with("change_user", "view_user"))
    match right:
        case "group":
            owner.groups.add(Group.objects.create(name="Office"))
        case "permission":
            owner.user_permissions.add(Permission.objects.all()[0])
        case "token":
            issue_token(owner, "write:tasks")
        case _:
            setattr(owner, f"is_{right}", True)
            owner.save()
    page = url(User, "change", owner.pk)
    data = {"username": "taken", "date_joined_0": "2024-01-15", "date_joined_1": "09:00"}
    assert browser.get(page).context["has_change_permission"] is False
    assert browser.post(page, data).status_code == 403
    password = reverse("admin:auth_user_password_change", args=[owner.pk])
    assert browser.post(password, PASSWORD).status_code == 403
    owner.refresh_from_db()
    assert owner.username == "olga"
    assert owner.check_password("pass-word-1")


@pytest.mark.parametrize("fields", [{"revoked_at": NINE}, {"expires_at": NINE}])
def test_a_token_that_is_over_is_no_right(owner: User, fields: dict[str, Any]) -> None:
    token, _ = issue_token(owner, "write:tasks")
    ApiToken.objects.filter(pk=token.pk).update(**fields)
    browser = admin_as(staff_with("change_user", "view_user"))
    assert browser.get(url(User, "change", owner.pk)).context["has_change_permission"] is True


def test_staff_do_not_bring_back_a_person_whose_tokens_would_work_again(owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)
    _, secret = issue_token(owner, "write:tasks")
    browser = admin_as(staff_with("change_user", "view_user"))
    page = url(User, "change", owner.pk)
    data = {"username": "olga", "is_active": "on", "date_joined_0": "2024-01-15"}
    assert browser.post(page, data | {"date_joined_1": "09:00"}).status_code == 403
    assert call(secret, "/api/v1/tasks") == 401


def test_groups_are_the_administrators_alone(db: None) -> None:
    staff = staff_with("add_group", "change_group", "delete_group", "view_group")
    group = Group.objects.create(name="Office")
    staff.groups.add(group)
    browser = admin_as(staff)
    every = [permission.pk for permission in Permission.objects.all()]
    page = url(Group, "change", group.pk)
    assert browser.get(page).status_code == 200  # to see it is not to change it
    assert browser.post(page, {"name": "All", "permissions": every}).status_code == 403
    assert (
        browser.post(url(Group, "add"), {"name": "All", "permissions": every}).status_code == 403
    )
    assert browser.post(url(Group, "delete", group.pk), {"post": "yes"}).status_code == 403
    assert not group.permissions.exists()


@pytest.mark.parametrize("right", ["is_superuser", "is_staff", "is_active"])
def test_a_password_is_not_given_to_an_account_that_has_changed(
    administrator: User, owner: User, right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hash takes half a second, in which somebody else changes the account."""

    def slow(password: str | None) -> str:
        User.objects.filter(pk=owner.pk).update(**{right: not getattr(owner, right)})
        return make_password(password)

    monkeypatch.setattr("django.contrib.auth.base_user.make_password", slow)
    page = reverse("admin:auth_user_password_change", args=[owner.pk])
    response = admin_as(administrator).post(page, {**PASSWORD, "set-password": "Change"})
    assert response.status_code == 403
    stored = User.objects.get(pk=owner.pk)
    assert getattr(stored, right) is not getattr(owner, right)
    assert stored.check_password("pass-word-1")


def test_staff_neither_give_rights_nor_touch_administrators(
    administrator: User, owner: User
) -> None:
    staff = make_user("stan", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(content_type__app_label="users"))
    browser = admin_as(staff)
    data = {
        "username": "olga2",
        "is_active": "on",
        "is_staff": "on",
        "is_superuser": "on",
        "user_permissions": [Permission.objects.all()[0].pk],
        "date_joined_0": "2024-01-15",
        "date_joined_1": "09:00:00",
    }
    page = url(User, "change", owner.pk)
    shown = as_shown(browser.get(page))
    assert browser.post(page, shown | data).status_code == 302
    owner.refresh_from_db()
    assert (owner.username, owner.is_active) == ("olga2", True)
    assert (owner.is_staff, owner.is_superuser) == (False, False)
    assert not owner.user_permissions.exists()
    assert browser.post(url(User, "change", administrator.pk), data).status_code == 403
    password = reverse("admin:auth_user_password_change", args=[administrator.pk])
    assert browser.post(password, PASSWORD).status_code == 403


@pytest.mark.parametrize("shown", ["", "nonsense"])
def test_a_page_of_a_person_that_does_not_say_what_it_showed_is_refused(
    administrator: User, owner: User, shown: str
) -> None:
    browser, page = admin_as(administrator), url(User, "change", owner.pk)
    data = as_shown(browser.get(page)) | {"is_superuser": "on", "_shown": shown}
    sentence = "This form is incomplete. Reload the page and try again."
    assert errors_of(browser.post(page, data)) == {"__all__": [sentence]}
    owner.refresh_from_db()
    assert not owner.is_superuser
