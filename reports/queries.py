"""Totals of time entries, summed by the database in integer seconds."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from reports.local_dates import local_date
from timeentries.models import TimeEntry, TimeEntryQuerySet
from timeentries.totals import totals_by_project_from_tallies
from values.instants import day_bounds

DAYS_A_WEEK = 7

# Names and order come last, for few rows.
TOTALS = """
    SELECT total.project_id, project.name AS project_name,
        total.seconds, total.billable_seconds, total.entries
    FROM (
        SELECT project_id,
            CAST(SUM(seconds) AS bigint) AS seconds,
            CAST(SUM(billable_seconds) AS bigint) AS billable_seconds,
            CAST(SUM(entries) AS bigint) AS entries
        FROM ({parts}) AS part GROUP BY project_id HAVING SUM(entries) > 0
    ) AS total JOIN projects_project AS project ON project.id = total.project_id
    ORDER BY total.seconds DESC, total.project_id
"""


class ProjectTotal(TypedDict):
    """The time of one project."""

    project_id: int
    project_name: str
    seconds: int
    billable_seconds: int
    entries: int


def totals_of(entries: TimeEntryQuerySet) -> dict[str, int]:
    """Return the seconds, the billable ones among them, and the number of finished entries."""
    totals: dict[str, int] = entries.order_by().aggregate(
        seconds=Coalesce(Sum("duration_seconds"), 0),
        entries=Count("*"),
        billable_seconds=Coalesce(Sum("duration_seconds", filter=Q(billable=True)), 0),
    )
    return totals


def totals_by_project(entries: TimeEntryQuerySet) -> Iterable[ProjectTotal]:
    """Return each project's totals of finished entries: most time first, then by id.

    Whole days come from the tallies, unless it is about one user; all in one statement.
    """
    if entries.query.is_empty():
        return []
    entries = entries.finished().order_by()
    parts, params = totals_by_project_from_tallies(entries) or _counted_by_project(entries)
    with connection.cursor() as cursor:
        cursor.execute(TOTALS.format(parts=parts), params)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]  # type: ignore[misc]


def _counted_by_project(entries: TimeEntryQuerySet) -> tuple[str, tuple[Any, ...]]:
    sums = entries.values("project_id").annotate(
        seconds=Sum("duration_seconds"),
        billable_seconds=Coalesce(Sum("duration_seconds", filter=Q(billable=True)), 0),
        entries=Count("*"),
    )
    sql, params = sums.query.sql_with_params()
    return sql, params


@dataclass
class UserWeek:
    """The seconds of a user on each day of a week, from Monday on."""

    user_id: int
    user_name: str
    seconds: list[int] = field(default_factory=lambda: [0] * DAYS_A_WEEK)

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
    for user_id, name, day, seconds in _by_user_and_day(entries, week, zone):
        user = users.setdefault(user_id, UserWeek(user_id, name))
        user.seconds[week.index(day)] += seconds
    return sorted(users.values(), key=lambda user: (user.user_name, user.user_id))


def _by_user_and_day(
    entries: TimeEntryQuerySet, week: list[date], zone: ZoneInfo
) -> QuerySet[TimeEntry, tuple[int, str, date, int]]:
    first, end = day_bounds(week[0], zone)[0], day_bounds(week[-1], zone)[1]
    day = local_date("start_time", "day", first, end, zone)
    sums: QuerySet[TimeEntry, tuple[int, str, date, int]] = (
        entries.finished()
        .filter(start_time__gte=first, start_time__lt=end)
        .order_by()
        .values("user_id", "user__username", day=day)
        .annotate(total=Sum("duration_seconds"))
        .values_list("user_id", "user__username", "day", "total")
    )
    return sums
