"""Totals of time entries, summed by the database in integer seconds."""

from collections.abc import Iterable
from typing import Any, TypedDict

from django.db import connection
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from tallies.models import Tally
from timeentries.models import TimeEntry
from timeentries.totals import told_by_project

# The parts are summed up by project already; names and order come last, for few rows.
TOTALS = """
    SELECT part.project_id, project.name AS project_name,
        CAST(SUM(part.seconds) AS bigint) AS seconds,
        CAST(SUM(part.billable_seconds) AS bigint) AS billable_seconds,
        CAST(SUM(part.entries) AS bigint) AS entries
    FROM ({parts}) AS part JOIN projects_project AS project ON project.id = part.project_id
    GROUP BY part.project_id, project.name
    HAVING SUM(part.entries) > 0
    ORDER BY seconds DESC, part.project_id
"""


class ProjectTotal(TypedDict):
    """The time of one project."""

    project_id: int
    project_name: str
    seconds: int
    billable_seconds: int
    entries: int


def totals_by_project(entries: QuerySet[TimeEntry]) -> Iterable[ProjectTotal]:
    """Return each project's totals of finished entries: most time first, then by id.

    Whole months come from the tallies, unless it is about one user; all in one statement.
    """
    if entries.query.is_empty():
        return []
    entries = entries.finished().order_by()  # type: ignore[attr-defined]
    parts = [_of_entries(entries)]
    told = told_by_project(entries)
    if told is not None:
        parts = [_of_tallies(told.tallies), *map(_of_entries, told.left)]
    sql, params = parts[0].union(*parts[1:], all=True).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(TOTALS.format(parts=sql), params)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]  # type: ignore[misc]


def _of_entries(entries: QuerySet[Any]) -> QuerySet[Any, Any]:
    sums: QuerySet[Any, Any] = entries.values("project_id").annotate(
        seconds=Sum("duration_seconds"),
        billable_seconds=Coalesce(Sum("duration_seconds", filter=Q(billable=True)), 0),
        entries=Count("*"),
    )
    return sums


def _of_tallies(tallies: QuerySet[Tally]) -> QuerySet[Any, Any]:
    sums = [Sum(column) for column in ("seconds", "billable_seconds", "finished")]
    return tallies.values(project_id=F("key")).annotate(
        seconds=sums[0], billable_seconds=sums[1], entries=sums[2]
    )
