"""Totals of time entries, read from tallies instead of counting."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from django.db import connections
from django.db.models import Model, QuerySet
from django.db.models.expressions import Col
from django.db.models.lookups import Lookup
from django.db.models.sql import Query
from django.db.models.sql.where import AND, WhereNode

from projects.models import Project
from tallies.statements import FRESH
from timeentries.apps import OF_ALL, OF_PROJECT, OF_USER, TABLE

USER, PROJECT, CLIENT = "user exact", "project exact", "client exact"
FROM, BEFORE, FINISHED = "start_time gte", "start_time lt", "finished"

# All that a datetime can be; 0 is the day of whole months' tallies.
FIRST_DAY = date.min.toordinal()
END_OF_DAYS = date.max.toordinal() + 1
END_OF_MONTHS = 12 * 10_000


@dataclass(frozen=True)
class TallyScope:
    """Which entries to count: kind and key of their tallies, and the same condition on entries."""

    kind: str
    of_key: str
    of_entry: str


_OF_CLIENT = "IN (SELECT id FROM projects_project WHERE client_id = %s)"
ALL_ENTRIES = TallyScope(OF_ALL, "key = 0", "true")
SCOPES = {
    USER: TallyScope(OF_USER, "key = %s", "user_id = %s"),
    PROJECT: TallyScope(OF_PROJECT, "key = %s", "project_id = %s"),
    CLIENT: TallyScope(OF_PROJECT, f"key {_OF_CLIENT}", f"project_id {_OF_CLIENT}"),
}
EACH_PROJECT = TallyScope(OF_PROJECT, "true", "true")

# Each of these conditions is a range of an index.
MONTHS = "NOT fresh AND day = 0 AND month >= %s AND month < %s"
DAYS = "NOT fresh AND day >= %s AND day < %s"
UNFOLDED = f"{FRESH} AND day >= %s AND day < %s"

# Parts of the totals by project, as totals_by_project_from_tallies describes them.
OF_TALLIES = ", ".join(
    [
        "key AS project_id, currency",
        *(
            f"{{sign}}{count}"
            for count in ("seconds", "billable_seconds", "rounded_seconds", "finished", "priced")
        ),
        "{sign}amount, {sign}billed",
    ]
)
OF_ENTRIES = """
    project_id, COALESCE(currency, ''), duration_seconds,
    CASE WHEN billable THEN duration_seconds ELSE 0 END, COALESCE(rounded_seconds, 0), 1,
    CASE WHEN amount IS NULL THEN 0 ELSE 1 END, COALESCE(amount, 0),
    CASE WHEN bill_id IS NULL THEN 0 ELSE COALESCE(amount, 0) END
"""


Asked = dict[str, Any]  # the values of a query's conditions, by name
Params = list[int | str | None]  # of a statement


class _NotTallied(Exception):
    """The tallies do not cover this query."""


def total_from_tallies(entries: QuerySet[Model, object]) -> int | None:
    """Return the number of entries from the tallies, or None if they do not cover the query.

    They cover all entries, a user's, a project's or a client's. Whole UTC days come from the
    tallies and partial days at the ends of a range from the entries, in one statement and so one
    snapshot. It is raw SQL because every page runs it, and building it with Django would take a
    millisecond.
    """
    try:
        asked = _filters_of(entries.query)
        scope = next((SCOPES[name] for name in SCOPES if name in asked), ALL_ENTRIES)
        number = "finished" if FINISHED in asked else "(finished + running)"
        sql, params = _union_of_parts(
            asked, scope, f"{{sign}}{number} AS number", "COUNT(*)", using=entries.db
        )
    except _NotTallied:
        return None
    with connections[entries.db].cursor() as cursor:
        cursor.execute(f"SELECT COALESCE(SUM(number), 0) FROM ({sql}) AS part", params)
        return int(cursor.fetchone()[0])


def totals_by_project_from_tallies(
    entries: QuerySet[Model, object],
) -> tuple[str, Params] | None:
    """Return a query whose rows add up to the totals of finished entries, or None.

    Its columns are project_id, currency (empty without one), seconds, billable_seconds,
    rounded_seconds, entries, priced (entries with an amount), amount and billed, the last two in
    the unit of AmountField. A project has many rows.
    """
    try:
        asked = _filters_of(entries.query)
        if USER in asked or FINISHED not in asked:
            return None
        scope = next((SCOPES[name] for name in SCOPES if name in asked), EACH_PROJECT)
        return _union_of_parts(asked, scope, OF_TALLIES, OF_ENTRIES, using=entries.db)
    except _NotTallied:
        return None


def _union_of_parts(
    asked: Asked, scope: TallyScope, of_tallies: str, of_entries: str, *, using: str
) -> tuple[str, Params]:
    """Return the SQL of all summands; raise `_NotTallied` if the range contains no whole day.

    `of_tallies` and `of_entries` are the columns to select from each.
    """
    first, last = _whole_days(asked)
    ids = [asked[name] for name in SCOPES if name in asked]
    stored = connections[using].ops.adapt_datetimefield_value
    state = "end_time IS NOT NULL" if FINISHED in asked else "true"
    selects: list[str] = []
    params: Params = []
    for sign, rows, begin, end in _tallies(first, last):
        selects.append(
            f"SELECT {of_tallies.format(sign=sign)} FROM tallies_tally"
            f" WHERE kind = '{scope.kind}' AND {scope.of_key} AND {rows}"
        )
        params += [*ids, begin, end]
    for start, before in _partial_days(asked, first, last):
        selects.append(
            f"SELECT {of_entries} FROM {TABLE}"
            f" WHERE {scope.of_entry} AND start_time >= %s AND start_time < %s AND {state}"
        )
        params += [*ids, stored(start), stored(before)]
    return " UNION ALL ".join(selects), params


def _filters_of(query: Query) -> Asked:
    """Return the values of a query's conditions by name, or raise `_NotTallied`."""
    if query.is_sliced or query.combinator or query.distinct or query.group_by is not None:
        raise _NotTallied
    if query.where.negated or query.where.connector != AND:
        raise _NotTallied
    asked: Asked = {}
    for child in query.where.children:
        name, value = _condition(child, query.model)
        if asked.setdefault(name, value) != value:
            raise _NotTallied
    if len(set(SCOPES) & set(asked)) > 1 or not set(asked) <= {*SCOPES, FROM, BEFORE, FINISHED}:
        raise _NotTallied
    return asked


def _condition(child: object, model: object) -> tuple[str, object]:
    negated = False
    if isinstance(child, WhereNode) and child.negated and len(child.children) == 1:
        negated, [child] = True, child.children
    if not isinstance(child, Lookup) or not isinstance(child.lhs, Col):
        raise _NotTallied
    column, value = child.lhs, child.rhs
    name = f"{column.target.name} {child.lookup_name}"
    if column.target.model is not (Project if name == CLIENT else model):
        raise _NotTallied
    if column.alias != column.target.model._meta.db_table or hasattr(value, "resolve_expression"):
        raise _NotTallied
    if name == "end_time isnull":
        return (FINISHED if negated == value else "running"), True
    if negated:
        raise _NotTallied
    return name, value


def _whole_days(asked: Asked) -> tuple[int, int]:
    """Return the first whole day of a range and the first after it; `_NotTallied` without one."""
    first, last = FIRST_DAY, END_OF_DAYS
    if FROM in asked:
        start = asked[FROM].astimezone(UTC)
        first = start.toordinal() + (start.time() > time.min)
    if BEFORE in asked:
        last = asked[BEFORE].astimezone(UTC).toordinal()
    if first >= last:
        raise _NotTallied
    return first, last


def _partial_days(asked: Asked, first: int, last: int) -> Iterator[tuple[datetime, datetime]]:
    """Yield the partial days at the ends of a range."""
    if FROM in asked and asked[FROM] < _beginning(first):
        yield asked[FROM], _beginning(first)
    if BEFORE in asked and _beginning(last) < asked[BEFORE]:
        yield _beginning(last), asked[BEFORE]


def _tallies(first: int, last: int) -> Iterator[tuple[str, str, int, int]]:
    """Yield the tallies of whole days as sign, condition and its two bounds.

    Whole months between the month boundaries nearest to the ends, plus the days up to the ends, or
    minus them where a month extends beyond the range: about seven days at each end. Short ranges
    use days only.
    """
    yield "", UNFOLDED, first, last
    begin, end = _nearest_month(first), _nearest_month(last)
    outer = (first, _first_day(begin)), (_first_day(end), last)
    if last - first <= end - begin + sum(abs(day - other) for day, other in outer):
        yield "", DAYS, first, last
        return
    yield "", MONTHS, begin, end
    for day, other in outer:
        if day != other:
            yield "" if day < other else "-", DAYS, min(day, other), max(day, other)


def _nearest_month(day: int) -> int:
    if day == END_OF_DAYS:
        return END_OF_MONTHS
    found = date.fromordinal(day)
    return found.year * 12 + found.month - 1 + (found.day > 16)


def _first_day(month: int) -> int:
    if month == END_OF_MONTHS:
        return END_OF_DAYS
    return date(month // 12, month % 12 + 1, 1).toordinal()


def _beginning(day: int) -> datetime:
    return datetime.fromordinal(day).replace(tzinfo=UTC)
