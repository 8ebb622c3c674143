"""The admin's pages: every model has its own, and they keep the rules of the API."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.db.models import Model
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from clients.models import Client
from projects.models import Project
from tasks.models import Task
from tests.admin import admin_as, errors_of, messages_of, rows_of
from tests.factories import (
    NINE,
    issue_token,
    make_administrator,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from timeentries.models import TimeEntry
from timetracker.admin import LOGINS, SECTIONS
from users.models import User

ARCHIVED = "This project is archived. Set its status to active to add to it."
RUNNING = "A timer is already running. Stop it first."


def url(model: type[Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def models_in_the_admin() -> list[type[Model]]:
    return [model for model in apps.get_models() if admin.site.is_registered(model)]


def make_row_of_each(number: int) -> dict[str, Model]:
    """A row of every model, referring to rows of its own."""
    user = make_user(f"user {number}", time_zone="Europe/Berlin")
    client = make_client(f"Client {number}")
    project = make_project(f"Project {number}", client=client)
    task = make_task(project, f"Task {number}", assignee=user)
    rows = [
        user,
        client,
        project,
        task,
        make_entry(user, project, task=task, tags="design,urgent"),
        issue_token(user, "read:tasks")[0],
        Group.objects.create(name=f"Group {number}"),
    ]
    return {row._meta.label: row for row in rows}


def test_every_model_is_asked_here(db: None) -> None:
    read_only = {"changes.Change", "reports.Report"}  # tests/{changes,reports}/test_admin.py
    asked = set(make_row_of_each(0)) | read_only
    assert {model._meta.label for model in models_in_the_admin()} == asked


@pytest.mark.parametrize(
    ("label", "lists", "adds", "changes"),
    [
        # session and user for each page; two counts and the page for a list
        pytest.param("clients.Client", 5, 2, 3),
        pytest.param("projects.Project", 5, 2, 4),  # the client
        pytest.param("tasks.Task", 5, 2, 5),  # the project, the assignee
        pytest.param("timeentries.TimeEntry", 7, 2, 7),
        pytest.param("apitokens.ApiToken", 6, 2, 9),  # twice the token; use, rotation, events
        pytest.param("users.User", 6, 2, 7),
        pytest.param("auth.Group", 5, 3, 5),
    ],
)
def test_pages_cost_the_same_for_one_row_and_for_twenty(
    administrator: User,
    django_assert_num_queries: DjangoAssertNumQueries,
    label: str,
    lists: int,
    adds: int,
    changes: int,
) -> None:
    browser = admin_as(administrator)
    row = make_row_of_each(0)[label]
    pages = {
        url(type(row), "changelist"): lists,
        url(type(row), "add"): adds,
        url(type(row), "change", row.pk): changes,
    }
    for page in pages:
        browser.get(page)
    for more in (0, 19):
        for number in range(more):
            make_row_of_each(number + 1)
        for page, queries in pages.items():
            with django_assert_num_queries(queries):
                assert browser.get(page).status_code == 200


def test_pages_need_nothing_that_the_content_security_policy_forbids(administrator: User) -> None:
    browser = admin_as(administrator)
    rows = make_row_of_each(0).values()
    pages = [reverse("admin:index"), reverse("admin:password_change")]
    for row in rows:
        pages += [url(type(row), "changelist"), url(type(row), "add")]
        pages += [url(type(row), page, row.pk) for page in ("change", "history")]
    for page in pages:
        answer = browser.get(page)
        markup = answer.content.decode()
        assert answer.status_code == 200
        assert re.findall(r"<script(?![^>]* src=)[^>]*(?<!application/json\")>", markup) == []
        assert re.findall(r"<style|\sstyle=|\son[a-z]+=", markup) == []
        assert re.findall(r"(?:src|href|action)=\"(?:https?:)?//[^\"]*", markup) == []


def test_index_is_in_two_sections(administrator: User) -> None:
    response = admin_as(administrator).get(reverse("admin:index"))
    assert {
        section["name"]: [model["name"] for model in section["models"]]
        for section in response.context["app_list"]
    } == {
        "Work": ["Time entries", "Projects", "Tasks", "Clients", "Changes", "Reports"],
        "Access": ["Users", "Groups", "API tokens"],
    }
    assert {model._meta.app_label for model in models_in_the_admin()} == {
        label for labels in SECTIONS.values() for label in labels
    }


def test_index_shows_staff_what_they_may(owner: User) -> None:
    staff = make_user("stan", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_project"))
    response = admin_as(staff).get(reverse("admin:index"))
    assert [
        (section["name"], [model["name"] for model in section["models"]])
        for section in response.context["app_list"]
    ] == [("Work", ["Projects"])]


def test_the_site_has_our_name(client: Browser) -> None:
    page = client.get(reverse("admin:login")).content.decode()
    assert "<title>Log in | TimeTracker</title>" in page
    assert re.findall(r'<div id="site-name"><a href="/admin/">(.*?)</a>', page) == ["TimeTracker"]


@pytest.mark.django_db
def test_too_many_logins_are_not_looked_at(client: Browser) -> None:
    make_administrator("ada")
    login = reverse("admin:login")
    right = {"username": "ada", "password": "pass-word-1"}
    for _ in range(LOGINS):
        assert client.post(login, right | {"password": "wrong"}).status_code == 200
    response = client.post(login, right)
    assert re.fullmatch(
        r"Too many attempts\. Try again in [0-9]+ minutes\.",
        response.context["form"].non_field_errors()[0],
    )
    assert client.post(login, right, REMOTE_ADDR="192.0.2.1").status_code == 302


def form_of(model: type[Model], **fields: Any) -> dict[str, Any]:
    """What a browser sends for a row that keeps all rules."""
    forms: dict[type[Model], dict[str, Any]] = {
        Client: {"name": "Fern & Sons", "status": "active"},
        Project: {"name": "Site", "status": "active", "billable": "on"},
        Task: {"name": "Draft", "status": "todo", "priority": 2},
        TimeEntry: {
            "start_time_0": "2024-01-15",
            "start_time_1": "09:00:00",
            "end_time_0": "2024-01-15",
            "end_time_1": "10:00:00",
            "billable": "on",
        },
    }
    return forms[model] | {
        name: value.pk if isinstance(value, Model) else value for name, value in fields.items()
    }


def timer(user: User) -> dict[str, Any]:
    """The fields of a running timer."""
    return {"user": user, "end_time_0": "", "end_time_1": ""}


Case = Callable[[User], tuple[type[Model], dict[str, Any]]]


def second_timer(user: User) -> tuple[type[Model], dict[str, Any]]:
    project = make_project()
    make_entry(user, project, lasting=None)
    return TimeEntry, {"project": project, **timer(user)}


def task_of_another_project(user: User) -> tuple[type[Model], dict[str, Any]]:
    task = make_task(make_project("Shop"))
    return TimeEntry, {"user": user, "project": make_project(), "task": task}


def entry(**fields: Any) -> Case:
    return lambda user: (TimeEntry, {"user": user, "project": make_project(), **fields})


def entry_in_archived_project(user: User) -> tuple[type[Model], dict[str, Any]]:
    return TimeEntry, {"user": user, "project": make_project(status="archived")}


def task_in_archived_project(user: User) -> tuple[type[Model], dict[str, Any]]:
    return Task, {"project": make_project(status="archived")}


def client_of_a_taken_name(user: User) -> tuple[type[Model], dict[str, Any]]:
    make_client("FERN & SONS")
    return Client, {}


def project_of_a_taken_name(user: User) -> tuple[type[Model], dict[str, Any]]:
    client = make_client()
    make_project(client=client)
    return Project, {"client": client}


@pytest.mark.parametrize(
    ("case", "errors"),
    [
        pytest.param(second_timer, {"__all__": [RUNNING]}, id="second timer"),
        pytest.param(
            task_of_another_project,
            {"task": ["This task belongs to another project."]},
            id="task of another project",
        ),
        pytest.param(
            entry(end_time_1="09:00:00"),
            {"__all__": ["The end must be after the start."]},
            id="end at the start",
        ),
        pytest.param(
            entry(end_time_0="2025-01-16"),
            {"__all__": ["A time entry lasts at most 366 days."]},
            id="longer than a leap year",
        ),
        pytest.param(
            entry(tags=f"design,{'x' * 51}"),
            {"tags": ["Give at most 50 tags of at most 50 characters each."]},
            id="long tag",
        ),
        pytest.param(entry_in_archived_project, {"project": [ARCHIVED]}, id="entry, archived"),
        pytest.param(task_in_archived_project, {"project": [ARCHIVED]}, id="task, archived"),
        pytest.param(
            client_of_a_taken_name,
            {"__all__": ["There is already a client of that name."]},
            id="client of a taken name",
        ),
        pytest.param(
            lambda _: (Client, {"default_hourly_rate": "-1"}),
            {"__all__": ["The default hourly rate cannot be negative."]},
            id="negative default rate",
        ),
        pytest.param(
            project_of_a_taken_name,
            {"__all__": ["This client already has a project of that name."]},
            id="project of a taken name",
        ),
        pytest.param(
            lambda _: (Project, {"hourly_rate": "-1"}),
            {"__all__": ["The hourly rate cannot be negative."]},
            id="negative rate",
        ),
        pytest.param(
            lambda _: (Task, {"project": make_project(), "estimated_hours": "-1"}),
            {"__all__": ["The estimated hours cannot be negative."]},
            id="negative estimate",
        ),
    ],
)
def test_a_broken_rule_is_an_error_of_the_form(
    administrator: User, owner: User, case: Case, errors: dict[str, list[str]]
) -> None:
    model, fields = case(owner)
    before = model._default_manager.count()
    response = admin_as(administrator).post(url(model, "add"), form_of(model, **fields))
    assert errors_of(response) == errors
    assert model._default_manager.count() == before


def test_rows_are_added(administrator: User, owner: User) -> None:
    browser = admin_as(administrator)

    def add(model: type[Model], **fields: Any) -> Any:
        response = browser.post(url(model, "add"), form_of(model, **fields))
        assert (response.status_code, response["Location"]) == (302, url(model, "changelist"))
        return model._default_manager.get()

    client = add(Client, default_hourly_rate="80.50")
    project = add(Project, client=client)
    task = add(Task, project=project, status="done")
    made = add(TimeEntry, user=owner, project=project, task=task, tags=" design, urgent,,design")
    assert task.completed_at is not None
    assert (made.user, made.project, made.task) == (owner, project, task)
    assert (made.start_time, made.duration_seconds, made.tags) == (NINE, 3600, "design,urgent")


def test_an_entry_of_an_archived_project_can_be_changed_but_not_moved_to_one(
    administrator: User, owner: User
) -> None:
    archived, other = make_project(status="archived"), make_project("Old", status="archived")
    made = make_entry(owner, archived)
    browser, page = admin_as(administrator), url(TimeEntry, "change", made.pk)
    response = browser.post(page, form_of(TimeEntry, user=owner, project=other))
    assert errors_of(response) == {"project": [ARCHIVED]}
    response = browser.post(page, form_of(TimeEntry, user=owner, project=archived, notes="Call"))
    assert response.status_code == 302
    assert TimeEntry.objects.get().notes == "Call"


def test_a_change_leaves_the_other_columns_alone(administrator: User, owner: User) -> None:
    """The form knows whole seconds only, and must not cut off what an app measured."""
    start = NINE + timedelta(microseconds=123_456)
    made = make_entry(owner, make_project(), start)
    before = TimeEntry.objects.values().get()
    response = admin_as(administrator).post(
        url(TimeEntry, "change", made.pk),
        form_of(TimeEntry, user=owner, project=made.project, notes="Call"),
    )
    assert response.status_code == 302
    after = TimeEntry.objects.values().get()
    assert after["updated_at"] > before["updated_at"]
    assert after == before | {
        "notes": "Call",
        "updated_at": after["updated_at"],
        "version": 2,
    }


def test_saving_without_a_change_changes_nothing(administrator: User) -> None:
    made = make_client()
    before = Client.objects.values().get()
    response = admin_as(administrator).post(url(Client, "change", made.pk), form_of(Client))
    assert response.status_code == 302
    assert Client.objects.values().get() == before


def test_the_list_of_time_entries(administrator: User, owner: User, colleague: User) -> None:
    site, shop = make_project("Site"), make_project("Shop")
    make_entry(owner, site, lasting=timedelta(hours=26, seconds=61), tags="design,urgent")
    make_entry(colleague, shop, NINE + timedelta(days=3), None, task=make_task(shop))
    browser = admin_as(administrator)
    running = ["2024-01-18 09:00", "running", "carl", "Shop", "Draft", "", "-"]
    finished = ["2024-01-15 09:00", "26:01:01", "olga", "Site", "-", "", "design,urgent"]
    for query, rows in {
        "": [running, finished],
        "timer=running": [running],
        "timer=finished": [finished],
        "q=urgent": [finished],
        "q=carl": [running],
        "billable__exact=0": [],
    }.items():
        assert rows_of(browser.get(f"{url(TimeEntry, 'changelist')}?{query}")) == rows


@pytest.mark.parametrize(
    ("label", "field", "term", "found"),
    [
        ("apitokens.ApiToken", "user", "user 1", ["user 1"]),
        ("projects.Project", "client", "client", ["Client 0", "Client 1"]),
        ("tasks.Task", "project", "project 0", ["Project 0"]),
        ("tasks.Task", "assignee", "user 0", ["user 0"]),
        ("timeentries.TimeEntry", "user", "nobody", []),
        ("timeentries.TimeEntry", "project", "client 1", ["Project 1"]),
        ("timeentries.TimeEntry", "task", "task", ["Task 0", "Task 1"]),
    ],
)
def test_autocompletion(
    administrator: User, label: str, field: str, term: str, found: list[str]
) -> None:
    make_row_of_each(0)
    make_row_of_each(1)
    app_label, model_name = label.lower().split(".")
    query = {"app_label": app_label, "model_name": model_name, "field_name": field, "term": term}
    response = admin_as(administrator).get(reverse("admin:autocomplete"), query)
    assert response.status_code == 200
    assert [result["text"] for result in response.json()["results"]] == found


def test_projects_are_archived_and_never_deleted(administrator: User) -> None:
    site, shop, old = make_project(), make_project("Shop"), make_project("Old", status="archived")
    browser = admin_as(administrator)
    before = timezone.now()
    data = {"action": "archive_selected", "_selected_action": [site.pk, old.pk]}
    response = browser.post(url(Project, "changelist"), data)
    assert messages_of(response) == ["1 project archived."]
    assert list(Project.objects.values_list("name", "status")) == [
        ("Old", "archived"),
        ("Shop", "active"),
        ("Site", "archived"),
    ]
    assert list(Project.objects.filter(updated_at__gt=before)) == [site]
    assert str(LogEntry.objects.get()) == "Changed “Site” — Archived."
    response = browser.post(url(Project, "delete", shop.pk), {"post": "yes"})
    assert response.status_code == 403


def test_what_is_referred_to_cannot_be_deleted(administrator: User) -> None:
    rows = make_row_of_each(0)
    browser = admin_as(administrator)
    for label in ("clients.Client", "tasks.Task"):
        row = rows[label]
        response = browser.post(url(type(row), "delete", row.pk), {"post": "yes"})
        assert (response.status_code, len(response.context["protected"])) == (200, 1)
        assert type(row)._default_manager.count() == 1


def test_what_nothing_refers_to_is_deleted(administrator: User, owner: User) -> None:
    project = make_project()
    browser = admin_as(administrator)
    for row in (make_client(), make_entry(owner, project), make_task(project)):
        response = browser.post(url(type(row), "delete", row.pk), {"post": "yes"})
        assert response.status_code == 302
        assert not type(row)._default_manager.exists()


PASSWORD = {"usable_password": "true", "password1": "a-long-one-77", "password2": "a-long-one-77"}


@pytest.mark.parametrize("time_zone", ["", "Europe/Berlin"])
def test_a_user_is_added_with_or_without_a_time_zone(administrator: User, time_zone: str) -> None:
    data = {"username": "maria", "email": "m@example.com", "time_zone": time_zone, **PASSWORD}
    response = admin_as(administrator).post(url(User, "add"), data)
    maria = User.objects.get(username="maria")
    assert (response.status_code, response["Location"]) == (302, url(User, "change", maria.pk))
    assert (maria.email, maria.time_zone, maria.role) == ("m@example.com", time_zone, "user")
    assert maria.check_password("a-long-one-77")


def test_a_time_zone_must_exist(administrator: User) -> None:
    data = {"username": "maria", "time_zone": "Berlin", **PASSWORD}
    response = admin_as(administrator).post(url(User, "add"), data)
    assert errors_of(response) == {"time_zone": ["Give an IANA name such as Europe/Berlin."]}


def test_a_password_is_changed(administrator: User, owner: User) -> None:
    page = reverse("admin:auth_user_password_change", args=[owner.pk])
    response = admin_as(administrator).post(page, {**PASSWORD, "set-password": "Change"})
    assert response.status_code == 302
    owner.refresh_from_db()
    assert owner.check_password("a-long-one-77")


def test_people_are_never_deleted(administrator: User, owner: User) -> None:
    response = admin_as(administrator).post(url(User, "delete", owner.pk), {"post": "yes"})
    assert response.status_code == 403


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
    assert browser.post(url(User, "change", owner.pk), data).status_code == 302
    owner.refresh_from_db()
    assert (owner.username, owner.is_active) == ("olga2", True)
    assert (owner.is_staff, owner.is_superuser) == (False, False)
    assert not owner.user_permissions.exists()
    assert browser.post(url(User, "change", administrator.pk), data).status_code == 403
    password = reverse("admin:auth_user_password_change", args=[administrator.pk])
    assert browser.post(password, PASSWORD).status_code == 403
