"""Rules about time entries, asked of the database and of Django's own validation."""

from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from projects.models import Project
from tests.support.factories import NINE, make_entry, make_project
from timeentries.models import TimeEntry
from timeentries.serializers import duration_seconds
from users.models import User

SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
LONGEST = timedelta(days=366)
BROKEN = [
    pytest.param(timedelta(0), "The end must be after the start.", id="no time at all"),
    pytest.param(-MICROSECOND, "The end must be after the start.", id="an end before the start"),
    pytest.param(
        LONGEST + SECOND, "A time entry must not last more than 366 days.", id="a second too long"
    ),
    pytest.param(
        LONGEST + MICROSECOND,
        "A time entry must not last more than 366 days.",
        id="a microsecond too long",
    ),
]


@pytest.mark.parametrize(("lasting", "sentence"), BROKEN)
def test_database_refuses(
    owner: User, project: Project, lasting: timedelta, sentence: str
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_entry(owner, project, lasting=lasting)
    assert TimeEntry.objects.count() == 0


@pytest.mark.parametrize(("lasting", "sentence"), BROKEN)
def test_validation_says_the_sentence_of_the_rule(
    owner: User, project: Project, lasting: timedelta, sentence: str
) -> None:
    entry = TimeEntry(user=owner, project=project, start_time=NINE, end_time=NINE + lasting)
    with pytest.raises(ValidationError) as caught:
        entry.full_clean()
    assert caught.value.messages == [sentence]


@pytest.mark.parametrize(
    ("lasting", "seconds"),
    [
        pytest.param(MICROSECOND, 0, id="a microsecond"),
        pytest.param(SECOND - MICROSECOND, 0, id="almost a second"),
        pytest.param(SECOND, 1, id="a second"),
        pytest.param(LONGEST, 366 * 86_400, id="366 days"),
        pytest.param(None, None, id="a timer"),
    ],
)
def test_database_takes(
    owner: User, project: Project, lasting: timedelta | None, seconds: int | None
) -> None:
    make_entry(owner, project, lasting=lasting)
    assert TimeEntry.objects.get().duration_seconds == seconds


def test_database_refuses_a_second_timer_of_a_user(owner: User, project: Project) -> None:
    timer = make_entry(owner, project, lasting=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_entry(owner, make_project("Elsewhere"), lasting=None)
    assert TimeEntry.objects.get() == timer


def test_database_refuses_to_reopen_beside_a_timer(owner: User, project: Project) -> None:
    entry = make_entry(owner, project)
    make_entry(owner, project, lasting=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        TimeEntry.objects.filter(pk=entry.pk).update(end_time=None)
    assert TimeEntry.objects.running().count() == 1


def test_each_user_may_run_a_timer(owner: User, colleague: User, project: Project) -> None:
    make_entry(owner, project)
    make_entry(owner, project, lasting=None)
    make_entry(colleague, project, lasting=None)
    assert TimeEntry.objects.running().count() == 2


def test_validation_refuses_a_second_timer(owner: User, project: Project) -> None:
    make_entry(owner, project, lasting=None)
    with pytest.raises(ValidationError) as caught:
        TimeEntry(user=owner, project=project, start_time=NINE).full_clean()
    assert caught.value.messages == ["A timer is already running. Stop it first."]


@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        pytest.param(NINE, 0, id="at its start"),
        pytest.param(NINE + 90 * SECOND - MICROSECOND, 89, id="almost 90 seconds later"),
        pytest.param(NINE - SECOND, 0, id="before its start"),
    ],
)
def test_a_timer_counts_the_whole_seconds_so_far(
    owner: User, project: Project, now: datetime, seconds: int
) -> None:
    start = make_entry(owner, project, lasting=None).start_time
    assert duration_seconds(start, None, now=now) == seconds


def test_visible_are_ones_own_and_to_an_administrator_all(
    owner: User, colleague: User, administrator: User, project: Project
) -> None:
    mine, theirs = make_entry(owner, project), make_entry(colleague, project)
    assert list(TimeEntry.objects.visible_to(owner)) == [mine]
    assert set(TimeEntry.objects.visible_to(administrator)) == {mine, theirs}
