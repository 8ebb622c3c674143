"""The week of each user: every entry on the local day on which it starts."""

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from projects.models import Project
from reports.queries import UserWeek, week_of, weeks_by_user
from tests.reports.test_groups import DAYS, MOMENTS, SUMMARY, ZONES, lines_of
from tests.support.answers import invalid, refusal
from tests.support.factories import NINE, api_as, make_client, make_entry, make_project, make_task
from timeentries.models import TimeEntry
from users.models import User

PATH = "/api/v1/reports/weekly"
HOUR = timedelta(hours=1)
WEEK = {"week": "2024-01-17"}
SUMS = ("Seconds", "Hours", "Rounded seconds", "Rounded hours")
DATES = [f"2024-01-{day}" for day in range(15, 22)]


def test_a_week_begins_on_monday() -> None:
    week = [date(2024, 1, day) for day in range(15, 22)]
    assert all(week_of(day) == week for day in week)


def test_one_statement_has_every_user(
    owner: User,
    colleague: User,
    project: Project,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make_entry(owner, project, NINE, HOUR)
    make_entry(owner, project, NINE + HOUR, 2 * HOUR)
    make_entry(owner, project, NINE + timedelta(days=6), 30 * HOUR)
    make_entry(owner, project, NINE + timedelta(days=7), HOUR)
    make_entry(colleague, project, NINE + timedelta(days=2), timedelta(seconds=1.9))
    make_entry(colleague, project, NINE + timedelta(days=3), None)
    with django_assert_num_queries(1):
        users = weeks_by_user(TimeEntry.objects.all(), week_of(NINE.date()), ZoneInfo("UTC"))
    assert users == [
        UserWeek(colleague.pk, colleague.username, [0, 0, 1, 0, 0, 0, 0]),
        UserWeek(owner.pk, owner.username, [10_800, 0, 0, 0, 0, 0, 108_000]),
    ]
    assert [user.total_seconds for user in users] == [1, 118_800]


@pytest.mark.parametrize(
    ("zone", "start", "place"),
    [
        pytest.param("Europe/Berlin", (2024, 3, 24, 23), 0, id="Monday begins in winter"),
        pytest.param("Europe/Berlin", (2024, 3, 30, 23), 6, id="Sunday begins in winter"),
        pytest.param("Europe/Berlin", (2024, 3, 31, 21), 6, id="Sunday ends in summer"),
        pytest.param("Europe/Berlin", (2024, 3, 31, 22), None, id="the next week, in summer"),
        pytest.param("America/Sao_Paulo", (2024, 3, 31, 2), 5, id="Saturday in the west"),
        pytest.param("Asia/Kathmandu", (2024, 3, 24, 19), 0, id="Monday in the east"),
    ],
)
def test_a_day_is_the_local_one(
    owner: User, project: Project, zone: str, start: tuple[int, int, int, int], place: int | None
) -> None:
    make_entry(owner, project, datetime(*start, tzinfo=UTC), HOUR)
    users = weeks_by_user(TimeEntry.objects.all(), week_of(date(2024, 3, 31)), ZoneInfo(zone))
    assert [user.seconds.index(3600) for user in users] == ([] if place is None else [place])


def test_weekly_as_documented(owner: User, colleague: User, project: Project) -> None:
    make_entry(owner, project, NINE, 90 * 60 * timedelta(seconds=1))
    make_entry(owner, project, NINE + timedelta(days=4, hours=14, minutes=30), HOUR)
    make_entry(owner, project, NINE + timedelta(days=7), HOUR)
    make_entry(owner, project, NINE, None)
    make_entry(colleague, project, NINE, HOUR)
    api = api_as(owner, "read:reports")
    response = api.get(PATH, WEEK | {"timezone": "Europe/Berlin"})
    assert response.status_code == 200
    seconds = [5400, 0, 0, 0, 0, 3600, 0]
    worth = {"rounded_seconds": 9000, "rounded_hours": 2.5, "amounts": []}
    assert response.json() == {
        "weekly": {
            "week": "2024-W03",
            "start_date": "2024-01-14T23:00:00Z",
            "end_date": "2024-01-21T22:59:59Z",
            "timezone": "Europe/Berlin",
            "days": DATES,
            "users": [
                {
                    "user_id": owner.pk,
                    "user_name": "olga",
                    "seconds": seconds,
                    "total_seconds": 9000,
                    "hours": 2.5,
                    **worth,
                }
            ],
            "totals": seconds,
            "total_seconds": 9000,
            "hours": 2.5,
            **worth,
        }
    }


def test_a_week_without_entries_is_seven_zeros(owner: User) -> None:
    weekly = api_as(owner, "read:reports").get(PATH, WEEK).json()["weekly"]
    assert (weekly["users"], weekly["totals"], weekly["total_seconds"]) == ([], [0] * 7, 0)


def test_this_week_is_the_local_one(owner: User) -> None:
    api = api_as(owner, "read:reports")
    before = week_of(datetime.now(ZoneInfo("Pacific/Kiritimati")).date())
    weekly = api.get(PATH, {"timezone": "Pacific/Kiritimati"}).json()["weekly"]
    after = week_of(datetime.now(ZoneInfo("Pacific/Kiritimati")).date())
    assert weekly["days"] in ([f"{day}" for day in week] for week in (before, after))


def test_days_are_in_the_users_zone(owner: User, project: Project) -> None:
    User.objects.filter(pk=owner.pk).update(time_zone="Asia/Tokyo")
    make_entry(owner, project, NINE + timedelta(hours=6), HOUR)
    weekly = api_as(owner, "read:reports").get(PATH, WEEK).json()["weekly"]
    assert (weekly["timezone"], weekly["totals"]) == ("Asia/Tokyo", [0, 3600, 0, 0, 0, 0, 0])


@pytest.fixture
def ids(owner: User, colleague: User) -> dict[str, int]:
    """An hour and two of the owner, four of the colleague; the ids in queries."""
    site, app = make_project("Site", client=make_client()), make_project("App")
    task = make_task(site)
    make_entry(owner, site, NINE, HOUR, task=task, tags="a,b")
    make_entry(owner, app, NINE, 2 * HOUR, billable=False)
    make_entry(colleague, site, NINE, 4 * HOUR)
    client = site.client_id or 0
    users = {"OWNER": owner.pk, "COLLEAGUE": colleague.pk}
    return {"SITE": site.pk, "CLIENT": client, "TASK": task.pk, **users}


@pytest.mark.parametrize(
    ("who", "query", "expected"),
    [
        pytest.param("owner", {}, {"olga": 3}, id="own"),
        pytest.param("owner", {"user_id": "OWNER"}, {"olga": 3}, id="own by name"),
        pytest.param("owner", {"project_id": "SITE"}, {"olga": 1}, id="a project"),
        pytest.param("owner", {"client_id": "CLIENT"}, {"olga": 1}, id="a client"),
        pytest.param("owner", {"task_id": "TASK"}, {"olga": 1}, id="a task"),
        pytest.param("owner", {"tag": "b"}, {"olga": 1}, id="a tag"),
        pytest.param("owner", {"billable": "false"}, {"olga": 2}, id="not billable"),
        pytest.param("administrator", {}, {"COLLEAGUE": 4, "olga": 3}, id="everybody"),
        pytest.param("administrator", {"billable": "false"}, {"olga": 2}, id="who has some"),
        pytest.param("administrator", {"user_id": "OWNER"}, {"olga": 3}, id="a user"),
    ],
)
def test_weekly_is_about(
    owner: User,
    colleague: User,
    administrator: User,
    ids: dict[str, int],
    who: str,
    query: dict[str, str],
    expected: dict[str, int],
) -> None:
    api = api_as(administrator if who == "administrator" else owner, "read:reports")
    weekly = api.get(PATH, WEEK | {name: ids.get(text, text) for name, text in query.items()})
    hours = {
        user["user_name"]: user["seconds"][0] // 3600 for user in weekly.json()["weekly"]["users"]
    }
    assert hours == {
        name.replace("COLLEAGUE", colleague.username): n for name, n in expected.items()
    }
    assert list(hours) == sorted(hours)


def test_nobody_else_sees_another_users_week(owner: User, colleague: User) -> None:
    response = api_as(owner, "read:reports").get(PATH, {"user_id": colleague.pk})
    assert response.status_code == 403
    sentence = "You can only access your own time entries."
    assert response.json() == refusal(response, "forbidden", sentence)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        pytest.param({"week": "2024-W03"}, "Must be a date such as 2024-01-15.", id="a name"),
        pytest.param({"week": "2024-02-30"}, "Must be a date such as 2024-01-15.", id="no date"),
        pytest.param(
            {"week": "1969-12-31"}, "Must be a time in the years 1970 to 2200.", id="early"
        ),
        pytest.param(
            {"timezone": "Mars"},
            "Must be an IANA time zone name such as Europe/Berlin.",
            id="zone",
        ),
        pytest.param({"format": "pdf"}, "Must be one of: json, csv, xlsx.", id="format"),
    ],
)
def test_weekly_refuses(owner: User, query: dict[str, str], sentence: str) -> None:
    response = api_as(owner, "read:reports").get(PATH, query)
    assert response.status_code == 400
    assert response.json() == invalid(response, **{next(iter(query)): sentence})


@pytest.mark.parametrize("day", ["1970-01-01", "2200-12-31"])
def test_the_first_and_the_last_week_are_whole(owner: User, day: str) -> None:
    days = api_as(owner, "read:reports").get(PATH, {"week": day}).json()["weekly"]["days"]
    assert (len(days), day in days) == (7, True)


def test_files_have_a_row_for_each_user(owner: User, ids: dict[str, int]) -> None:
    User.objects.filter(pk=owner.pk).update(username="=1+1")
    api = api_as(owner, "read:reports")
    titles = ["User", *(f"{day} (UTC)" for day in DATES), *SUMS]
    numbers = ["10800", *["0"] * 6, "10800", "3.00", "10800", "3.00"]
    response: Any = api.get(PATH, WEEK | {"format": "csv"})
    assert response["Content-Disposition"] == 'attachment; filename="weekly.csv"'
    assert lines_of(response) == [titles, ["'=1+1", *numbers], ["Total", *numbers]]
    response = api.get(PATH, WEEK | {"format": "xlsx"})
    sheet = load_workbook(io.BytesIO(b"".join(response.streaming_content))).worksheets[0]
    cells = [list(row) for row in sheet.iter_rows(values_only=True)]
    spans = [3 * HOUR, *[timedelta()] * 6, 3 * HOUR, 3 * HOUR]
    assert [cells[0], cells[1][0], cells[2][0]] == [titles, "=1+1", "Total"]
    assert cells[1][-1] == cells[2][-1] == 3
    assert [_span(cell) for cell in (*cells[1][1:9], cells[1][10])] == spans


def _span(cell: Any) -> timedelta:
    """A duration of nothing is read as midnight."""
    return cell if isinstance(cell, timedelta) else timedelta(hours=cell.hour)


@pytest.fixture
def api(administrator: User, settings: Any) -> APIClient:
    """An administrator's client that may ask for reports as often as it likes."""
    settings.RATE_LIMIT_PER_MINUTE = settings.RATE_LIMIT_PER_HOUR = 1_000_000
    return api_as(administrator, "read:reports")


@settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    works=st.lists(st.tuples(MOMENTS, st.integers(1, 90_000_000_000), st.booleans()), max_size=8),
    zone=st.sampled_from(ZONES),
    day=st.sampled_from(DAYS),
)
def test_the_days_of_all_users_add_up_to_the_summary(
    owner: User,
    colleague: User,
    project: Project,
    api: APIClient,
    works: list[Any],
    zone: str,
    day: datetime,
) -> None:
    TimeEntry.objects.all().delete()
    for start, lasting, own in works:
        make_entry(owner if own else colleague, project, start, timedelta(microseconds=lasting))
    weekly = api.get(PATH, {"week": f"{day:%Y-%m-%d}", "timezone": zone}).json()["weekly"]
    query = {"start_date": weekly["days"][0], "end_date": weekly["days"][-1], "timezone": zone}
    summary = api.get(SUMMARY, query | {"group_by": "day"}).json()["summary"]
    by_day = {group["key"]: group["seconds"] for group in summary["groups"]}

    assert weekly["total_seconds"] == sum(weekly["totals"]) == summary["totals"]["seconds"]
    assert weekly["total_seconds"] == sum(user["total_seconds"] for user in weekly["users"])
    assert weekly["totals"] == [by_day.get(day, 0) for day in weekly["days"]]
    assert [weekly[name] for name in ("start_date", "end_date")] == [
        summary[name] for name in ("start_date", "end_date")
    ]
