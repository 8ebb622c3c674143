"""The time entries' endpoints: whole answers, then the row."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from projects.models import Project
from tests.support.answers import instant, page_of
from tests.support.expected import entry_json, without_time_so_far
from tests.support.factories import (
    NINE,
    api_as,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from timeentries.models import TimeEntry
from users.models import User

PATH = "/api/v1/time-entries"
NOT_YOURS = "You can only access your own time entries."


def test_list_holds_ones_own_finished_entries_newest_first(
    owner: User, colleague: User, project: Project
) -> None:
    early = make_entry(owner, project, NINE, tags="a,b")
    twin = make_entry(owner, project, NINE, task=make_task(project))
    late = make_entry(owner, project, NINE + timedelta(days=1), notes="Late", billable=False)
    make_entry(owner, project, lasting=None)
    make_entry(colleague, project)
    response = api_as(owner, "read:time_entries").get(PATH)
    assert response.status_code == 200
    assert response.json() == page_of(
        "time_entries", [entry_json(entry) for entry in (late, twin, early)]
    )


def test_list_of_an_administrator_holds_everyones(
    owner: User, colleague: User, administrator: User, project: Project
) -> None:
    mine, theirs = make_entry(owner, project), make_entry(colleague, project)
    response = api_as(administrator, "read:time_entries").get(PATH)
    assert response.status_code == 200
    assert response.json() == page_of("time_entries", [entry_json(theirs), entry_json(mine)])


def test_list_may_hold_the_timer(owner: User, project: Project) -> None:
    timer = make_entry(owner, project, datetime.now(UTC) - timedelta(hours=1), None)
    api = api_as(owner, "read:time_entries")
    response = api.get(PATH, {"include_active": "true"})
    assert response.status_code == 200
    [listed] = response.json()["time_entries"]
    assert without_time_so_far(listed, 3600, 3660) == entry_json(timer)


def test_list_costs_the_same_for_one_and_for_twenty(
    administrator: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def make(number: int) -> None:
        client = make_client(f"Client {number}")
        project = make_project(f"Project {number}", client=client)
        make_entry(make_user(f"user{number}"), project, task=make_task(project), tags="a,b")

    api = api_as(administrator, "read:time_entries")
    make(0)
    api.get(PATH)
    with django_assert_num_queries(4):  # token, tag, count, page
        assert len(api.get(PATH).json()["time_entries"]) == 1
    for number in range(1, 20):
        make(number)
    with django_assert_num_queries(4):
        assert len(api.get(PATH).json()["time_entries"]) == 20


def test_get_returns_all_fields(owner: User) -> None:
    project = make_project("Site", client=make_client("Acme"))
    task = make_task(project, "Draft")
    length = timedelta(hours=7, minutes=35, microseconds=999_999)
    shown = {"notes": "Worked on feature X", "tags": "development,frontend", "billable": False}
    entry = make_entry(owner, project, NINE, length, task=task, **shown)
    response = api_as(owner, "read:time_entries").get(f"{PATH}/{entry.pk}")
    assert response.status_code == 200
    assert response.json() == {
        "time_entry": {
            "id": entry.pk,
            "user_id": owner.pk,
            "user_name": "olga",
            "project_id": project.pk,
            "project_name": "Site",
            "task_id": task.pk,
            "task_name": "Draft",
            "client_id": project.client_id,
            "client_name": "Acme",
            "start_time": "2024-01-15T09:00:00Z",
            "end_time": "2024-01-15T16:35:00.999999Z",
            "break_seconds": 0,
            "paused_at": None,
            "duration_seconds": 27300,
            "duration_hours": 7.58,
            "active": False,
            **shown,
            "tag_list": ["development", "frontend"],
            "hourly_rate": None,
            "currency": "USD",
            "rounded_seconds": 27300,
            "amount": None,
            "billed": False,
            "billing_reference": None,
            "created_at": instant(entry.created_at),
            "updated_at": instant(entry.updated_at),
            "version": 1,
            "external_id": None,
        }
    }


def test_create_as_documented(owner: User, project: Project) -> None:
    task = make_task(project)
    body = {
        "project_id": project.pk,
        "task_id": task.pk,
        "start_time": "2024-01-15T09:00:00Z",
        "end_time": "2024-01-15T17:00:00Z",
        "notes": "Worked on feature X",
        "tags": "development,frontend",
        "billable": True,
    }
    response = api_as(owner, "write:time_entries").post(PATH, body)
    assert response.status_code == 201
    entry = TimeEntry.objects.get()
    assert response.json() == {
        "message": "Time entry created successfully",
        "time_entry": {
            "id": entry.pk,
            "user_id": owner.pk,
            "user_name": "olga",
            **body,
            "project_name": "Site",
            "task_name": "Draft",
            "client_id": None,
            "client_name": None,
            "break_seconds": 0,
            "paused_at": None,
            "duration_seconds": 28800,
            "duration_hours": 8.0,
            "active": False,
            "tag_list": ["development", "frontend"],
            "hourly_rate": None,
            "currency": "USD",
            "rounded_seconds": 28800,
            "amount": None,
            "billed": False,
            "billing_reference": None,
            "created_at": instant(entry.created_at),
            "updated_at": instant(entry.updated_at),
            "version": 1,
            "external_id": None,
        },
    }
    assert response["Location"] == f"{PATH}/{entry.pk}"
    assert entry_json(entry) == response.json()["time_entry"]
    assert entry.duration_seconds == 28800


def test_project_and_start_are_enough_for_a_timer(owner: User, project: Project) -> None:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
    body = {"project_id": project.pk, "start_time": instant(start)}
    response = api_as(owner, "write:time_entries").post(PATH, body)
    assert response.status_code == 201
    timer = TimeEntry.objects.get()
    assert (timer.user, timer.start_time, timer.end_time) == (owner, start, None)
    assert without_time_so_far(response.json()["time_entry"], 600, 660) == entry_json(timer)


@pytest.mark.parametrize("method", ["put", "patch"])
def test_an_empty_text_does_not_start_a_finished_entry_again(
    owner: User, project: Project, method: str
) -> None:
    entry = make_entry(owner, project)
    path = f"{PATH}/{entry.pk}"
    response = getattr(api_as(owner, "write:time_entries"), method)(path, {"end_time": ""})
    sentence = "Send null to make this a running timer, or omit the field to keep the end."
    assert response.status_code == 400
    assert response.json()["errors"] == {"end_time": [sentence]}
    assert TimeEntry.objects.get().end_time == entry.end_time


@pytest.mark.parametrize(
    ("method", "end_time"), [("post", None), ("post", ""), ("put", None), ("patch", None)]
)
def test_an_empty_end_means_a_timer(
    owner: User, project: Project, method: str, end_time: str | None
) -> None:
    api = api_as(owner, "write:time_entries")
    path = PATH if method == "post" else f"{PATH}/{make_entry(owner, project).pk}"
    body = {
        "project_id": project.pk,
        "start_time": "2024-01-15T09:00:00Z",
        "end_time": end_time,
    }
    response = getattr(api, method)(path, body)
    assert response.status_code == (201 if method == "post" else 200)
    assert response.json()["time_entry"]["end_time"] is None
    assert response.json()["time_entry"]["active"] is True
    assert TimeEntry.objects.get().end_time is None


@pytest.mark.parametrize("method", ["put", "patch"])
def test_update_changes_what_was_sent_and_nothing_else(owner: User, method: str) -> None:
    project = make_project(client=make_client())
    entry = make_entry(owner, project, task=make_task(project), tags="a", billable=False)
    api = api_as(owner, "write:time_entries")
    body = {"notes": "New", "end_time": "2024-01-15T11:30:00Z"}
    response = getattr(api, method)(f"{PATH}/{entry.pk}", body)
    assert response.status_code == 200
    changed = TimeEntry.objects.get()
    expected = entry_json(
        entry,
        **body,
        duration_seconds=9000,
        duration_hours=2.5,
        rounded_seconds=9000,
        updated_at=instant(changed.updated_at),
        version=2,
    )
    assert entry_json(changed) == expected
    assert changed.duration_seconds == 9000
    assert response.json() == {
        "message": "Time entry updated successfully",
        "time_entry": expected,
    }


def test_answer_to_an_update_names_what_is_null_too(owner: User, project: Project) -> None:
    entry = make_entry(owner, project)
    api = api_as(owner, "write:time_entries")
    response = api.put(f"{PATH}/{entry.pk}", {"notes": "New"})
    assert response.status_code == 200
    assert response.json()["time_entry"] == entry_json(TimeEntry.objects.get())


def test_what_get_returns_can_be_put_back(owner: User) -> None:
    project = make_project(client=make_client())
    entry = make_entry(owner, project, task=make_task(project), tags="a,b", notes=" x\n")
    api = api_as(owner, "write:time_entries")
    body = api.get(f"{PATH}/{entry.pk}").json()["time_entry"]
    response = api.put(f"{PATH}/{entry.pk}", body)
    assert response.status_code == 200
    assert response.json()["time_entry"] == body


def test_what_get_returns_of_a_timer_can_be_put_back(owner: User, project: Project) -> None:
    timer = make_entry(owner, project, lasting=None)
    api = api_as(owner, "write:time_entries")
    body = api.get(f"{PATH}/{timer.pk}").json()["time_entry"]
    response = api.put(f"{PATH}/{timer.pk}", body)
    assert response.status_code == 200
    changed = TimeEntry.objects.get()
    assert entry_json(changed) == entry_json(timer)


def test_read_only_fields_are_ignored(owner: User, project: Project) -> None:
    entry = make_entry(owner, project)
    body = {
        "id": 7,
        "user_name": "somebody",
        "project_name": 5,
        "task_name": 5,
        "client_id": 999999,
        "client_name": "Other",
        "break_seconds": 0,
        "paused_at": None,
        "duration_seconds": 1,
        "duration_hours": "x",
        "active": True,
        "tag_list": ["other"],
        "created_at": "never",
        "updated_at": 0,
        "version": 9,
        "external_id": None,
        "notes": "New",
    }
    response = api_as(owner, "write:time_entries").patch(f"{PATH}/{entry.pk}", body)
    assert response.status_code == 200
    changed = TimeEntry.objects.get()
    assert entry_json(changed) == entry_json(
        entry, notes="New", updated_at=instant(changed.updated_at), version=2
    )


def test_delete_removes_the_entry(owner: User, project: Project) -> None:
    entry, other = make_entry(owner, project), make_entry(owner, project)
    response = api_as(owner, "write:time_entries").delete(f"{PATH}/{entry.pk}")
    assert response.status_code == 200
    assert response.json() == {"message": "Time entry deleted successfully"}
    assert list(TimeEntry.objects.all()) == [other]


def test_deleting_a_timer_lets_another_start(owner: User, project: Project) -> None:
    timer = make_entry(owner, project, lasting=None)
    api = api_as(owner, "write:time_entries")
    assert api.delete(f"{PATH}/{timer.pk}").status_code == 200
    response = api.post("/api/v1/timer/start", {"project_id": project.pk})
    assert response.status_code == 201
