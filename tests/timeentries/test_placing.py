"""Entries of which only the day and the minutes are sent."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from projects.models import Project
from tests.support.answers import invalid, refusal
from tests.support.factories import api_as, make_entry, make_project, make_user
from tests.support.racing import at_once
from timeentries.models import TimeEntry
from users.models import User

PATH = "/api/v1/time-entries"
DAY = "2024-01-15"
EITHER = "Send either the times, or date and duration_minutes."
TOGETHER = "Required, because date and duration_minutes go together."
NO_ROOM = "This day has no time left after its last entry. Send start_time and end_time instead."
WRITERS = 6

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(owner: User) -> APIClient:
    return api_as(owner, "write:time_entries")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Set the time of the requests to come."""

    def stand_still(at: str) -> None:
        instant = datetime.fromisoformat(at).astimezone(UTC)
        monkeypatch.setattr(timezone, "now", lambda: instant)

    return stand_still


def times_of(response: Any) -> tuple[str, str]:
    assert response.status_code == 201, response.content
    entry = response.json()["time_entry"]
    return entry["start_time"], entry["end_time"]


def book(api: APIClient, project: Project, minutes: int, day: str = DAY, **more: Any) -> Any:
    body = {"project_id": project.pk, "date": day, "duration_minutes": minutes, **more}
    return api.post(PATH, body)


def test_a_day_begins_at_nine_and_goes_on_where_its_last_entry_ended(
    api: APIClient, project: Project
) -> None:
    first, second = book(api, project, 90), book(api, project, 30, notes="Call")
    assert times_of(first) == ("2024-01-15T09:00:00Z", "2024-01-15T10:30:00Z")
    assert times_of(second) == ("2024-01-15T10:30:00Z", "2024-01-15T11:00:00Z")
    shown = second.json()["time_entry"]
    assert (shown["duration_seconds"], shown["notes"], shown["active"]) == (1800, "Call", False)
    assert not {"date", "duration_minutes"} & shown.keys()


@pytest.mark.parametrize(
    ("starts", "hours", "begins"),
    [
        pytest.param("2024-01-15T06:00:00Z", 1, "09:00", id="an early one"),
        pytest.param("2024-01-15T08:30:00Z", 1, "09:30", id="one over nine"),
        pytest.param("2024-01-14T22:00:00Z", 12, "10:00", id="one from the day before"),
        pytest.param("2024-01-14T20:00:00Z", 4, "09:00", id="one that ends at midnight"),
        pytest.param("2024-01-16T00:00:00Z", 1, "09:00", id="one of the next day"),
        pytest.param("2024-01-15T22:30:00Z", 1, "23:30", id="a late one"),
        pytest.param("2024-01-15T10:00:00Z", None, "09:00", id="a running timer"),
    ],
)
def test_it_is_placed_after_the_last_finished_entry_of_the_day(
    api: APIClient,
    owner: User,
    colleague: User,
    project: Project,
    starts: str,
    hours: int | None,
    begins: str,
) -> None:
    lasting = None if hours is None else timedelta(hours=hours)
    make_entry(owner, project, datetime.fromisoformat(starts), lasting)
    make_entry(colleague, project, datetime(2024, 1, 15, 12, tzinfo=UTC))
    assert times_of(book(api, project, 60))[0] == f"2024-01-15T{begins}:00Z"


@pytest.mark.parametrize(
    ("at", "day", "minutes", "start", "end"),
    [
        pytest.param("2024-01-15T16:00:00Z", DAY, 60, "15T15:00", "15T16:00", id="today"),
        pytest.param("2024-01-15T16:00:00Z", DAY, 960, "15T00:00", "15T16:00", id="just fits"),
        pytest.param("2024-01-15T16:00:00Z", DAY, 961, "15T09:00", "16T01:01", id="too long"),
        pytest.param("2024-01-15T00:30:00Z", DAY, 60, "15T09:00", "15T10:00", id="too early"),
        pytest.param("2024-01-16T16:00:00Z", DAY, 60, "15T09:00", "15T10:00", id="yesterday"),
        pytest.param("2024-01-14T16:00:00Z", DAY, 60, "15T09:00", "15T10:00", id="tomorrow"),
    ],
)
def test_it_ends_now_if_it_fits_since_midnight(
    api: APIClient,
    project: Project,
    now: Callable[[str], None],
    at: str,
    day: str,
    minutes: int,
    start: str,
    end: str,
) -> None:
    now(at)
    expected = (f"2024-01-{start}:00Z", f"2024-01-{end}:00Z")
    assert times_of(book(api, project, minutes, day)) == expected


@pytest.mark.parametrize(
    ("zone", "at", "day", "minutes", "start", "end"),
    [
        pytest.param(
            "Asia/Kathmandu",
            "2024-01-15T20:00:00Z",  # 01:45 on the 16th
            "2024-01-16",
            60,
            "2024-01-15T19:00:00Z",
            "2024-01-15T20:00:00Z",
            id="today is the user's",
        ),
        pytest.param(
            "America/New_York",
            "2024-02-01T00:00:00Z",
            "2024-01-15",
            60,
            "2024-01-15T14:00:00Z",
            "2024-01-15T15:00:00Z",
            id="nine is the user's",
        ),
        pytest.param(
            "Europe/Rome",
            "2024-03-31T04:00:00Z",  # 06:00: five hours since midnight
            "2024-03-31",
            5 * 60,
            "2024-03-30T23:00:00Z",
            "2024-03-31T04:00:00Z",
            id="fits in spring",
        ),
        pytest.param(
            "Europe/Rome",
            "2024-03-31T04:00:00Z",
            "2024-03-31",
            6 * 60,
            "2024-03-31T07:00:00Z",
            "2024-03-31T13:00:00Z",
            id="does not fit in spring",
        ),
        pytest.param(
            "Europe/Rome",
            "2024-10-27T05:00:00Z",  # 06:00: seven hours since midnight
            "2024-10-27",
            7 * 60,
            "2024-10-26T22:00:00Z",
            "2024-10-27T05:00:00Z",
            id="fits in autumn",
        ),
        pytest.param(
            "Europe/Rome",
            "2024-11-01T00:00:00Z",
            "2024-10-27",
            24 * 60,
            "2024-10-27T08:00:00Z",
            "2024-10-28T08:00:00Z",
            id="nine after the clocks went back",
        ),
    ],
)
def test_the_day_is_that_of_the_user(
    api: APIClient,
    owner: User,
    project: Project,
    now: Callable[[str], None],
    zone: str,
    at: str,
    day: str,
    minutes: int,
    start: str,
    end: str,
) -> None:
    User.objects.filter(pk=owner.pk).update(time_zone=zone)
    now(at)
    assert times_of(book(api, project, minutes, day)) == (start, end)


def test_an_administrator_books_on_the_owners_day(administrator: User, project: Project) -> None:
    api = api_as(administrator, "write:time_entries")
    owner = make_user("mei", time_zone="Asia/Tokyo")
    make_entry(administrator, project, datetime(2024, 1, 15, 0, tzinfo=UTC))
    assert times_of(book(api, project, 60, user_id=owner.pk))[0] == "2024-01-15T00:00:00Z"


def test_the_minutes_are_worked(api: APIClient, project: Project) -> None:
    response = book(api, project, 60, break_seconds=900)
    assert times_of(response) == ("2024-01-15T09:00:00Z", "2024-01-15T10:15:00Z")
    assert response.json()["time_entry"]["duration_seconds"] == 3600


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        pytest.param({"date": DAY}, {"duration_minutes": TOGETHER}, id="no minutes"),
        pytest.param({"duration_minutes": 60}, {"date": TOGETHER}, id="no day"),
        pytest.param(
            {"date": DAY, "duration_minutes": 60, "start_time": "2024-01-15T09:00:00Z"},
            {"start_time": EITHER},
            id="a start too",
        ),
        pytest.param(
            {
                "date": DAY,
                "duration_minutes": 60,
                "start_time": "2024-01-15T09:00:00Z",
                "end_time": None,
            },
            {"start_time": EITHER, "end_time": EITHER},
            id="both times too",
        ),
        pytest.param(
            {"date": DAY, "duration_minutes": 0},
            {"duration_minutes": "Ensure this value is greater than or equal to 1."},
            id="no time",
        ),
        pytest.param(
            {"date": DAY, "duration_minutes": -5},
            {"duration_minutes": "Ensure this value is greater than or equal to 1."},
            id="less than no time",
        ),
        pytest.param(
            {"date": DAY, "duration_minutes": 1441},
            {"duration_minutes": "Ensure this value is less than or equal to 1440."},
            id="more than a day",
        ),
        pytest.param(
            {"date": DAY, "duration_minutes": 1.5},
            {"duration_minutes": "Must be a whole number."},
            id="half a minute",
        ),
        pytest.param(
            {"date": "15.1.2024", "duration_minutes": 60},
            {"date": "Must be a date such as 2024-01-15."},
            id="no date",
        ),
        pytest.param(
            {"date": None, "duration_minutes": 60},
            {"date": "This field may not be null."},
            id="null",
        ),
        pytest.param({}, {"start_time": "This field is required."}, id="neither"),
    ],
)
def test_what_does_not_fit_together_is_400(
    api: APIClient, project: Project, body: dict[str, Any], errors: dict[str, str]
) -> None:
    response: Any = api.post(PATH, {"project_id": project.pk, **body})
    assert response.status_code == 400
    assert response.json() == invalid(response, **errors)
    assert not TimeEntry.objects.exists()


def test_a_day_that_the_clocks_skipped_is_400(
    api: APIClient, owner: User, project: Project
) -> None:
    User.objects.filter(pk=owner.pk).update(time_zone="Pacific/Apia")
    response = book(api, project, 60, "2011-12-30")
    assert response.status_code == 400
    sentence = "This time does not exist in Pacific/Apia: the clocks skip it."
    assert response.json() == invalid(response, date=sentence)


def test_a_full_day_is_409(api: APIClient, owner: User, project: Project) -> None:
    make_entry(owner, project, datetime(2024, 1, 15, 23, tzinfo=UTC))
    response = book(api, project, 60)
    assert response.status_code == 409
    assert response.json() == refusal(response, "conflict", NO_ROOM)
    assert TimeEntry.objects.count() == 1


def test_a_change_takes_no_day(api: APIClient, owner: User, project: Project) -> None:
    entry = make_entry(owner, project)
    response: Any = api.patch(f"{PATH}/{entry.pk}", {"date": DAY, "duration_minutes": 5})
    assert response.status_code == 400
    sentences = ["Only a new row takes this: POST."]
    assert response.json()["errors"] == {"date": sentences, "duration_minutes": sentences}


def test_a_timer_takes_no_day(api: APIClient, project: Project) -> None:
    response = api.post("/api/v1/timer/start", {"project_id": project.pk, "date": DAY})
    assert response.status_code == 400


def test_an_external_id_that_is_taken_is_still_409(api: APIClient, project: Project) -> None:
    taken = book(api, project, 60, external_id="17").json()["time_entry"]["id"]
    response = book(api, project, 60, external_id="17")
    assert response.status_code == 409
    assert (response.json()["error_code"], response.json()["conflicting_id"]) == (
        "external_id_taken",
        taken,
    )


def create(project: Project, **fields: Any) -> dict[str, Any]:
    return {"op": "create", "data": {"project_id": project.pk, **fields}}


def by_day(project: Project, minutes: int = 60, day: str = DAY, **fields: Any) -> dict[str, Any]:
    return create(project, date=day, duration_minutes=minutes, **fields)


def starts() -> list[str]:
    rows = TimeEntry.objects.order_by("pk").values_list("start_time", flat=True)
    return [f"{start:%d %H:%M}" for start in rows]


def test_a_bulk_places_one_after_another(api: APIClient, project: Project) -> None:
    operations = [
        by_day(project),
        create(project, start_time=f"{DAY}T10:30:00Z", end_time=f"{DAY}T11:00:00Z"),
        by_day(project, 30),
        by_day(project, 60, "2024-01-16"),
        by_day(project),
    ]
    answer = api.post(f"{PATH}/bulk", {"operations": operations}).json()
    assert answer["committed"]
    assert starts() == ["15 09:00", "15 10:30", "15 11:00", "16 09:00", "15 11:30"]


def test_a_bulk_says_which_day_is_full(api: APIClient, project: Project) -> None:
    archived = make_project("Old", status="archived")
    operations = [
        by_day(project, 1440),
        by_day(project, 60, "2024-01-16"),  # from 09:00, when the first ends
        by_day(project),
        by_day(archived, 60, "2024-01-17"),
        by_day(project, 60, "2024-01-17"),
    ]
    body = {"mode": "partial", "operations": operations}
    results = api.post(f"{PATH}/bulk", body).json()["results"]
    assert [result["status"] for result in results] == [201, 201, 409, 409, 201]
    assert results[2]["error"]["message"] == NO_ROOM
    assert results[3]["error"]["error_code"] == "project_archived"
    assert starts() == ["15 09:00", "16 09:00", "17 09:00"]


def test_a_bulk_asks_once_for_each_day(api: APIClient, project: Project) -> None:
    def queries(operations: list[dict[str, Any]]) -> int:
        with CaptureQueriesContext(
            connection,
        ) as context:
            assert api.post(f"{PATH}/bulk", {"operations": operations}).json()["committed"]
        return len(context)

    few = queries([by_day(project)])
    assert queries([by_day(project) for _ in range(9)]) == few
    assert queries([by_day(project, day=f"2024-02-{n:02}") for n in range(1, 10)]) == few + 8


@pytest.mark.django_db(transaction=True)
def test_racing_requests_get_times_of_their_own() -> None:
    user, project = make_user(), make_project()
    apis = [api_as(user, "write:time_entries") for _ in range(WRITERS)]
    singles = [partial(book, api, project, 30) for api in apis[1:]]
    bulk = {"operations": [by_day(project, 30), by_day(project, 30)]}
    responses = at_once([*singles, partial(apis[0].post, f"{PATH}/bulk", bulk)])
    assert sorted(each.status_code for each in responses) == [200, *[201] * (WRITERS - 1)]
    entries = TimeEntry.objects.order_by("start_time")
    begun = [entry.start_time for entry in entries]
    nine = datetime(2024, 1, 15, 9, tzinfo=UTC)
    assert begun == [nine + number * timedelta(minutes=30) for number in range(WRITERS + 1)]
    assert {entry.start_time.date() for entry in entries} == {date(2024, 1, 15)}
