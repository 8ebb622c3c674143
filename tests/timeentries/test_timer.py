"""The timer: status, start, stop, and what is true when many do it at once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.exceptions import APIException

from projects.models import Project
from tests.support.answers import instant, invalid, refusal
from tests.support.expected import entry_json, without_time_so_far
from tests.support.factories import NINE, api_as, make_entry, make_project, make_task
from timeentries.models import TimeEntry
from timeentries.timer import stop
from users.models import User

ENTRIES = "/api/v1/time-entries"
STATUS, START, STOP = "/api/v1/timer/status", "/api/v1/timer/start", "/api/v1/timer/stop"
HOUR = timedelta(hours=1)
RUNNING = "A timer is already running. Stop it first."
NOTHING_RUNS = "There is no active timer to stop."


def test_status_without_a_timer(owner: User, colleague: User, project: Project) -> None:
    make_entry(owner, project)
    make_entry(colleague, project, lasting=None)
    response = api_as(owner, "read:time_entries").get(STATUS)
    assert response.status_code == 200
    assert response.json() == {"active": False, "timer": None}


def test_status_with_a_timer(owner: User, project: Project) -> None:
    timer = make_entry(owner, project, datetime.now(UTC) - HOUR, None, task=make_task(project))
    response = api_as(owner, "read:time_entries").get(STATUS)
    assert response.status_code == 200
    shown = response.json()["timer"]
    assert response.json() == {"active": True, "timer": shown}
    assert without_time_so_far(shown, 3600, 3660) == entry_json(timer)


def test_status_of_an_administrator_is_about_themselves(
    administrator: User, owner: User, project: Project
) -> None:
    make_entry(owner, project, lasting=None)
    response = api_as(administrator, "read:time_entries").get(STATUS)
    assert response.status_code == 200
    assert response.json() == {"active": False, "timer": None}


def test_start_as_documented(owner: User, project: Project) -> None:
    task = make_task(project)
    before = datetime.now(UTC)
    api = api_as(owner, "write:time_entries")
    response = api.post(START, {"project_id": project.pk, "task_id": task.pk})
    after = datetime.now(UTC)
    assert response.status_code == 201
    timer = TimeEntry.objects.get()
    shown = response.json()["timer"]
    assert response.json() == {"message": "Timer started successfully", "timer": shown}
    assert shown == entry_json(timer, duration_seconds=0, duration_hours=0.0)
    assert response["Location"] == f"/api/v1/time-entries/{timer.pk}"
    assert before <= timer.start_time <= after
    assert (timer.user, timer.project, timer.task, timer.end_time) == (owner, project, task, None)


def test_start_takes_notes_tags_and_billable(owner: User, project: Project) -> None:
    body = {"project_id": project.pk, "notes": "Call", "tags": ["a", "b"], "billable": False}
    response = api_as(owner, "write:time_entries").post(START, body)
    assert response.status_code == 201
    assert TimeEntry.objects.values("notes", "tags", "billable", "task").get() == {
        "notes": "Call",
        "tags": "a,b",
        "billable": False,
        "task": None,
    }


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        pytest.param(
            {"project_id": None}, {"project_id": "This field may not be null."}, id="null"
        ),
        pytest.param(
            {"project_id": 999999},
            {"project_id": "There is no project with the id 999999."},
            id="no such project",
        ),
        pytest.param(
            {"project_id": 1.5}, {"project_id": "Must be an id: a whole number."}, id="fraction"
        ),
        pytest.param({"notes": 5}, {"notes": "Must be a string."}, id="number for notes"),
        pytest.param(
            {"start_time": "2024-01-15T09:00:00Z"},
            {"start_time": "Unknown field. Accepted: billable, notes, project_id, tags, task_id."},
            id="start_time",
        ),
        pytest.param(
            {"porject_id": 1},
            {"porject_id": "Unknown field. Did you mean 'project_id'?"},
            id="a slip",
        ),
    ],
)
def test_start_refuses(
    owner: User, project: Project, body: dict[str, Any], errors: dict[str, str]
) -> None:
    api = api_as(owner, "write:time_entries")
    response = api.post(START, {"project_id": project.pk} | body)
    assert response.status_code == 400
    assert response.json() == invalid(response, **errors)
    assert TimeEntry.objects.count() == 0


def test_start_needs_a_project(owner: User) -> None:
    response = api_as(owner, "write:time_entries").post(START)
    assert response.status_code == 400
    assert response.json() == invalid(response, project_id="This field is required.")


def test_start_refuses_a_task_of_another_project(owner: User, project: Project) -> None:
    elsewhere = make_project("Elsewhere")
    body = {"project_id": project.pk, "task_id": make_task(elsewhere).pk}
    response = api_as(owner, "write:time_entries").post(START, body)
    assert response.status_code == 400
    assert response.json() == invalid(
        response, task_id=f"This task belongs to project {elsewhere.pk}."
    )


def test_a_second_start_is_refused_with_the_running_timer(owner: User, project: Project) -> None:
    timer = make_entry(owner, project, datetime.now(UTC) - HOUR, None)
    api = api_as(owner, "write:time_entries")
    response = api.post(START, {"project_id": project.pk})
    assert response.status_code == 409
    shown = response.json()["timer"]
    assert response.json() == refusal(response, "timer_already_running", RUNNING, timer=shown)
    assert without_time_so_far(shown, 3600, 3660) == entry_json(timer)
    assert TimeEntry.objects.get() == timer


@pytest.mark.parametrize(
    "request_body",
    [
        pytest.param({}, id="nothing at all"),
        pytest.param({"data": {}}, id="an empty object"),
        pytest.param({"data": "", "content_type": "application/json"}, id="JSON of no length"),
        pytest.param(
            {"data": "", "content_type": "application/x-www-form-urlencoded"},
            id="curl -d ''",
        ),
    ],
)
def test_stop_ends_the_timer_now(
    owner: User, project: Project, request_body: dict[str, Any]
) -> None:
    timer = make_entry(owner, project, datetime.now(UTC) - HOUR, None, notes="Call")
    before = datetime.now(UTC)
    response = api_as(owner, "write:time_entries").post(STOP, **request_body)
    after = datetime.now(UTC)
    assert response.status_code == 200
    stopped = TimeEntry.objects.get()
    assert stopped.end_time is not None
    assert before <= stopped.end_time <= after
    assert stopped.updated_at > timer.updated_at
    assert response.json() == {
        "message": "Timer stopped successfully",
        "time_entry": entry_json(stopped),
    }
    assert entry_json(stopped) == entry_json(
        timer,
        end_time=instant(stopped.end_time),
        active=False,
        duration_seconds=stopped.duration_seconds,
        duration_hours=1.0,
        currency="USD",
        rounded_seconds=stopped.duration_seconds,
        updated_at=instant(stopped.updated_at),
        version=2,
    )


def test_stop_refuses_a_field_that_it_does_not_know(owner: User, project: Project) -> None:
    make_entry(owner, project, lasting=None)
    api = api_as(owner, "write:time_entries")
    response = api.post(STOP, {"end_time": "2024-01-15T10:00:00Z"})
    assert response.status_code == 400
    assert response.json() == invalid(response, end_time="Unknown field. Accepted: stop_time.")
    assert TimeEntry.objects.get().end_time is None


@pytest.mark.parametrize(
    "request_body",
    [
        pytest.param({}, id="nothing at all"),
        pytest.param({"data": "", "content_type": "application/json"}, id="JSON of no length"),
    ],
)
def test_stop_without_a_timer(
    owner: User, colleague: User, project: Project, request_body: dict[str, Any]
) -> None:
    make_entry(owner, project)
    make_entry(colleague, project, lasting=None)
    response = api_as(owner, "write:time_entries").post(STOP, **request_body)
    assert response.status_code == 400
    assert response.json() == refusal(response, "no_active_timer", NOTHING_RUNS)
    assert TimeEntry.objects.get(user=colleague).end_time is None


@pytest.mark.parametrize(
    ("now", "lasting"),
    [
        pytest.param(NINE + HOUR, HOUR, id="an hour later"),
        pytest.param(NINE + timedelta(seconds=1), timedelta(seconds=1), id="a second later"),
        pytest.param(NINE + timedelta(microseconds=1), timedelta(seconds=1), id="at once"),
        pytest.param(NINE, timedelta(seconds=1), id="at the very start"),
        pytest.param(NINE - HOUR, timedelta(seconds=1), id="before the start"),
        pytest.param(NINE + timedelta(days=366), timedelta(days=366), id="366 days later"),
        pytest.param(NINE + timedelta(days=400), timedelta(days=366), id="forgotten"),
    ],
)
def test_stop_ends_within_what_an_entry_may_last(
    owner: User, project: Project, now: datetime, lasting: timedelta
) -> None:
    make_entry(owner, project, lasting=None)
    assert stop(owner, now=now).end_time == NINE + lasting
    stopped = TimeEntry.objects.get()
    assert stopped.end_time == NINE + lasting
    assert stopped.duration_seconds == lasting // timedelta(seconds=1)


def test_a_timer_forgotten_for_years_can_be_stopped(owner: User, project: Project) -> None:
    make_entry(owner, project, NINE.replace(year=2020), None)
    response = api_as(owner, "write:time_entries").post(STOP)
    assert response.status_code == 200
    assert response.json()["time_entry"]["duration_seconds"] == 366 * 86_400


def test_stop_without_a_timer_raises_no_active_timer(owner: User) -> None:
    with pytest.raises(APIException, match=NOTHING_RUNS) as caught:
        stop(owner, now=NINE)
    assert caught.value.get_codes() == "no_active_timer"


def test_after_a_stop_another_timer_starts(owner: User, project: Project) -> None:
    api = api_as(owner, "write:time_entries")
    for _ in range(2):
        assert api.post(START, {"project_id": project.pk}).status_code == 201
        assert api.post(STOP).status_code == 200
    assert TimeEntry.objects.finished().count() == 2


def test_a_second_timer_is_refused_with_the_running_one(owner: User, project: Project) -> None:
    timer = make_entry(owner, project, datetime.now(UTC) - timedelta(hours=1), None, notes="1st")
    body = {"project_id": project.pk, "start_time": "2024-01-15T09:00:00Z"}
    response = api_as(owner, "write:time_entries").post(ENTRIES, body)
    assert response.status_code == 409
    shown = response.json()["timer"]
    assert response.json() == refusal(
        response,
        "timer_already_running",
        "A timer is already running. Stop it first.",
        timer=shown,
    )
    assert without_time_so_far(shown, 3600, 3660) == entry_json(timer)
    assert TimeEntry.objects.get() == timer


def test_reopening_beside_a_timer_is_refused_with_the_running_one(
    owner: User, project: Project
) -> None:
    entry = make_entry(owner, project)
    timer = make_entry(owner, project, datetime.now(UTC) - timedelta(hours=1), None)
    api = api_as(owner, "write:time_entries")
    response = api.patch(f"{ENTRIES}/{entry.pk}", {"end_time": None})
    assert response.status_code == 409
    assert response.json()["error_code"] == "timer_already_running"
    assert without_time_so_far(response.json()["timer"], 3600, 3660) == entry_json(timer)
    assert TimeEntry.objects.get(pk=entry.pk).end_time == entry.end_time


@pytest.mark.parametrize("own_timer", [False, True], ids=["without a timer", "beside a timer"])
def test_booking_a_second_timer_for_a_colleague_shows_the_colleagues(
    administrator: User, colleague: User, project: Project, *, own_timer: bool
) -> None:
    start = datetime.now(UTC) - timedelta(hours=1)
    timer = make_entry(colleague, project, start, None)
    if own_timer:
        make_entry(administrator, project, lasting=None)
    body: dict[str, Any] = {
        "project_id": project.pk,
        "start_time": "2024-01-15T09:00:00Z",
        "user_id": colleague.pk,
    }
    response = api_as(administrator, "write:time_entries").post(ENTRIES, body)
    assert response.status_code == 409
    assert response.json()["error_code"] == "timer_already_running"
    assert without_time_so_far(response.json()["timer"], 3600, 3660) == entry_json(timer)
    assert TimeEntry.objects.filter(user=colleague).get() == timer


def test_reopening_a_colleagues_entry_shows_the_colleagues_timer(
    administrator: User, colleague: User, project: Project
) -> None:
    entry = make_entry(colleague, project)
    timer = make_entry(colleague, project, datetime.now(UTC) - HOUR, None)
    api = api_as(administrator, "write:time_entries")
    response = api.patch(f"{ENTRIES}/{entry.pk}", {"end_time": None})
    assert response.status_code == 409
    assert response.json()["error_code"] == "timer_already_running"
    assert without_time_so_far(response.json()["timer"], 3600, 3660) == entry_json(timer)
