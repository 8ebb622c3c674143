"""Whatever the range, the tallies tell what could be counted."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from django.db.models import Count, Q, Sum
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reports.queries import totals_by_project
from tests.support.counting import fold
from tests.support.factories import make_client, make_project, make_user
from timeentries.models import TimeEntry, TimeEntryQuerySet
from timeentries.totals import total_from_tallies

MICROSECOND = timedelta(microseconds=1)
LAST = datetime.max.replace(tzinfo=UTC)
# The edges of days, months, leap years and of all that we store.
EDGES = [
    *(datetime(2024, month, 1, tzinfo=UTC) for month in range(1, 13)),
    *(datetime(2024, 2, day, tzinfo=UTC) for day in (2, 15, 16, 17, 28, 29)),
    *(datetime(year, 3, 1, tzinfo=UTC) for year in (1972, 2000, 2023, 2025)),
    datetime(2024, 12, 31, tzinfo=UTC),
    datetime(2025, 1, 1, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1970, 1, 31, tzinfo=UTC),
    datetime(2200, 12, 1, tzinfo=UTC),
    datetime(2200, 12, 17, tzinfo=UTC),
    datetime(2200, 12, 30, tzinfo=UTC),
]
STEPS = [timedelta(0), MICROSECOND, timedelta(hours=11), timedelta(days=1) - MICROSECOND]
ZONES = [ZoneInfo(name) for name in ("UTC", "Asia/Tokyo", "America/Los_Angeles", "Asia/Kathmandu")]


class Asked(NamedTuple):
    """What entries are asked for: from and before when, and whose."""

    start: datetime | None
    before: datetime | None
    whose: str
    finished: bool


def in_zone(instant: datetime, zone: ZoneInfo) -> datetime:
    """The same instant; at both ends of time there are years that no zone has."""
    return instant.astimezone(zone) if 1 < instant.year < 9999 else instant


INSTANTS = st.none() | st.builds(
    in_zone,
    st.builds(lambda edge, step: edge + step, st.sampled_from(EDGES), st.sampled_from(STEPS))
    | st.datetimes(datetime(2023, 11, 1), datetime(2025, 3, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds it
    st.sampled_from(ZONES),
)
ASKED = st.builds(
    Asked, INSTANTS, INSTANTS, st.sampled_from(["", "user", "project", "client"]), st.booleans()
)


@pytest.fixture
def ids(db: None) -> dict[str, int]:
    """Entries around all edges, by two users in three projects; half of the tallies are fresh."""
    users = [make_user(name) for name in ("a", "b")]
    client = make_client()
    projects = [make_project("P", client=client), make_project("Q", client=client)]
    projects.append(make_project("R"))
    starts = [edge + step for edge in EDGES for step in STEPS]
    starts += [datetime(2024, 1, 1, 5, tzinfo=UTC) + timedelta(days=2 * n) for n in range(200)]
    entries = [
        TimeEntry(
            user=users[number % 2],
            project=projects[number % 3],
            start_time=start,
            end_time=None if number in (30, 31) else min(start + timedelta(minutes=number), LAST),
            billable=number % 5 > 0,
        )
        for number, start in enumerate(starts, start=1)
        if start < LAST
    ]
    TimeEntry.objects.bulk_create(entries[::2])
    fold()
    TimeEntry.objects.bulk_create(entries[1::2])
    return {"user": users[0].pk, "project": projects[0].pk, "client": client.pk}


def selected(asked: Asked, ids: dict[str, int]) -> TimeEntryQuerySet:
    """The entries as the lists' and reports' filters would select them."""
    entries = TimeEntry.objects.all()
    if asked.start:
        entries = entries.filter(start_time__gte=asked.start)
    if asked.before:
        entries = entries.filter(start_time__lt=asked.before)
    match asked.whose:
        case "user":
            entries = entries.filter(user=ids["user"])
        case "project":
            entries = entries.filter(project=ids["project"])
        case "client":
            entries = entries.filter(project__client=ids["client"])
    return entries.finished() if asked.finished else entries


def summed_up(entries: TimeEntryQuerySet) -> dict[int, Any]:
    """Each project's seconds, billable seconds and number, from the rows."""
    sums = (
        entries.finished()
        .order_by()
        .values("project_id")
        .annotate(
            Count("id"),
            Sum("duration_seconds"),
            billable=Sum("duration_seconds", filter=Q(billable=True)),
        )
    )
    return {
        row["project_id"]: (row["duration_seconds__sum"], row["billable"] or 0, row["id__count"])
        for row in sums
    }


@settings(
    max_examples=300,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(asked=ASKED)
@example(Asked(None, None, "", finished=True))
@example(Asked(datetime(9999, 12, 31, 12, tzinfo=UTC), None, "", finished=True))
@example(Asked(datetime(9999, 12, 17, tzinfo=UTC), None, "", finished=True))
@example(Asked(None, datetime(1, 1, 1, tzinfo=UTC), "", finished=True))
@example(
    Asked(
        datetime(2024, 7, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC), "user", finished=False
    )
)
def test_what_is_told_is_what_is_counted(ids: dict[str, int], asked: Asked) -> None:
    entries = selected(asked, ids)
    assert entries.exact_count() == entries.count()
    assert {
        row.key: (row.seconds, row.billable_seconds, row.entries)
        for row in totals_by_project(entries)
    } == summed_up(entries)


@pytest.mark.parametrize(
    ("hours", "lasting", "told"),
    [
        pytest.param(0, 24 * 182, True, id="months"),
        pytest.param(24 * 19, 24 * 21, True, id="days, no month"),
        pytest.param(24 * 19 + 11, 37, True, id="a day and a part"),
        pytest.param(24 * 19 + 11, 13, False, id="a part of a day"),
        pytest.param(24 * 19, 0, False, id="nothing"),
    ],
)
def test_a_whole_day_is_told(db: None, hours: int, lasting: int, *, told: bool) -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    before = start + timedelta(hours=lasting)
    entries = TimeEntry.objects.filter(start_time__gte=start, start_time__lt=before)
    assert (total_from_tallies(entries) is not None) == told
