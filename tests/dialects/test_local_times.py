"""The phone shows local times and sends them back: an entry stays where it was."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from projects.models import Project
from tests.dialects.originals import MOBILE, Installed
from tests.support.factories import make_entry
from timeentries.models import TimeEntry
from users.models import User

ZONES = ["Europe/Rome", "America/New_York", "Asia/Kathmandu"]
# The first instant after each change of the clocks in 2026, and a day without one.
CHANGES = {
    "Europe/Rome": [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)],
    "America/New_York": [
        datetime(2026, 3, 8, 7, tzinfo=UTC),
        datetime(2026, 11, 1, 6, tzinfo=UTC),
    ],
    "Asia/Kathmandu": [],
}
ANY_DAY = datetime(2026, 7, 1, 9, tzinfo=UTC)
# Of the start from the change, in minutes; and the length of the entry.
PLACES = [(-150, 60), (-90, 60), (-61, 30), (-30, 60), (-30, 15), (0, 30), (15, 30), (45, 90)]
CASES = [
    pytest.param(zone, change + timedelta(minutes=start, seconds=37), length)
    for zone in ZONES
    for change in [*CHANGES[zone], ANY_DAY]
    for start, length in PLACES
]


class Form:
    """The phone's form of an entry: it holds dates and times to the minute, without a zone."""

    def __init__(self, phone: Installed, path: str) -> None:
        self._phone, self._path = phone, path
        self.shown = phone.json("GET", path)["time_entry"]

    def save(self, **changed: str) -> Any:
        """Send the entry as the form does, with both times, and return the answer."""
        body = {
            "project_id": self.shown["project_id"],
            "start_time": _to_the_minute(self.shown["start_time"]),
            "end_time": _to_the_minute(self.shown["end_time"]),
            "notes": "Call",
            "billable": True,
        }
        answer = self._phone.json("PATCH", self._path, body | changed)
        self.shown = answer["time_entry"]
        return self.shown


def _to_the_minute(text: str) -> str:
    """Return what Dart's `DateTime(y, m, d, hour, minute).toIso8601String()` is of a text."""
    shown = datetime.fromisoformat(text)
    assert shown.tzinfo is None, "the phone would take the digits of UTC for local ones"
    return shown.replace(second=0, microsecond=0).isoformat(timespec="milliseconds")


def _stored(entry: TimeEntry) -> tuple[datetime, datetime | None]:
    entry.refresh_from_db()
    return entry.start_time, entry.end_time


@pytest.mark.parametrize(("zone", "start", "minutes"), CASES)
def test_three_edits_leave_an_entry_where_it_was(
    zone: str, start: datetime, minutes: int, owner: User, project: Project
) -> None:
    User.objects.update(time_zone=zone)
    entry = make_entry(owner, project, start, timedelta(minutes=minutes, seconds=5))
    before = _stored(entry)
    form = Form(Installed(MOBILE), f"/api/v1/time-entries/{entry.pk}")
    for notes in ("one", "two", "three"):
        assert form.save(notes=notes)["notes"] == notes
    assert _stored(entry) == before


@pytest.mark.parametrize("zone", ZONES)
def test_a_time_that_is_changed_moves_to_the_minute_that_was_chosen(
    zone: str, owner: User, project: Project
) -> None:
    User.objects.update(time_zone=zone)
    entry = make_entry(owner, project, ANY_DAY)
    form = Form(Installed(MOBILE), f"/api/v1/time-entries/{entry.pk}")
    local = ANY_DAY.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    chosen = local.replace(hour=local.hour - 2, minute=7)
    assert form.save(start_time=chosen.isoformat())["start_time"] == chosen.isoformat()
    assert _stored(entry)[0] == chosen.replace(tzinfo=ZoneInfo(zone))


def test_an_end_in_the_second_of_two_equal_hours_stays_in_it(
    owner: User, project: Project
) -> None:
    User.objects.update(time_zone="Europe/Rome")
    second = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 once more
    entry = make_entry(owner, project, second, timedelta(minutes=30))
    form = Form(Installed(MOBILE), f"/api/v1/time-entries/{entry.pk}")
    assert form.shown["start_time"] == "2026-10-25T02:10:00"
    form.save(end_time="2026-10-25T02:50:00.000")
    assert _stored(entry) == (second, second + timedelta(minutes=40))


def test_an_offline_timer_may_end_after_the_clocks_went_back(
    owner: User, project: Project
) -> None:
    User.objects.update(time_zone="Europe/Rome")
    entry = {
        "project_id": project.pk,
        "start_time": "2026-10-25T02:50:00.000",
        "end_time": "2026-10-25T02:20:00.000",
    }
    made = Installed(MOBILE).json("POST", "/api/v1/time-entries", entry)["time_entry"]
    assert made["duration_seconds"] == 30 * 60
    assert _stored(TimeEntry.objects.get()) == (
        datetime(2026, 10, 25, 0, 50, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 20, tzinfo=UTC),
    )


def test_a_skipped_time_is_refused(owner: User, project: Project) -> None:
    User.objects.update(time_zone="Europe/Rome")
    entry = make_entry(owner, project, datetime(2026, 3, 29, 0, tzinfo=UTC))
    body = {"start_time": "2026-03-29T02:30:00.000"}
    answer = Installed(MOBILE).json("PATCH", f"/api/v1/time-entries/{entry.pk}", body)
    assert answer["errors"] == {
        "start_time": ["This time does not exist in Europe/Rome: the clocks skip it."]
    }


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00", "9999-12-31T23:59", "2026-02-30T10:00", "soon"]
)
@pytest.mark.parametrize("zone", ZONES)
def test_what_is_no_time_of_ours_is_refused_as_ever(
    zone: str, text: str, owner: User, project: Project
) -> None:
    User.objects.update(time_zone=zone)
    entry = make_entry(owner, project)
    phone = Installed(MOBILE)
    body = f'{{"project_id":{project.pk},"start_time":"{text}","end_time":"{text}"}}'
    for method, path in [
        ("PATCH", f"/api/v1/time-entries/{entry.pk}"),
        ("POST", "/api/v1/time-entries"),
    ]:
        assert phone.send(method, path, body).status_code == 400


def test_a_repeated_request_is_answered_in_the_dialect_too(owner: User, project: Project) -> None:
    User.objects.update(time_zone="Europe/Rome")
    entry = make_entry(owner, project, datetime(2026, 10, 25, 1, 10, tzinfo=UTC))
    phone = Installed(MOBILE)
    phone.app = replace(MOBILE, headers={**MOBILE.headers, "Idempotency-Key": "once"})
    body = '{"start_time":"2026-10-25T02:15:00.000"}'
    answers = [phone.send("PATCH", f"/api/v1/time-entries/{entry.pk}", body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1]["Idempotency-Replayed"] == "true"
    assert answers[0].json() == answers[1].json()
    assert answers[1].json()["time_entry"]["start_time"] == "2026-10-25T02:15:00"
    assert _stored(entry)[0] == datetime(2026, 10, 25, 1, 15, tzinfo=UTC)


def test_a_comparison_knows_seconds_and_both_equal_hours(owner: User, project: Project) -> None:
    User.objects.update(time_zone="Europe/Rome")
    entry = make_entry(owner, project)
    path, phone = f"/api/v1/time-entries/{entry.pk}", Installed(MOBILE)
    for hour in (0, 1):  # 02:10 and 02:10 once more
        updated = datetime(2026, 10, 25, hour, 10, 37, 123456, tzinfo=UTC)
        for seen, status in [(updated, 200), (updated.replace(second=0, microsecond=0), 409)]:
            TimeEntry.objects.filter(pk=entry.pk).update(updated_at=updated)
            local = seen.astimezone(ZoneInfo("Europe/Rome")).replace(tzinfo=None)
            body = f'{{"notes":"{hour}","if_updated_at":"{local.isoformat()}"}}'
            assert phone.send("PATCH", path, body).status_code == status
