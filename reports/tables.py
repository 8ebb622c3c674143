"""Tables of the report files."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from reports.exports import Column, Table
from reports.groups import DATES, Group
from reports.queries import UserWeek
from timeentries.models import TimeEntry

ROWS_A_FETCH = 2000
ENTRY_COLUMNS = (
    *("start_time", "end_time", "user__username", "project__client__name", "project__name"),
    *("task__name", "notes", "tags", "billable", "pk", "duration_seconds"),
)


def entries_table(entries: QuerySet[TimeEntry], zone: ZoneInfo) -> Table:
    """Return the entries, newest first; they are fetched while they are written.

    On PostgreSQL by a cursor that outlives its transaction (Django's WITH HOLD): one snapshot,
    and neither a statement nor an open transaction that lasts as long as a slow reader.
    """
    columns = [
        *(Column(f"{title} ({zone.key})", "moment") for title in ("Start", "End")),
        *map(Column, ("User", "Client", "Project", "Task", "Notes", "Tags")),
        *(Column("Billable", "flag"), Column("Id", "id")),
        *(Column("Seconds", "seconds"), Column("Hours", "hours")),
    ]
    rows = entries.order_by("-start_time", "-pk").values_list(*ENTRY_COLUMNS)
    return Table("time-entries", columns, _entry_rows(rows), zone)


def _entry_rows(rows: QuerySet[Any, Any]) -> Iterator[Sequence[Any]]:
    for row in rows.iterator(chunk_size=ROWS_A_FETCH):
        yield (*row, row[-1])  # once more, as hours


def summary_table(whole: Group, levels: Sequence[str], zone: ZoneInfo) -> Table:
    """Return a row for each leaf."""
    columns = [
        *(_column(level, zone) for level in levels),
        *(Column("Entries", "count"), Column("Seconds", "seconds"), Column("Hours", "hours")),
        *(Column("Billable seconds", "seconds"), Column("Billable hours", "hours")),
    ]
    rows = ((*map(_cell, levels, path), *_numbers(path[-1])) for path in whole.leaves())
    return Table("summary", columns, rows, zone)


def _column(level: str, zone: ZoneInfo) -> Column:
    title = level.capitalize()
    if level not in DATES:
        return Column(title)
    return Column(f"{title} ({zone.key})", "date" if level == "day" else "text")


def _cell(level: str, group: Group) -> date | str:
    return date.fromisoformat(str(group.key)) if level == "day" else group.name


def _numbers(leaf: Group) -> tuple[int, ...]:
    billable = leaf.billable_seconds
    return leaf.entries, leaf.seconds, leaf.seconds, billable, billable


def weekly_table(users: Sequence[UserWeek], days: Sequence[date], zone: ZoneInfo) -> Table:
    """Return a row for each user, with a column for each day."""
    columns = [
        Column("User"),
        *(Column(f"{day} ({zone.key})", "seconds") for day in days),
        *(Column("Seconds", "seconds"), Column("Hours", "hours")),
    ]
    rows = (
        (user.user_name, *user.seconds, user.total_seconds, user.total_seconds) for user in users
    )
    return Table("weekly", columns, rows, zone)
