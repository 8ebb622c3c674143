"""A form of the admin writes what its reader changed, compared with what the page showed."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client as Browser
from django.utils import timezone

from clients.models import Client
from journal.models import Change
from projects.models import Project
from tasks.models import Task
from tests.support.admin import admin_as, as_shown, errors_of, url
from tests.support.factories import (
    api_as,
    make_administrator,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from tests.support.racing import at_once
from timeentries.models import TimeEntry
from users.models import User


def opened(browser: Browser, row: Any) -> tuple[str, dict[str, Any]]:
    """Open the form of a row; return its address and what it sends back untouched."""
    page = url(type(row), "change", row.pk)
    return page, as_shown(browser.get(page))


def test_a_stopped_timer_stays_stopped(administrator: User, project: Project) -> None:
    start = timezone.now() - timedelta(hours=1)
    timer = make_entry(administrator, project, start, lasting=None, notes="Tpyo")
    browser = admin_as(administrator)
    page, data = opened(browser, timer)
    api = api_as(administrator, "*")
    api.post("/api/v1/timer/stop")
    api.patch(f"/api/v1/time-entries/{timer.pk}", {"tags": "late", "billable": False})
    stopped = TimeEntry.objects.get()

    assert browser.post(page, data | {"notes": "Typo"}).status_code == 302

    saved = TimeEntry.objects.get()
    assert (saved.notes, saved.end_time) == ("Typo", stopped.end_time)
    assert (saved.tags, saved.billable) == ("late", False)
    assert Change.objects.latest("pk").fields == ["notes"]


def test_to_save_without_an_edit_writes_nothing(administrator: User) -> None:
    browser = admin_as(administrator)
    project = make_project(client=make_client())
    rows = [
        make_user("erik"),
        project.client,
        project,
        make_task(project, due_date="2026-01-02"),
        make_entry(administrator, project, notes="  a\nb\n", tags="x,y"),
    ]
    pages = [opened(browser, row) for row in rows]
    Project.objects.filter(pk=project.pk).update(status="archived")
    Client.objects.update(phone="1")
    Task.objects.get().save()
    User.objects.filter(username="erik").update(is_active=False)
    Change.objects.all().delete()

    for page, data in pages:
        assert browser.post(page, data).status_code == 302, page

    assert not Change.objects.exists()
    assert Project.objects.get().status == "archived"
    assert Client.objects.get().phone == "1"
    assert TimeEntry.objects.get().notes == "  a\nb\n"
    assert not User.objects.get(username="erik").is_active


def test_what_another_changed_too_is_shown_beside_it(administrator: User) -> None:
    browser, client = admin_as(administrator), make_client("Fern", phone="1")
    page, data = opened(browser, client)
    Client.objects.update(phone="2", company="Fern Ltd")

    refused = browser.post(page, data | {"phone": "3"})

    sentence = "This was changed to “2” after you opened the page. Save again to overwrite it."
    assert errors_of(refused) == {"phone": [sentence]}
    again = as_shown(refused)
    assert again["phone"] == "3"
    assert browser.post(page, again).status_code == 302
    client.refresh_from_db()
    assert (client.phone, client.company) == ("3", "Fern Ltd")


def test_two_who_change_a_field_alike_agree(administrator: User) -> None:
    browser, client = admin_as(administrator), make_client("Fern", phone="1")
    page, data = opened(browser, client)
    Client.objects.update(phone="2")
    assert browser.post(page, data | {"phone": "2"}).status_code == 302


@pytest.mark.parametrize("right", ["is_superuser", "is_staff", "is_active"])
def test_a_page_opened_before_a_demotion_gives_nothing_back(
    administrator: User, right: str
) -> None:
    browser, other = admin_as(administrator), make_administrator("eve")
    group = Group.objects.create(name="Office")
    other.groups.add(group)
    page, data = opened(browser, other)
    User.objects.filter(pk=other.pk).update(**{right: False})
    other.groups.clear()

    assert browser.post(page, data | {"email": "eve@example.org"}).status_code == 302

    other.refresh_from_db()
    assert (other.email, getattr(other, right)) == ("eve@example.org", False)
    assert not other.groups.exists()


def test_a_page_of_a_group_opened_earlier_gives_nothing_back(administrator: User) -> None:
    browser, group = admin_as(administrator), Group.objects.create(name="Office")
    group.permissions.add(*Permission.objects.all()[:3])
    page, data = opened(browser, group)
    group.permissions.clear()
    assert browser.post(page, data | {"name": "Staff"}).status_code == 302
    group.refresh_from_db()
    assert (group.name, group.permissions.count()) == ("Staff", 0)


def test_a_long_text_with_line_ends_can_be_saved(administrator: User, project: Project) -> None:
    browser, entry = admin_as(administrator), make_entry(administrator, project)
    page, data = opened(browser, entry)
    notes = "  " + 4_999 * "a\n"
    assert browser.post(page, data | {"notes": notes.replace("\n", "\r\n")}).status_code == 302
    assert TimeEntry.objects.get().notes == notes


PASSWORDS = {
    "old_password": "pass-word-1",
    "new_password1": "Quite-other-2",
    "new_password2": "Quite-other-2",
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("right", ["is_superuser", "is_staff", "is_active"])
def test_a_password_changed_meanwhile_gives_no_right_back(right: str, settings: Any) -> None:
    # The hash of a running service, which takes as long as a demotion needs to overtake it.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    user = make_administrator("eve")
    browser = admin_as(user)
    page = "/admin/password_change/"

    def demote() -> Any:
        return User.objects.filter(pk=user.pk).update(**{right: False})

    calls: list[Callable[[], Any]] = [partial(browser.post, page, PASSWORDS), demote]
    answer, _ = at_once(calls)

    user.refresh_from_db()
    assert getattr(user, right) is False
    assert answer.status_code in (302, 403)


def test_ones_own_password_is_changed(administrator: User) -> None:
    browser = admin_as(administrator)
    answer = browser.post("/admin/password_change/", PASSWORDS)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/password_change/done/")
    administrator.refresh_from_db()
    assert administrator.check_password("Quite-other-2")
    assert browser.get("/admin/").status_code == 200  # still logged in
