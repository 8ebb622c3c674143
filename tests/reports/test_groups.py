"""Leaves, totals, rows and CSV have one sum, whatever the zone and the day."""

import csv
import io
import re
import zoneinfo
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from reports import local_dates
from reports.groups import LEVELS
from reports.local_dates import local_date, offsets
from tests.support.answers import invalid
from tests.support.counting import tallied
from tests.support.factories import NINE, api_as, make_client, make_entry, make_project, make_task
from timeentries.breaks import longest_break
from timeentries.models import TimeEntry
from users.models import User
from values.instants import day_bounds

SUMMARY, ENTRIES = "/api/v1/reports/summary", "/api/v1/reports/entries"
ZONES = ("UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu")
# Around changes of the clocks in these zones, and a turn of the year.
DAYS = [datetime(*day, tzinfo=UTC) for day in ((2024, 3, 30), (2024, 10, 26), (2018, 11, 3))]
MOMENTS = st.builds(
    lambda day, seconds: day + timedelta(microseconds=seconds),
    st.sampled_from([*DAYS, datetime(2024, 4, 6, tzinfo=UTC), datetime(2023, 12, 31, tzinfo=UTC)]),
    st.integers(0, 3 * 86_400_000_000),
)
RANGE = {"start_date": "2018-01-01", "end_date": "2024-12-31"}


def leaves_of(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The innermost groups; what is above each must be their sum."""
    leaves = []
    for group in groups:
        below = leaves_of(group["children"]) or [group]
        for number in ("seconds", "billable_seconds", "entries"):
            assert group[number] == sum(leaf[number] for leaf in below)
        leaves += below
    return leaves


def lines_of(response: Any) -> list[list[str]]:
    """The lines of a streamed CSV, whose first character is the byte order mark."""
    text = b"".join(response.streaming_content).decode()
    assert text[0] == "\ufeff"
    return list(csv.reader(io.StringIO(text[1:])))


@pytest.fixture
def api(owner: User, settings: Any) -> APIClient:
    """A client that may ask for reports as often as it likes."""
    settings.RATE_LIMIT_PER_MINUTE = settings.RATE_LIMIT_PER_HOUR = 1_000_000
    return api_as(owner, "read:reports")


@settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    works=st.lists(
        st.tuples(
            MOMENTS,
            st.integers(1, 90_000_000_000),
            st.booleans(),
            st.sampled_from(["", "a", "a,b", "b,a"]),
            st.integers(0, 1),
            st.integers(0, 90_000),
        ),
        min_size=1,
        max_size=8,
    ),
    zone=st.sampled_from(ZONES),
    levels=st.lists(st.sampled_from(LEVELS), min_size=1, max_size=3, unique=True),
)
def test_leaves_totals_rows_and_csv_have_one_sum(
    owner: User, api: APIClient, works: list[Any], zone: str, levels: list[str]
) -> None:
    TimeEntry.objects.all().delete()
    projects = [make_project(), make_project(client=make_client(f"{make_project().pk}"))]
    worked = 0
    for start, lasting, billable, tags, place, taken in works:
        breaks = min(taken, longest_break(start, start + timedelta(microseconds=lasting)))
        worked += lasting // 1_000_000 - breaks
        make_entry(
            owner,
            projects[place],
            start,
            timedelta(microseconds=lasting),
            break_seconds=breaks,
            billable=billable,
            tags=tags,
        )
    query = RANGE | {"timezone": zone}
    summary = api.get(SUMMARY, query | {"group_by": ",".join(levels)}).json()["summary"]
    totals = summary["totals"]
    leaves = leaves_of(summary["groups"])
    rows = api.get(ENTRIES, query).json()
    lines = lines_of(api.get(ENTRIES, query | {"format": "csv"}))
    seconds = [int(line[10]) for line in lines[1:-1]]

    assert totals["entries"] == len(works) == summary["total_entries"]
    assert totals["seconds"] == worked == tallied("entries")["seconds"]
    assert totals["rounded_seconds"] == worked
    assert totals["seconds"] == sum(leaf["seconds"] for leaf in leaves)
    assert totals["seconds"] == sum(row["duration_seconds"] for row in rows["time_entries"])
    assert totals["seconds"] == sum(seconds) == int(lines[-1][10])
    assert totals == rows["totals"]
    if "day" in levels:
        expected = {
            work[0].astimezone(zoneinfo.ZoneInfo(zone)).date().isoformat() for work in works
        }
        assert days_of(summary["groups"], levels.index("day")) == expected


def days_of(groups: list[dict[str, Any]], depth: int) -> set[str]:
    """The keys of the groups at a depth."""
    if depth == 0:
        return {group["key"] for group in groups}
    return {key for group in groups for key in days_of(group["children"], depth - 1)}


def test_groups_as_documented(owner: User, api: APIClient) -> None:
    site = make_project("Site", client=make_client())
    task = make_task(site)
    make_entry(owner, site, task=task, tags="b,a")
    make_entry(owner, site, tags="a,b", billable=False, lasting=timedelta(minutes=20))
    make_entry(owner, site, NINE + timedelta(days=7), None)
    response = api.get(
        SUMMARY, {"start_date": "2024-01-01", "end_date": "2024-01-31", "group_by": "tag,week"}
    )
    assert response.status_code == 200
    worth = {"rounded_seconds": 4800, "rounded_hours": 1.33, "amounts": []}
    counted = {"seconds": 4800, "hours": 1.33, "entries": 2, "billable_seconds": 3600, **worth}
    of_group = {**counted, "estimated_hours": None, "estimate_used": None}
    week = {"key": "2024-01-15", "name": "2024-W03", **of_group, "children": []}
    assert response.json()["summary"] | {"by_project": []} == {
        "start_date": "2024-01-01T00:00:00Z",
        "end_date": "2024-01-31T23:59:59Z",
        "total_hours": 1.33,
        "billable_hours": 1.0,
        "total_entries": 2,
        **worth,
        "by_project": [],
        "timezone": "UTC",
        "totals": counted,
        "groups": [{"key": "a,b", "name": "a, b", **of_group, "children": [week]}],
    }


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        pytest.param(
            {"timezone": "Mars/Base"},
            "Must be an IANA time zone name such as Europe/Berlin.",
            id="zone",
        ),
        pytest.param(
            {"group_by": "day,week,month,tag"},
            "Must be at most 3 different values, separated by commas.",
            id="four levels",
        ),
        pytest.param(
            {"group_by": "tag,tag"},
            "Must be at most 3 different values, separated by commas.",
            id="twice",
        ),
        pytest.param(
            {"group_by": "year"},
            "Must be one of: client, project, task, user, tag, day, week, month.",
            id="no such level",
        ),
        pytest.param({"format": "pdf"}, "Must be one of: json, csv, xlsx.", id="format"),
    ],
)
def test_a_report_refuses(api: APIClient, query: dict[str, str], errors: str) -> None:
    response = api.get(SUMMARY, query)
    assert response.status_code == 400
    assert response.json() == invalid(response, **{next(iter(query)): errors})


def test_a_tag_with_a_comma_is_nobodys(owner: User, api: APIClient) -> None:
    make_entry(owner, make_project(), tags="a,b")
    summary = api.get(SUMMARY, RANGE | {"tag": "a,b", "group_by": "tag"}).json()["summary"]
    assert (summary["total_entries"], summary["groups"]) == (0, [])


def test_offsets_change_at_the_second() -> None:
    first, end = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
    assert list(offsets(first, end, zoneinfo.ZoneInfo("Europe/Berlin"))) == [
        (datetime(2024, 3, 31, 1, tzinfo=UTC), 3600),
        (datetime(2024, 10, 27, 1, tzinfo=UTC), 7200),
        (end, 3600),
    ]


def test_the_widest_range_costs_one_look_at_each_day(
    owner: User, api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And none the second time; of 460 offsets, nine comparisons find that of an entry."""
    looks = 0
    look = local_dates._offset  # noqa: SLF001 - what is counted

    def count(*arguments: Any) -> int:
        nonlocal looks
        looks += 1
        return look(*arguments)

    monkeypatch.setattr(local_dates, "_offset", count)
    local_dates._changes.cache_clear()  # noqa: SLF001 - as in a fresh process
    make_entry(owner, make_project())
    query = {
        "start_date": "1970-01-01",
        "end_date": "2200-12-31",
        "timezone": "America/New_York",
        "group_by": "day,week,month",
    }
    with CaptureQueriesContext(connection) as captured:
        summary = api.get(SUMMARY, query).json()["summary"]
    assert [leaf["key"] for leaf in leaves_of(summary["groups"])] == ["2024-01"]
    assert looks < 231 * 366 + 460 * 20
    [grouped] = [query["sql"] for query in captured if "GROUP BY" in query["sql"]][-1:]
    deepest = depth = 0
    for word in re.findall(r"\b(?:CASE|END)\b", grouped):
        depth += 1 if word == "CASE" else -1
        deepest = max(deepest, depth)
    assert deepest <= 10
    looks = 0
    api.get(SUMMARY, query)
    assert looks < 10


@pytest.mark.parametrize("zone", ["Asia/Gaza", "America/New_York", "Australia/Lord_Howe"])
def test_days_are_those_of_the_zone_over_all_years(owner: User, api: APIClient, zone: str) -> None:
    project, place = make_project(), zoneinfo.ZoneInfo(zone)
    starts = [
        datetime(1970, 1, 2, 4, 30, tzinfo=UTC) + timedelta(days=311) * n for n in range(270)
    ]
    for start in starts:
        make_entry(owner, project, start)
    query = {"start_date": "1970-01-01", "end_date": "2200-12-31", "timezone": zone}
    groups = api.get(SUMMARY, query | {"group_by": "day"}).json()["summary"]["groups"]
    assert [group["key"] for group in groups] == [
        start.astimezone(place).date().isoformat() for start in starts
    ]


DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
# Clocks that go back over midnight, one that goes back to it, and days that are skipped.
MIDNIGHTS = [
    pytest.param("America/St_Johns", (2010, 11, 7), id="a minute after midnight"),
    pytest.param("America/Sao_Paulo", (2018, 2, 18), id="at midnight, to the day before"),
    pytest.param("America/Havana", (2023, 11, 5), id="an hour after midnight, to midnight"),
    pytest.param("Pacific/Apia", (2011, 12, 30), id="a day that was left out"),
    pytest.param("Asia/Beirut", (2022, 3, 27), id="a midnight that was left out"),
]


@pytest.mark.parametrize(("name", "day"), MIDNIGHTS)
def test_bounds_and_groups_have_the_same_days(
    owner: User, name: str, day: tuple[int, int, int]
) -> None:
    zone, project = ZoneInfo(name), make_project()
    days = [date(*day) + number * DAY for number in (-1, 0, 1)]
    start = day_bounds(days[0], zone)[0]
    for minutes in range(0, 76 * 60, 20):
        make_entry(owner, project, start + timedelta(minutes=minutes), 20 * SECOND)
    bounds = [day_bounds(each, zone) for each in days]
    for each, (first, end) in zip(days, bounds, strict=True):
        inside = TimeEntry.objects.filter(start_time__gte=first, start_time__lt=end)
        dates = inside.order_by().values_list(
            local_date("start_time", "day", start, bounds[-1][1], zone), flat=True
        )
        assert set(dates) <= {each}
