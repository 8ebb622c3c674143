"""Whoever loses their rights while a page of the admin is at work writes nothing with it."""

from collections.abc import Callable
from functools import partial
from threading import Event, Thread
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from django.db import connections, models
from django.http import HttpRequest
from django.test import Client as Browser
from django.test import RequestFactory
from django.urls import reverse

from clients.models import Client
from staff.shown import ShownMixin
from tasks.models import Task
from tests.support.admin import admin_as, as_shown, url
from tests.support.factories import (
    issue_token,
    make_administrator,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from tests.support.racing import at_once
from tests.support.token_pages import ADD, form_data, page_url
from tests.users.test_admin import PASSWORD
from timeentries.models import TimeEntry
from users.models import User

LOSSES: dict[str, dict[str, Any]] = {
    "demoted": {"is_superuser": False},
    "no longer staff": {"is_staff": False},
    "deactivated": {"is_active": False},
    "logged out everywhere": {"password": "another"},
}
Write = Callable[[Browser], tuple[str, dict[str, Any]]]


def edited(make: Callable[[], models.Model], **edits: Any) -> Write:
    """The form of a row, with an edit."""

    def write(browser: Browser) -> tuple[str, dict[str, Any]]:
        row = make()
        page = url(type(row), "change", row.pk)
        return page, as_shown(browser.get(page)) | edits

    return write


def password_of_another(browser: Browser) -> tuple[str, dict[str, Any]]:
    page = reverse("admin:auth_user_password_change", args=[make_user("olga").pk])
    return page, {**PASSWORD, "set-password": "Change"}


def selected(action: str, make: Callable[[], Any], **more: str) -> Write:
    """An action of a list, on one row."""

    def write(browser: Browser) -> tuple[str, dict[str, Any]]:
        row = make()
        return url(type(row), "changelist"), {"action": action, "_selected_action": row.pk, **more}

    return write


def token() -> Any:
    made, _ = issue_token(make_user("olga"), "read:tasks", "read:users", name="Script")
    made.usage.create(day="2026-01-02", scope="read:tasks", calls=1)
    return made


def of_token(page: str, **data: str) -> Write:
    return lambda browser: (page_url(token(), page), data)


def entry() -> TimeEntry:
    return make_entry(make_user("olga"), make_project())


def task() -> Task:
    return make_task(make_project())


def group() -> Group:
    return Group.objects.create(name="Office")


def added(model: type[models.Model], **data: str) -> Write:
    return lambda browser: (url(model, "add"), data)


WRITES: dict[str, Write] = {
    "a person added": added(User, username="maria", **PASSWORD),
    "a person changed": edited(partial(make_user, "olga"), is_superuser="on"),
    "a person's password": password_of_another,
    "a group added": added(Group, name="Office"),
    "a group changed": edited(group, name="All"),
    "a group deleted": lambda _: (url(Group, "delete", group().pk), {"post": "yes"}),
    "groups deleted": selected("delete_selected", group, post="yes"),
    "a client added": added(Client, name="Fern", status="active"),
    "a client changed": edited(make_client, phone="1"),
    "a client deleted": lambda _: (url(Client, "delete", make_client().pk), {"post": "yes"}),
    "projects archived": selected("archive_selected", make_project),
    "a project changed": edited(make_project, status="archived"),
    "tasks deleted": selected("delete_selected", task, post="yes"),
    "a task changed": edited(task, name="Other"),
    "an entry changed": edited(entry, notes="Call"),
    "an entry deleted": lambda _: (url(TimeEntry, "delete", entry().pk), {"post": "yes"}),
    "a token issued": lambda _: (ADD, form_data(make_user("olga"))),
    "a token described": edited(token, name="Other"),
    "a token rotated": of_token("rotate", overlap_hours="24"),
    "a token narrowed": of_token("narrow"),
    "a token revoked": of_token("revoke", one="1"),
    "tokens revoked": selected("revoke_selected", token, confirmed="yes"),
}


def everything() -> dict[str, Any]:
    """All rows but sessions, numbers and their folds, and what is said of an administrator."""
    return {
        model._meta.label: [
            *model._default_manager.exclude(pk__in=ADA if model is User else []).values()
        ]
        for model in apps.get_models()
        if model._meta.managed and model._meta.label not in LEFT_OUT
    }


LEFT_OUT = ("sessions.Session", "tallies.Tally", "tallies.Fold")
ADA = User.objects.filter(username="ada").values("pk")


def lose(monkeypatch: pytest.MonkeyPatch, actor: User, loss: dict[str, Any]) -> None:
    """Let somebody lose their rights as soon as a page has looked at them."""
    looked = AdminSite.has_permission

    def once(site: AdminSite, request: HttpRequest) -> bool:
        allowed = looked(site, request)
        User.objects.filter(pk=actor.pk).update(**loss)
        return allowed

    monkeypatch.setattr(AdminSite, "has_permission", once)


CASES = [
    *((write, "demoted") for write in WRITES),
    *(("a client changed", loss) for loss in LOSSES if loss != "demoted"),
]


@pytest.mark.parametrize(("write", "loss"), CASES)
def test_who_lost_their_rights_meanwhile_writes_nothing(
    administrator: User, monkeypatch: pytest.MonkeyPatch, write: str, loss: str
) -> None:
    browser = admin_as(administrator)
    page, data = WRITES[write](browser)
    before = everything()
    with monkeypatch.context() as meanwhile:
        lose(meanwhile, administrator, LOSSES[loss])
        response = browser.post(page, data)
    assert everything() == before
    assert response.status_code in (302, 403)  # of an action that is not there: the list


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_who_keeps_them_writes(administrator: User, write: Write) -> None:
    """Or the test above would prove nothing."""
    browser = admin_as(administrator)
    page, data = write(browser)
    before = everything()
    assert browser.post(page, data).status_code in (200, 302)
    assert everything() != before


def test_every_page_that_writes_is_judged_by_the_rights_of_now(administrator: User) -> None:
    request = RequestFactory().get("/")
    request.user = administrator
    for model, page in admin.site._registry.items():  # noqa: SLF001
        writes = (page.has_add_permission, page.has_change_permission, page.has_delete_permission)
        assert isinstance(page, ShownMixin) or not any(may(request) for may in writes), model


def hashing(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Any]) -> None:
    """Let something happen while a password is hashed, which takes half a second."""

    def slow(password: str | None) -> str:
        meanwhile()
        return make_password(password)

    monkeypatch.setattr("django.contrib.auth.base_user.make_password", slow)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_password_is_not_set_by_who_lost_their_rights_while_it_was_hashed(
    administrator: User, owner: User, monkeypatch: pytest.MonkeyPatch, loss: dict[str, Any]
) -> None:
    actor = User.objects.filter(pk=administrator.pk)
    hashing(monkeypatch, lambda: actor.update(**loss))
    page = reverse("admin:auth_user_password_change", args=[owner.pk])
    response = admin_as(administrator).post(page, {**PASSWORD, "set-password": "Change"})
    assert response.status_code == 403
    assert b"changed since you opened the page" in response.content
    owner.refresh_from_db()
    assert owner.check_password("pass-word-1")


def join_group(person: User) -> None:
    person.groups.add(group())


def gain_permission(person: User) -> None:
    person.user_permissions.add(Permission.objects.all()[0])


@pytest.mark.parametrize("gain", [join_group, gain_permission])
def test_a_password_is_not_set_of_who_gained_a_right_while_it_was_hashed(
    administrator: User,
    owner: User,
    monkeypatch: pytest.MonkeyPatch,
    gain: Callable[[User], None],
) -> None:
    hashing(monkeypatch, lambda: gain(owner))
    page = reverse("admin:auth_user_password_change", args=[owner.pk])
    response = admin_as(administrator).post(page, {**PASSWORD, "set-password": "Change"})
    assert response.status_code == 403
    owner.refresh_from_db()
    assert owner.check_password("pass-word-1")


def test_a_demotion_waits_for_what_its_person_is_writing(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = make_administrator("ada")
    made = make_client("Fern")
    browser, demoted, seen = admin_as(ada), Event(), []

    def demote() -> None:
        User.objects.filter(pk=ada.pk).update(is_superuser=False)
        demoted.set()
        connections.close_all()

    thread = Thread(target=demote)
    save = ShownMixin.save_model

    def slow(*args: Any) -> None:
        thread.start()
        seen.append(demoted.wait(0.5))
        save(*args)

    monkeypatch.setattr(ShownMixin, "save_model", slow)
    page = url(Client, "change", made.pk)
    assert browser.post(page, as_shown(browser.get(page)) | {"phone": "1"}).status_code == 302
    thread.join(10)
    assert seen == [False]
    assert demoted.is_set()


def test_of_two_administrators_who_demote_each_other_one_stays(transactional_db: None) -> None:
    for number in range(8):
        pair = [make_administrator(f"{name}{number}") for name in ("ada", "eve")]
        browsers = [admin_as(person) for person in pair]
        pages = [url(User, "change", person.pk) for person in reversed(pair)]
        sent = [as_shown(browser.get(page)) for browser, page in zip(browsers, pages, strict=True)]
        for data in sent:
            del data["is_superuser"]
        calls = [
            partial(browser.post, page, data)
            for browser, page, data in zip(browsers, pages, sent, strict=True)
        ]
        assert sorted(response.status_code for response in at_once(calls)) == [302, 403]
        names = [person.username for person in pair]
        assert User.objects.filter(username__in=names, is_superuser=True).count() == 1
