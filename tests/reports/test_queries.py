"""The totals against sums in Python: parts add up to wholes, to the second."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projects.models import Project
from reports.queries import totals_by_project
from tests.support.factories import NINE, make_entry, make_project
from timeentries.models import TimeEntry
from users.models import User

SECOND = timedelta(seconds=1)


class Work(NamedTuple):
    """An entry that a test makes up."""

    project: int
    day: int
    lasting: timedelta
    billable: bool


WORK = st.builds(
    Work,
    project=st.integers(0, 3),
    day=st.integers(0, 9),
    lasting=st.integers(1, 90_000_000_000).map(lambda number: timedelta(microseconds=number)),
    billable=st.booleans(),
)


@pytest.fixture
def projects(db: None) -> list[Project]:
    """Four projects."""
    return [make_project(f"Project {number}") for number in range(4)]


@settings(
    max_examples=50,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(works=st.lists(WORK, max_size=20))
def test_parts_add_up_to_wholes(owner: User, projects: list[Project], works: list[Work]) -> None:
    TimeEntry.objects.all().delete()
    expected: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    for work in works:
        project = projects[work.project]
        start = NINE + timedelta(days=work.day)
        make_entry(owner, project, start, work.lasting, billable=work.billable)
        seconds = work.lasting // SECOND
        total = expected[project.pk]
        total[0] += seconds
        total[1] += seconds if work.billable else 0
        total[2] += 1
    rows = list(totals_by_project(TimeEntry.objects.all()))
    assert {row.key: [row.seconds, row.billable_seconds, row.entries] for row in rows} == expected
    assert [row.key for row in rows] == sorted(
        expected, key=lambda number: (-expected[number][0], number)
    )
    split = NINE + timedelta(days=5)
    assert sum(row.seconds for row in rows) == seconds_before(split) + seconds_from(split)


def seconds_before(moment: datetime) -> int:
    """The seconds of the entries that start before a moment."""
    rows = totals_by_project(TimeEntry.objects.filter(start_time__lt=moment))
    return sum(row.seconds for row in rows)


def seconds_from(moment: datetime) -> int:
    """The seconds of the entries that start at a moment or later."""
    rows = totals_by_project(TimeEntry.objects.filter(start_time__gte=moment))
    return sum(row.seconds for row in rows)


def test_a_timer_does_not_count(owner: User, project: Project) -> None:
    make_entry(owner, project, lasting=None)
    assert list(totals_by_project(TimeEntry.objects.all())) == []


def test_two_projects_of_a_name_are_two(owner: User) -> None:
    first, second = make_project("Site"), make_project("Site")
    make_entry(owner, first)
    make_entry(owner, second)
    assert [row.key for row in totals_by_project(TimeEntry.objects.all())] == [
        first.pk,
        second.pk,
    ]
