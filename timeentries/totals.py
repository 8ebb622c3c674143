"""What the tallies know of time entries, so that not each has to be counted."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connections
from django.db.models import QuerySet
from django.db.models.expressions import Col
from django.db.models.lookups import Lookup
from django.db.models.sql.where import AND, WhereNode

from projects.models import Project
from tallies.models import Tally

USER, PROJECT, CLIENT = "user exact", "project exact", "client exact"
FROM, BEFORE, FINISHED = "start_time gte", "start_time lt", "finished"

END_OF_MONTHS = 12 * 10_000  # a datetime's years end before it
_OF_CLIENT = "IN (SELECT id FROM projects_project WHERE client_id = %s)"
# Whose entries they are: the kind of tally and its key, and the same of the entries themselves.
WHOSE = {
    USER: (Tally.Kind.ENTRIES_OF_USER, "key = %s", "user_id = %s"),
    PROJECT: (Tally.Kind.ENTRIES_OF_PROJECT, "key = %s", "project_id = %s"),
    CLIENT: (Tally.Kind.ENTRIES_OF_PROJECT, f"key {_OF_CLIENT}", f"project_id {_OF_CLIENT}"),
}


class _Unknown(Exception):
    """The tallies cannot tell of such entries."""


def told_total(entries: QuerySet[Any, Any]) -> int | None:
    """Return the number of entries as the tallies tell it, or None where they cannot.

    They tell of all entries, a user's, a project's or a client's. Whole months in UTC are told,
    the ends of a range counted: in one statement, so in one snapshot. Every page asks for it, and
    Django's own way to such a statement takes a millisecond.
    """
    try:
        asked = _asked(entries.query)
        first, last = _whole_months(asked)
    except _Unknown:
        return None
    whose = next((name for name in WHOSE if name in asked), None)
    kind, of_key, of_entry = WHOSE[whose] if whose else (Tally.Kind.ENTRIES, "key = 0", "true")
    ids = [asked[whose]] if whose else []
    finished = FINISHED in asked
    counted, state = (
        ("finished", "end_time IS NOT NULL") if finished else ("finished + running", "true")
    )
    told = (
        f"SELECT COALESCE(SUM({counted}), 0) FROM tallies_tally"
        f" WHERE kind = %s AND {of_key} AND month >= %s AND month < %s"
    )
    parts = [told]
    params = [kind.value, *ids, first, last]
    connection = connections[entries.db]
    for start, end in _ends(asked, first, last):
        parts.append(
            "SELECT COUNT(*) FROM timeentries_timeentry"
            f" WHERE {of_entry} AND start_time >= %s AND start_time < %s AND {state}"
        )
        params += [*ids, *map(connection.ops.adapt_datetimefield_value, (start, end))]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ({') + ('.join(parts)})", params)
        return int(cursor.fetchone()[0])


@dataclass(frozen=True)
class Told:
    """The projects' tallies of a queryset's whole months, and what it has of other months.

    Ask of both in one statement: only so it is one snapshot.
    """

    tallies: QuerySet[Tally]
    left: list[QuerySet[Any, Any]]


def told_by_project(entries: QuerySet[Any, Any]) -> Told | None:
    """Return what the tallies tell of entries by project, or None where they cannot."""
    try:
        asked = _asked(entries.query)
        first, last = _whole_months(asked)
    except _Unknown:
        return None
    if USER in asked or CLIENT in asked:
        return None
    tallies = Tally.objects.filter(
        kind=Tally.Kind.ENTRIES_OF_PROJECT, month__gte=first, month__lt=last
    )
    if PROJECT in asked:
        tallies = tallies.filter(key=asked[PROJECT])
    ends = _ends(asked, first, last)
    left = [entries.filter(start_time__gte=start, start_time__lt=end) for start, end in ends]
    return Told(tallies, left)


def _asked(query: Any) -> dict[str, Any]:
    """Return the values of a query's conditions by their names; `_Unknown` if one is another."""
    if query.is_sliced or query.combinator or query.distinct or query.group_by is not None:
        raise _Unknown
    if query.where.negated or query.where.connector != AND:
        raise _Unknown
    asked: dict[str, Any] = {}
    for child in query.where.children:
        name, value = _condition(child, query.model)
        if asked.setdefault(name, value) != value:
            raise _Unknown
    whose = {USER, PROJECT, CLIENT} & set(asked)
    if len(whose) > 1 or not set(asked) <= {*whose, FROM, BEFORE, FINISHED}:
        raise _Unknown
    return asked


def _condition(child: Any, model: Any) -> tuple[str, Any]:
    negated = isinstance(child, WhereNode) and child.negated and len(child.children) == 1
    if negated:
        [child] = child.children
    if not isinstance(child, Lookup) or not isinstance(child.lhs, Col):
        raise _Unknown
    column, value = child.lhs, child.rhs
    name = f"{column.target.name} {child.lookup_name}"
    if column.target.model is not (Project if name == CLIENT else model):
        raise _Unknown
    if column.alias != column.target.model._meta.db_table or hasattr(value, "resolve_expression"):
        raise _Unknown
    if name == "end_time isnull":
        return (FINISHED if negated == value else "running"), True
    if negated:
        raise _Unknown
    return name, value


def _whole_months(asked: dict[str, Any]) -> tuple[int, int]:
    """Return the first whole month of a range and the first after it; `_Unknown` without one."""
    first, last = 0, END_OF_MONTHS
    if FROM in asked:
        first = _first_whole_month(asked[FROM])
    if BEFORE in asked:
        last = _month(asked[BEFORE])
    if first >= last:
        raise _Unknown
    return first, last


def _ends(asked: dict[str, Any], first: int, last: int) -> list[tuple[datetime, datetime]]:
    """Return the parts of a range before and after its whole months."""
    ends = []
    if FROM in asked:
        ends.append((asked[FROM], _beginning(first)))
    if BEFORE in asked:
        ends.append((_beginning(last), asked[BEFORE]))
    return [(start, end) for start, end in ends if start < end]


def _month(instant: datetime) -> int:
    instant = instant.astimezone(UTC)
    return instant.year * 12 + instant.month - 1


def _first_whole_month(instant: datetime) -> int:
    month = _month(instant)
    return month if _beginning(month) == instant else month + 1


def _beginning(month: int) -> datetime:
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
