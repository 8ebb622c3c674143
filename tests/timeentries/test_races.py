"""What is true of timers when many threads write at once."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.db import transaction

from tests.support.expected import entry_json
from tests.support.factories import NINE, api_as, make_entry, make_project, make_task, make_user
from tests.support.racing import at_once
from timeentries.models import TimeEntry
from users.models import User

START, STOP = "/api/v1/timer/start", "/api/v1/timer/stop"
PAUSE, RESUME = "/api/v1/timer/pause", "/api/v1/timer/resume"


def posting(user: User, path: str, body: dict[str, Any] | None = None) -> Callable[[], Any]:
    """A call that posts with a token and a client of its own, and returns the answer."""
    return partial(api_as(user, "write:time_entries").post, path, body)


@pytest.mark.django_db(transaction=True)
def test_racing_starts_leave_one_timer() -> None:
    owner, project = make_user(), make_project()
    body = {"project_id": project.pk}
    responses = at_once([posting(owner, START, body) for _ in range(32)])
    assert sorted(response.status_code for response in responses) == [201] + [409] * 31
    timer = TimeEntry.objects.get()
    for response in responses:
        assert response.json()["timer"]["id"] == timer.pk
        assert response.json().get("error_code", "timer_already_running") == (
            "timer_already_running"
        )


@pytest.mark.django_db(transaction=True)
def test_racing_starts_and_entries_without_an_end_leave_one_timer() -> None:
    owner, project = make_user(), make_project()
    start = {"project_id": project.pk}
    entry = {"project_id": project.pk, "start_time": "2024-01-15T09:00:00Z"}
    path = "/api/v1/time-entries"
    calls = [posting(owner, START, start) for _ in range(8)]
    calls += [posting(owner, path, entry) for _ in range(8)]
    responses = at_once(calls)
    assert sorted(response.status_code for response in responses) == [201] + [409] * 15
    assert TimeEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_racing_stops_end_the_timer_once() -> None:
    owner, project = make_user(), make_project()
    make_entry(owner, project, lasting=None)
    responses = at_once([posting(owner, STOP) for _ in range(16)])
    assert sorted(response.status_code for response in responses) == [200] + [400] * 15
    [stopped] = [response for response in responses if response.status_code == 200]
    refused = [response for response in responses if response.status_code == 400]
    assert {response.json()["error_code"] for response in refused} == {"no_active_timer"}
    assert stopped.json()["time_entry"] == entry_json(TimeEntry.objects.get())


@pytest.mark.django_db(transaction=True)
def test_a_change_that_races_with_the_stop_leaves_the_timer_stopped() -> None:
    owner, project = make_user(), make_project()
    for number in range(8):
        timer = make_entry(owner, project, lasting=None)
        api = api_as(owner, "write:time_entries")
        path, body = f"/api/v1/time-entries/{timer.pk}", {"notes": f"Note {number}"}
        changing: Callable[[], Any] = partial(api.patch, path, body)
        responses = at_once([posting(owner, STOP), changing])
        assert [response.status_code for response in responses] == [200, 200]
        timer.refresh_from_db()
        assert timer.end_time is not None
        assert timer.notes == f"Note {number}"


@pytest.mark.django_db(transaction=True)
def test_a_stop_that_waited_for_a_move_stops_the_timer_where_it_is() -> None:
    owner, project = make_user(), make_project("Garden")
    timer = make_entry(owner, project, task=make_task(project, "Weeding"), lasting=None)
    house, is_moved = make_project("House"), Event()
    painting = make_task(house, "Painting")

    def move() -> None:
        with transaction.atomic():
            timer.project, timer.task = house, painting
            timer.save(update_fields=["project", "task"])
            is_moved.set()
            time.sleep(0.3)

    def stop() -> Any:
        is_moved.wait(10)
        return posting(owner, STOP)()

    _, stopped = at_once([move, stop])

    assert stopped.status_code == 200
    assert stopped.json()["time_entry"] == entry_json(TimeEntry.objects.get())
    assert stopped.json()["time_entry"]["task_name"] == "Painting"


@pytest.mark.django_db(transaction=True)
def test_a_delete_that_races_with_the_stop_is_never_an_error() -> None:
    owner, project = make_user(), make_project()
    for _ in range(8):
        timer = make_entry(owner, project, lasting=None)
        api = api_as(owner, "write:time_entries")
        deleting: Callable[[], Any] = partial(api.delete, f"/api/v1/time-entries/{timer.pk}")
        responses = at_once([deleting, posting(owner, STOP)])
        outcome = tuple(response.status_code for response in responses)
        assert outcome in {(200, 200), (200, 400)}
        assert TimeEntry.objects.count() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("path", "paused_at", "code"),
    [
        pytest.param(PAUSE, None, "timer_already_paused", id="pauses"),
        pytest.param(RESUME, NINE, "timer_not_paused", id="resumes"),
    ],
)
def test_one_of_racing_changes_wins(path: str, paused_at: datetime | None, code: str) -> None:
    owner, project = make_user(), make_project()
    make_entry(owner, project, lasting=None, paused_at=paused_at)
    responses = at_once([posting(owner, path) for _ in range(16)])
    assert sorted(response.status_code for response in responses) == [200] + [409] * 15
    [changed] = [response for response in responses if response.status_code == 200]
    refused = [response for response in responses if response.status_code == 409]
    assert {response.json()["error_code"] for response in refused} == {code}
    timer = TimeEntry.objects.get()
    assert (timer.paused_at is None) is (path == RESUME)
    assert timer.version == 2
    assert changed.json()["time_entry"]["break_seconds"] == timer.break_seconds


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_patch", [False, True], ids=["stop", "patch of the end"])
@pytest.mark.parametrize("path", [PAUSE, RESUME])
def test_a_pause_that_races_with_the_end_leaves_none_open(path: str, *, is_patch: bool) -> None:
    owner, project = make_user(), make_project()
    ten = NINE + timedelta(hours=1)
    for _ in range(8):
        paused_at = NINE + timedelta(minutes=30) if path == RESUME else None
        timer = make_entry(owner, project, lasting=None, paused_at=paused_at)
        api = api_as(owner, "write:time_entries")
        body = {"end_time": ten.isoformat()}
        patching: Callable[[], Any] = partial(api.patch, f"/api/v1/time-entries/{timer.pk}", body)
        ending = patching if is_patch else posting(owner, STOP, {"stop_time": ten.isoformat()})
        changed, ended = at_once([posting(owner, path), ending])
        # A break that was resumed now is longer than an entry that ended then.
        too_long = 400 if is_patch and changed.status_code == 200 and path == RESUME else 200
        assert ended.status_code == too_long
        assert changed.status_code in {200, 400}
        timer.refresh_from_db()
        assert timer.paused_at is None
        if ended.status_code == 200:
            assert timer.duration_seconds == 3600 - timer.break_seconds
            assert timer.rounded_seconds == timer.duration_seconds
        timer.delete()
