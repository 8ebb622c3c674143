"""The week of each user: every entry on the local day on which it starts."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pytest_django import DjangoAssertNumQueries

from projects.models import Project
from reports.queries import UserWeek, week_of, weeks_by_user
from tests.factories import NINE, make_entry
from timeentries.models import TimeEntry
from users.models import User

HOUR = timedelta(hours=1)


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
