"""Totals of time entries, summed by the database in integer seconds."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connections
from django.db.models import F

from reports.groups import Group
from reports.local_dates import local_date
from reports.totals import IN_CURRENCY, SUMS, PartialSum, Totals, sum_of
from timeentries.models import TimeEntry, TimeEntryQuerySet
from timeentries.totals import totals_by_project_from_tallies
from values.instants import day_bounds

DAYS_A_WEEK = 7

# Names come last, for few rows.
TOTALS = """
    WITH part (
        project_id, currency, seconds, billable_seconds, rounded_seconds, entries, priced, amount,
        billed
    ) AS ({parts})
    SELECT total.project_id, project.name, project.estimated_hours,
        total.currency, total.seconds, total.billable_seconds, total.rounded_seconds,
        total.entries, total.priced, total.amount, total.billed
    FROM (
        SELECT project_id, currency,
            CAST(SUM(seconds) AS bigint) AS seconds,
            CAST(SUM(billable_seconds) AS bigint) AS billable_seconds,
            CAST(SUM(rounded_seconds) AS bigint) AS rounded_seconds,
            CAST(SUM(entries) AS bigint) AS entries,
            CAST(SUM(priced) AS bigint) AS priced,
            CAST(SUM(amount) AS bigint) AS amount,
            CAST(SUM(billed) AS bigint) AS billed
        FROM part GROUP BY project_id, currency HAVING SUM(entries) > 0
    ) AS total JOIN projects_project AS project ON project.id = total.project_id
"""


def timers_at(now: datetime) -> TimeEntryQuerySet:
    """Return the timers that run, longest first; one that was started for later does not yet."""
    timers = TimeEntry.objects.running().filter(start_time__lte=now).with_details()
    return timers.order_by("start_time", "pk")


def totals_of(entries: TimeEntryQuerySet) -> Totals:
    """Return the totals of finished entries, in one statement."""
    parts: Any = entries.order_by().values(**IN_CURRENCY).annotate(**SUMS)
    return sum_of(map(PartialSum.of, parts))


def totals_by_project(entries: TimeEntryQuerySet) -> list[Group]:
    """Return each project's totals of finished entries: most time first, then by id.

    Whole days come from the tallies, unless it is about one user; all in one statement.
    """
    if entries.query.is_empty():
        return []
    entries = entries.finished().order_by()
    parts, params = totals_by_project_from_tallies(entries) or _counted_by_project(entries)
    projects: dict[int, Group] = {}
    with connections[entries.db].cursor() as cursor:
        cursor.execute(TOTALS.format(parts=parts), params)
        for project_id, name, estimate, *sums in cursor.fetchall():
            project = projects.get(project_id)
            if project is None:
                estimated = None if estimate is None else Decimal(str(estimate))
                project = projects[project_id] = Group(project_id, name, estimated)
            project.add(PartialSum._make(sums))
    return sorted(projects.values(), key=lambda project: (-project.seconds, project.key))


def _counted_by_project(entries: TimeEntryQuerySet) -> tuple[str, tuple[Any, ...]]:
    sums = entries.values("project_id", **IN_CURRENCY).annotate(**SUMS)
    sql, params = sums.query.sql_with_params()
    return sql, params


def currencies_of_entries(entries: TimeEntryQuerySet) -> list[str]:
    """Return the currencies of the amounts of entries, in order."""
    priced = entries.filter(amount__isnull=False, currency__isnull=False).order_by("currency")
    return [str(code) for code in priced.values_list("currency", flat=True).distinct()]


@dataclass
class UserWeek:
    """The seconds of a user on each day of a week, from Monday on."""

    user_id: int
    user_name: str
    seconds: list[int] = field(default_factory=lambda: [0] * DAYS_A_WEEK)
    totals: Totals = field(default_factory=Totals, compare=False)

    @property
    def total_seconds(self) -> int:
        """The seconds of the whole week."""
        return sum(self.seconds)


def week_of(day: date) -> list[date]:
    """Return the days of the week in which a date lies, from Monday on."""
    monday = day - timedelta(days=day.weekday())
    return [monday + timedelta(days=number) for number in range(DAYS_A_WEEK)]


def weeks_by_user(entries: TimeEntryQuerySet, week: list[date], zone: ZoneInfo) -> list[UserWeek]:
    """Return the week of each user with finished entries in it, by name; in one statement.

    An entry counts wholly on the local day on which it starts.
    """
    users: dict[int, UserWeek] = {}
    for row in _by_user_and_day(entries, week, zone):
        user = users.setdefault(row["person"], UserWeek(row["person"], row["person_name"]))
        user.seconds[week.index(row["day"])] += row["total"]
        user.totals.add(PartialSum.of(row))
    return sorted(users.values(), key=lambda user: (user.user_name, user.user_id))


def _by_user_and_day(
    entries: TimeEntryQuerySet, week: list[date], zone: ZoneInfo
) -> Iterable[dict[str, Any]]:
    first, end = day_bounds(week[0], zone)[0], day_bounds(week[-1], zone)[1]
    day = local_date("start_time", "day", first, end, zone)
    sums: Any = (
        entries.finished()
        .filter(start_time__gte=first, start_time__lt=end)
        .order_by()
        .values(person=F("user_id"), person_name=F("user__username"), day=day, **IN_CURRENCY)
        .annotate(**SUMS)
    )
    return list(sums)
