"""The admin's forms keep the rules of the API."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Model

from clients.models import Client
from projects.models import Project
from tasks.models import Task
from tests.support.admin import admin_as, errors_of, rows_of, text_of, url
from tests.support.factories import NINE, make_client, make_entry, make_project, make_task
from timeentries.models import TimeEntry
from users.models import User

ARCHIVED = "This project is archived. Set its status to active to add to it."
RUNNING = "A timer is already running. Stop it first."


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
            "break_seconds": 0,
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
            {"__all__": ["A time entry must not last more than 366 days."]},
            id="longer than a leap year",
        ),
        pytest.param(
            entry(break_seconds=3600),
            {"__all__": ["The break must be shorter than the time entry."]},
            id="a break as long as the entry",
        ),
        pytest.param(
            entry(break_seconds=-1),
            {"break_seconds": ["Ensure this value is greater than or equal to 0."]},
            id="negative break",
        ),
        pytest.param(
            entry(tags=f"design,{'x' * 51}"),
            {"tags": ["Must be at most 50 tags of at most 50 characters each."]},
            id="long tag",
        ),
        pytest.param(entry_in_archived_project, {"project": [ARCHIVED]}, id="entry, archived"),
        pytest.param(task_in_archived_project, {"project": [ARCHIVED]}, id="task, archived"),
        pytest.param(
            client_of_a_taken_name,
            {"__all__": ["A client with this name already exists."]},
            id="client of a taken name",
        ),
        pytest.param(
            lambda _: (Client, {"default_hourly_rate": "-1"}),
            {"__all__": ["The default hourly rate cannot be negative."]},
            id="negative default rate",
        ),
        pytest.param(
            project_of_a_taken_name,
            {"__all__": ["This client already has a project with this name."]},
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
    changed = {"notes": "Call", "folded_notes": "call", "version": 2}
    assert after == before | changed | {"updated_at": after["updated_at"]}


def test_saving_without_a_change_changes_nothing(administrator: User) -> None:
    made = make_client()
    before = Client.objects.values().get()
    response = admin_as(administrator).post(url(Client, "change", made.pk), form_of(Client))
    assert response.status_code == 302
    assert Client.objects.values().get() == before


@pytest.mark.parametrize(("written", "breaks"), [(60, 1860), (120, 120)])
def test_a_form_that_ends_a_paused_timer_ends_its_break(
    administrator: User, owner: User, written: int, breaks: int
) -> None:
    paused_at = NINE + timedelta(minutes=30)
    made = make_entry(owner, make_project(), lasting=None, break_seconds=60, paused_at=paused_at)
    response = admin_as(administrator).post(
        url(TimeEntry, "change", made.pk),
        form_of(TimeEntry, user=owner, project=made.project, break_seconds=written),
    )
    assert response.status_code == 302
    ended = TimeEntry.objects.get()
    assert (ended.break_seconds, ended.paused_at) == (breaks, None)
    assert ended.duration_seconds == ended.rounded_seconds == 3600 - breaks


def test_a_form_does_not_move_the_start_past_the_pause(administrator: User, owner: User) -> None:
    made = make_entry(owner, make_project(), lasting=None, paused_at=NINE)
    fields = timer(owner) | {"project": made.project, "start_time_1": "09:00:01"}
    response = admin_as(administrator).post(
        url(TimeEntry, "change", made.pk), form_of(TimeEntry, **fields)
    )
    assert errors_of(response) == {"__all__": ["The start must not be after the pause."]}


def test_the_list_shows_breaks_and_pauses(administrator: User, owner: User) -> None:
    make_entry(owner, make_project(), break_seconds=605)
    make_entry(
        owner, make_project(), NINE + timedelta(days=1), None, paused_at=NINE + timedelta(2)
    )
    rows = rows_of(admin_as(administrator).get(url(TimeEntry, "changelist")))
    assert [row[1:3] for row in rows] == [["paused", ""], ["0:49:55", "0:10:05"]]
    paused = TimeEntry.objects.running().get()
    page = admin_as(administrator).get(url(TimeEntry, "change", paused.pk))
    assert f"Paused at: {NINE + timedelta(2):%Y-%m-%d %H:%M} " in text_of(page.content.decode())
