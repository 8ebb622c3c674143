"""Demo time entries, streamed day by day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, islice
from random import Random
from typing import Any

from django.db import connection

from database.loading import load
from demo.names import WORK
from timeentries.models import TimeEntry
from users.models import User

SEED = "TimeTracker"
ENTRIES_A_DAY = (3, 4, 4, 5, 5, 6)
MOST_PER_USER = 10_000  # about nine years
DAYS_AWAY = 0.08  # holidays and the like, as a part of all working days
SATURDAY = 5
OFFICE_OPENS = time(8)
WORK_MINUTES = (240, 480)  # shared by the entries of a day
LUNCH = timedelta(minutes=45)
BREAKS = 0.2  # of the entries of an hour and more
BREAK_MINUTES = (5, 10, 15)
PROJECTS_PER_USER = 4
BILLABLE = 0.9  # of the entries on billable work
# Midnight UTC is nine in the morning in Tokyo: a timer that just started does not lie in the
# future.
TIMER_ZONE = "Asia/Tokyo"
TIMER_BEFORE_MIDNIGHT = timedelta(minutes=8)

COLUMNS = (
    *("user_id", "project_id", "task_id", "start_time", "end_time", "notes", "tags"),
    *("billable", "break_seconds", "created_at", "updated_at"),
)


@dataclass(frozen=True)
class Job:
    """A project, or one of its tasks, that time is logged on until its last day."""

    project_id: int
    task_id: int | None
    billable: bool
    last_day: date | None = None

    def is_open(self, day: date) -> bool:
        """Return whether work goes on at a day."""
        return self.last_day is None or day <= self.last_day


# user, project, task, start, end, notes, tags, billable, break_seconds
Work = tuple[int, int, int | None, datetime, datetime | None, str, str, bool, int]


def generator(*about: object) -> Random:
    """Return the source of all choices about something: the same ones every time."""
    return Random("/".join(map(str, (SEED, *about))))  # noqa: S311 - nothing here is a secret


def first_day(entries: int, users: int, until: date) -> tuple[date, int]:
    """Return the day on which so many entries begin that end before `until`.

    With it comes how many entries of that day are too many.
    """
    day, missing = until, entries
    while missing > 0:
        day -= timedelta(days=1)
        missing -= sum(_plan(day, users))
    return day, -missing


def work(
    entries: int, users: Sequence[User], jobs: Sequence[Sequence[Job]], until: date
) -> Iterator[Work]:
    """Yield so many entries in the order of their days; the last one is a running timer.

    `jobs` has those of each project; one of the first project never ends.
    """
    finished = entries - 1
    first, surplus = first_day(finished, len(users), until)
    days = (first + timedelta(days=number) for number in range((until - first).days))
    streams = (_day(day, users, jobs) for day in days)
    yield from islice(chain.from_iterable(streams), surplus, None)
    yield _timer(users, jobs, until)


def insert(rows: Iterator[Work]) -> None:
    """Write entries as if their timers had been started and stopped."""
    defaults = _defaults()
    load(
        TimeEntry._meta.db_table,
        (*COLUMNS, *defaults),
        ((*row, *defaults.values()) for row in _stamped(rows)),
    )


def _defaults() -> dict[str, Any]:
    """Return what a field that was added since gives by itself, by column."""
    return {
        str(field.column): field.get_db_prep_save(field.get_default(), connection)
        for field in TimeEntry._meta.concrete_fields
        if field.column not in COLUMNS
        and not (field.primary_key or field.generated or field.null or field.has_db_default())
    }


def _plan(day: date, users: int) -> list[int]:
    """Return how many entries each user has on a day."""
    if day.weekday() >= SATURDAY:
        return [0] * users
    random = generator("plan", day)
    return [
        0 if random.random() < DAYS_AWAY else random.choice(ENTRIES_A_DAY) for _ in range(users)
    ]


def _day(day: date, users: Sequence[User], jobs: Sequence[Sequence[Job]]) -> Iterator[Work]:
    random = generator("work", day)
    open_jobs = [[job for job in project if job.is_open(day)] for project in jobs]
    for number, entries in enumerate(_plan(day, len(users))):
        own = (open_jobs[place] for place in _projects_of(number, len(jobs)))
        choices = [project for project in own if project] or open_jobs[:1]
        yield from _user_day(random, users[number], day, entries, choices)


def _projects_of(user: int, projects: int) -> list[int]:
    """Return the places of the projects that a user works on; teams overlap."""
    return [(user * 3 + step) % projects for step in range(PROJECTS_PER_USER)]


def _user_day(
    random: Random, user: User, day: date, entries: int, choices: Sequence[Sequence[Job]]
) -> Iterator[Work]:
    opens = datetime.combine(day, OFFICE_OPENS, user.zone).astimezone(UTC)
    start = opens + timedelta(minutes=random.randrange(60))
    shortest, longest = (minutes // entries for minutes in WORK_MINUTES) if entries else (0, 0)
    for number in range(entries):
        end = start + timedelta(minutes=random.randint(shortest, longest))
        job = random.choice(random.choice(choices))
        billable = job.billable and random.random() < BILLABLE
        done, taken = random.choice(WORK), _break(random, end - start)
        yield user.pk, job.project_id, job.task_id, start, end, *done, billable, taken
        before_lunch = number == entries // 2 - 1
        start = end + (LUNCH if before_lunch else timedelta(minutes=random.randrange(10)))


def _break(random: Random, lasting: timedelta) -> int:
    """Return the seconds of an entry's break."""
    if lasting < timedelta(hours=1) or random.random() >= BREAKS:
        return 0
    return random.choice(BREAK_MINUTES) * 60


def _timer(users: Sequence[User], jobs: Sequence[Sequence[Job]], until: date) -> Work:
    start = datetime.combine(until, time.min, UTC) - TIMER_BEFORE_MIDNIGHT
    user = next((user for user in users if user.time_zone == TIMER_ZONE), users[0])
    job = next(job for job in jobs[0] if job.is_open(until))
    return user.pk, job.project_id, job.task_id, start, None, "", "", job.billable, 0


def _stamped(rows: Iterator[Work]) -> Iterator[Sequence[object]]:
    """Yield rows of COLUMNS, with times as the database takes them."""
    stored = connection.ops.adapt_datetimefield_value
    for user, project, task, start, end, *rest in rows:
        begun, ended = stored(start), stored(end)
        yield user, project, task, begun, ended, *rest, begun, ended or begun
