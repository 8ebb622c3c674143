"""Breaks: a timer pauses and resumes, and no break is worked time anywhere."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from journal.models import Change
from projects.models import Project
from tests.support.answers import instant, invalid, refusal
from tests.support.expected import entry_json, hour
from tests.support.factories import NINE, api_as, close_books, make_entry
from timeentries.models import TimeEntry
from timeentries.timer import pause, resume, stop
from users.models import User

PATH = "/api/v1/time-entries"
PAUSE, RESUME, STOP, STATUS = (
    f"/api/v1/timer/{action}" for action in ("pause", "resume", "stop", "status")
)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
TOO_LONG = "The break must be shorter than the time entry."
BAD_STOP = "The stop time must not be before the start of the timer or in the future."


def ago(**parts: float) -> datetime:
    return datetime.now(UTC) - timedelta(**parts)


def test_pause_as_documented(owner: User, project: Project) -> None:
    make_entry(owner, project, ago(hours=1), None)
    before = datetime.now(UTC)
    response = api_as(owner, "write:time_entries").post(PAUSE)
    assert response.status_code == 200
    timer = TimeEntry.objects.get()
    assert timer.paused_at is not None
    assert before <= timer.paused_at <= datetime.now(UTC)
    seconds = (timer.paused_at - timer.start_time) // SECOND
    shown = entry_json(timer, duration_seconds=seconds, duration_hours=1.0)
    assert response.json() == {"message": "Timer paused successfully", "time_entry": shown}


def test_resume_as_documented(owner: User, project: Project) -> None:
    make_entry(owner, project, ago(hours=2), None, break_seconds=600, paused_at=ago(hours=1))
    response = api_as(owner, "write:time_entries").post(RESUME)
    assert response.status_code == 200
    timer = TimeEntry.objects.get()
    assert timer.paused_at is None
    assert 4200 <= timer.break_seconds <= 4260
    shown = response.json()["time_entry"]
    assert 2940 <= shown["duration_seconds"] <= 3000
    same = {name: shown[name] for name in ("duration_seconds", "duration_hours")}
    assert response.json() == {
        "message": "Timer resumed successfully",
        "time_entry": entry_json(timer, **same),
    }


def test_a_paused_timer_does_not_go_on(owner: User, project: Project) -> None:
    make_entry(owner, project, ago(hours=2), None, break_seconds=600, paused_at=ago(hours=1))
    api = api_as(owner, "read:time_entries")
    response = api.get(STATUS)
    assert response.json()["active"] is True
    assert 2998 <= response.json()["timer"]["duration_seconds"] <= 3001
    again = api.get(STATUS, headers={"If-None-Match": response["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("path", [PAUSE, RESUME])
def test_the_tag_of_a_timer_changes_with_its_pause(
    owner: User, project: Project, path: str
) -> None:
    make_entry(owner, project, ago(hours=1), None, paused_at=ago() if path == RESUME else None)
    api = api_as(owner, "read:time_entries", "write:time_entries")
    tag = api.get(STATUS)["ETag"]
    changed = api.post(path, headers={"If-Match": tag})
    assert changed.status_code == 200
    assert api.get(STATUS)["ETag"] == changed["ETag"] != tag
    stale = api.post(PAUSE if path == RESUME else RESUME, headers={"If-Match": tag})
    assert stale.status_code == 412


@pytest.mark.parametrize("action", ["pause", "resume", "stop"])
def test_no_timer_is_no_active_timer(owner: User, project: Project, action: str) -> None:
    make_entry(owner, project)
    response = api_as(owner, "write:time_entries").post(f"/api/v1/timer/{action}")
    assert response.status_code == 400
    sentence = f"There is no active timer to {action}."
    assert response.json() == refusal(response, "no_active_timer", sentence)


@pytest.mark.parametrize(
    ("path", "paused_at", "code", "sentence"),
    [
        pytest.param(PAUSE, NINE, "timer_already_paused", "The timer is already paused."),
        pytest.param(RESUME, None, "timer_not_paused", "The timer is not paused."),
    ],
)
def test_a_timer_pauses_and_resumes_in_turn(
    owner: User,
    project: Project,
    path: str,
    paused_at: datetime | None,
    code: str,
    sentence: str,
) -> None:
    timer = make_entry(owner, project, lasting=None, paused_at=paused_at)
    response = api_as(owner, "write:time_entries").post(path)
    assert response.status_code == 409
    assert response.json() == refusal(response, code, sentence)
    assert entry_json(TimeEntry.objects.get()) == entry_json(timer)


@pytest.mark.parametrize("path", [PAUSE, RESUME])
def test_pause_and_resume_take_no_fields(owner: User, project: Project, path: str) -> None:
    make_entry(owner, project, lasting=None)
    response = api_as(owner, "write:time_entries").post(path, {"at": "now"})
    assert response.status_code == 400
    assert response.json() == invalid(response, at="Unknown field. No fields are accepted here.")


def test_breaks_add_up(owner: User, project: Project) -> None:
    make_entry(owner, project, lasting=None)
    for hours in (1, 2):
        pause(owner, now=NINE + hours * HOUR)
        resume(owner, now=NINE + hours * HOUR + 10 * MINUTE)
    stop(owner, now=NINE + 3 * HOUR)
    entry = TimeEntry.objects.get()
    assert (entry.break_seconds, entry.duration_seconds) == (1200, 3 * 3600 - 1200)


def test_a_pause_before_the_start_begins_with_the_timer(owner: User, project: Project) -> None:
    make_entry(owner, project, lasting=None)
    assert pause(owner, now=NINE - HOUR).paused_at == NINE
    assert resume(owner, now=NINE - MINUTE).break_seconds == 0


@pytest.mark.parametrize(
    ("lasting", "paused_after", "taken", "breaks"),
    [
        pytest.param(HOUR, 50 * MINUTE, 0, 600, id="ends the break"),
        pytest.param(HOUR, 50 * MINUTE, 60, 660, id="adds to those before"),
        pytest.param(HOUR, 0 * HOUR, 0, 3599, id="leaves a second of work"),
        pytest.param(SECOND, 0 * HOUR, 0, 0, id="of a second there is no break"),
        pytest.param(HOUR, None, 9999, 3599, id="breaks that were set too long"),
    ],
)
def test_stopping_a_paused_timer(
    owner: User,
    project: Project,
    lasting: timedelta,
    paused_after: timedelta | None,
    taken: int,
    breaks: int,
) -> None:
    paused_at = None if paused_after is None else NINE + paused_after
    make_entry(owner, project, lasting=None, break_seconds=taken, paused_at=paused_at)
    stop(owner, now=NINE + lasting)
    entry = TimeEntry.objects.get()
    assert (entry.break_seconds, entry.paused_at) == (breaks, None)
    assert entry.duration_seconds == entry.rounded_seconds == lasting // SECOND - breaks


@pytest.mark.parametrize(
    ("body", "breaks"),
    [
        pytest.param({}, 1860, id="the break goes on to the end"),
        pytest.param({"break_seconds": 120}, 120, id="the body says how long"),
        pytest.param({"end_time": "2024-01-15T09:20:00Z"}, 60, id="an end before the pause"),
    ],
)
def test_an_end_by_patch_ends_the_pause(
    owner: User, project: Project, body: dict[str, Any], breaks: int
) -> None:
    half_past = NINE + 30 * MINUTE
    timer = make_entry(owner, project, lasting=None, break_seconds=60, paused_at=half_past)
    body = {"end_time": "2024-01-15T10:00:00Z", **body}
    response = api_as(owner, "write:time_entries").patch(f"{PATH}/{timer.pk}", body)
    assert response.status_code == 200
    entry = TimeEntry.objects.get()
    assert (entry.break_seconds, entry.paused_at) == (breaks, None)
    assert response.json()["time_entry"] == entry_json(entry)
    assert Change.objects.latest("id").action == Change.Action.TIMER_STOPPED


@pytest.mark.parametrize("seconds", [3600, 3601])
@pytest.mark.parametrize("way", ["post", "patch", "put", "bulk", "upsert"])
def test_a_break_as_long_as_the_entry_is_refused(
    owner: User, project: Project, way: str, seconds: int
) -> None:
    api, body = api_as(owner, "write:time_entries"), hour(project, break_seconds=seconds)
    if way == "post":
        response = api.post(PATH, body)
    elif way == "bulk":
        response = api.post(f"{PATH}/bulk", {"operations": [{"op": "create", "data": body}]})
        [result] = response.json()["results"]
        assert result["error"]["errors"] == {"break_seconds": [TOO_LONG]}
        return
    elif way == "upsert":
        response = api.put(f"{PATH}/by-external-id/a", body)
    else:
        entry = make_entry(owner, project)
        response = getattr(api, way)(f"{PATH}/{entry.pk}", {"break_seconds": seconds})
    assert response.status_code == 400
    assert response.json() == invalid(response, break_seconds=TOO_LONG)


@pytest.mark.parametrize("seconds", [-1, 1.5, "60", None, True, 366 * 86_400 + 1])
def test_a_break_is_a_number_of_seconds(owner: User, project: Project, seconds: object) -> None:
    body = hour(project, break_seconds=seconds)
    response = api_as(owner, "write:time_entries").post(PATH, body)
    assert response.status_code == 400
    assert [*response.json()["errors"]] == ["break_seconds"]


def test_the_longest_break_leaves_a_second(owner: User, project: Project) -> None:
    body = hour(project, break_seconds=3599)
    response = api_as(owner, "write:time_entries").post(PATH, body)
    assert response.status_code == 201
    assert response.json()["time_entry"]["duration_seconds"] == 1


def test_an_end_that_leaves_no_time_beside_the_break_is_refused(
    owner: User, project: Project
) -> None:
    entry = make_entry(owner, project, break_seconds=1800)
    body = {"end_time": "2024-01-15T09:30:00Z"}
    response = api_as(owner, "write:time_entries").patch(f"{PATH}/{entry.pk}", body)
    assert response.status_code == 400
    assert response.json() == invalid(response, break_seconds=TOO_LONG)


def test_the_start_does_not_move_past_the_pause(owner: User, project: Project) -> None:
    timer = make_entry(owner, project, lasting=None, paused_at=NINE + HOUR)
    path, api = f"{PATH}/{timer.pk}", api_as(owner, "write:time_entries")
    assert api.patch(path, {"start_time": instant(NINE + HOUR)}).status_code == 200
    response = api.patch(path, {"start_time": instant(NINE + HOUR + SECOND)})
    assert response.status_code == 400
    sentence = "The start must not be after the pause."
    assert response.json() == invalid(response, start_time=sentence)


def test_a_pause_is_only_read(owner: User, project: Project) -> None:
    body = hour(project, end_time=None, paused_at="2024-01-15T09:30:00Z")
    response = api_as(owner, "write:time_entries").post(PATH, body)
    assert response.status_code == 201
    assert response.json()["time_entry"]["paused_at"] is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"break_seconds": -1}, id="a negative break"),
        pytest.param({"break_seconds": 3600}, id="a break as long as the entry"),
        pytest.param({"paused_at": NINE + MINUTE}, id="a pause of what is finished"),
        pytest.param(
            {"end_time": None, "paused_at": NINE - MINUTE}, id="a pause before the start"
        ),
    ],
)
def test_the_database_refuses(owner: User, project: Project, change: dict[str, Any]) -> None:
    make_entry(owner, project)
    with pytest.raises(IntegrityError), transaction.atomic():
        TimeEntry.objects.update(**change)


def test_an_entry_of_less_than_a_second_needs_no_break(owner: User, project: Project) -> None:
    make_entry(owner, project, lasting=timedelta(microseconds=1))
    assert TimeEntry.objects.get().duration_seconds == 0


def test_an_amount_is_for_the_time_without_breaks(owner: User, project: Project) -> None:
    project.hourly_rate = Decimal(60)
    project.save()
    api = api_as(owner, "write:time_entries")
    entry = api.post(PATH, hour(project, break_seconds=900)).json()["time_entry"]
    assert (entry["rounded_seconds"], entry["amount"]) == (2700, 45.0)
    changed = api.patch(f"{PATH}/{entry['id']}", {"break_seconds": 1800}).json()["time_entry"]
    assert (changed["rounded_seconds"], changed["amount"]) == (1800, 30.0)


def test_the_journal_names_what_a_pause_changes(owner: User, project: Project) -> None:
    make_entry(owner, project, lasting=None)
    pause(owner, now=NINE + MINUTE)
    resume(owner, now=NINE + 2 * MINUTE)
    pause(owner, now=NINE + 3 * MINUTE)
    stop(owner, now=NINE + HOUR)
    changes = Change.objects.filter(type="time_entry").order_by("id")
    assert [(change.action, sorted(change.fields)) for change in changes] == [
        ("timer_started", []),
        ("updated", ["paused_at"]),
        ("updated", ["break_seconds", "paused_at"]),
        ("updated", ["paused_at"]),
        ("timer_stopped", ["break_seconds", "end_time", "paused_at"]),
    ]
    assert TimeEntry.objects.get().version == 5


@pytest.mark.parametrize("path", [PAUSE, RESUME])
def test_a_timer_of_a_closed_period_neither_pauses_nor_resumes(
    owner: User, project: Project, path: str
) -> None:
    make_entry(owner, project, lasting=None, paused_at=NINE if path == RESUME else None)
    close_books("2024-01-31")
    response = api_as(owner, "write:time_entries").post(path)
    assert response.status_code == 409
    assert response.json()["error_code"] == "period_closed"


def test_a_repeated_pause_is_answered_from_its_key(owner: User, project: Project) -> None:
    make_entry(owner, project, lasting=None)
    api = api_as(owner, "write:time_entries")
    first, again = (api.post(PAUSE, headers={"Idempotency-Key": "a"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()


@pytest.mark.parametrize(
    ("given_time", "end"),
    [
        pytest.param("2024-01-15T10:00:00Z", NINE + HOUR, id="after an hour"),
        pytest.param("2024-01-15T11:00:00+01:00", NINE + HOUR, id="with an offset"),
        pytest.param("2024-01-15T09:00:00Z", NINE + SECOND, id="at the start"),
    ],
)
def test_stop_at_a_time(owner: User, project: Project, given_time: str, end: datetime) -> None:
    make_entry(owner, project, lasting=None)
    response = api_as(owner, "write:time_entries").post(STOP, {"stop_time": given_time})
    assert response.status_code == 200
    entry = TimeEntry.objects.get()
    assert entry.end_time == end
    assert response.json()["time_entry"] == entry_json(entry)


def test_stop_at_a_time_before_the_pause_has_no_break(owner: User, project: Project) -> None:
    make_entry(owner, project, lasting=None, paused_at=NINE + 2 * HOUR)
    stop(owner, now=NINE + 3 * HOUR, at=NINE + HOUR)
    assert TimeEntry.objects.get().duration_seconds == 3600


@pytest.mark.parametrize(
    ("given_time", "sentence"),
    [
        pytest.param("2024-01-15T08:59:59Z", BAD_STOP, id="before the start"),
        pytest.param("2199-01-15T09:00:00Z", BAD_STOP, id="in the future"),
        pytest.param(
            "noon",
            "stop_time: Must be a date and time such as 2024-01-15T14:30:00Z.",
            id="unreadable",
        ),
        pytest.param(
            7, "stop_time: Must be a string such as 2024-01-15T14:30:00Z.", id="a number"
        ),
        pytest.param(None, "stop_time: This field may not be null.", id="null"),
    ],
)
def test_stop_refuses_a_time(
    owner: User, project: Project, given_time: object, sentence: str
) -> None:
    make_entry(owner, project, lasting=None)
    response = api_as(owner, "write:time_entries").post(STOP, {"stop_time": given_time})
    assert response.status_code == 400
    assert response.json() == refusal(response, "invalid_stop_time", sentence)
    assert TimeEntry.objects.get().end_time is None
