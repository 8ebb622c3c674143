"""How many time entries a list has, without counting them one by one where the tallies know."""

from datetime import UTC, datetime
from typing import Any

from django.db import models
from django.db.models import F, Func, QuerySet, Subquery, Sum
from django.db.models.expressions import Col
from django.db.models.functions import Coalesce
from django.db.models.lookups import Lookup
from django.db.models.sql.where import AND, WhereNode

from tallies.models import Tally

USER, PROJECT = "user exact", "project exact"
FROM, BEFORE = "start_time gte", "start_time lt"
FINISHED = "end_time not isnull"


class _Unknown(Exception):
    """The tallies cannot tell of such entries."""


def told_total(entries: QuerySet[Any, Any]) -> int | None:
    """Return the number of entries as the tallies tell it, or None where they cannot.

    They know all entries, a user's or a project's, by months in UTC. What a range has of other
    months is counted, in the same statement and so in the same snapshot.
    """
    try:
        asked = _asked(entries.query)
    except _Unknown:
        return None
    first = _first_whole_month(asked[FROM]) if FROM in asked else None
    last = _month(asked[BEFORE]) if BEFORE in asked else None
    if first is not None and last is not None and first >= last:
        return None
    told = _tallies(asked)
    total: Any = Sum("finished") if FINISHED in asked else Sum(F("finished") + F("running"))
    total = Coalesce(total, 0)
    if first is not None:
        told = told.filter(month__gte=first)
        total += _count(entries.filter(start_time__lt=_beginning(first)))
    if last is not None:
        told = told.filter(month__lt=last)
        total += _count(entries.filter(start_time__gte=_beginning(last)))
    return int(told.aggregate(total=total)["total"])


def _tallies(asked: dict[str, Any]) -> QuerySet[Tally]:
    if USER in asked:
        return Tally.objects.filter(kind=Tally.Kind.ENTRIES_OF_USER, key=asked[USER])
    if PROJECT in asked:
        return Tally.objects.filter(kind=Tally.Kind.ENTRIES_OF_PROJECT, key=asked[PROJECT])
    return Tally.objects.filter(kind=Tally.Kind.ENTRIES, key=0)


def _asked(query: Any) -> dict[str, Any]:
    """Return the values of a query's conditions by their names; `_Unknown` if one is another."""
    if query.is_sliced or query.combinator or query.distinct or query.group_by is not None:
        raise _Unknown
    if query.where.negated or query.where.connector != AND:
        raise _Unknown
    asked: dict[str, Any] = {}
    for child in query.where.children:
        name, value = _condition(child, query.model._meta.db_table)
        if asked.setdefault(name, value) != value:
            raise _Unknown
    if {USER, PROJECT} <= set(asked) or not set(asked) <= {USER, PROJECT, FROM, BEFORE, FINISHED}:
        raise _Unknown
    return asked


def _condition(child: Any, table: str) -> tuple[str, Any]:
    negation = ""
    if isinstance(child, WhereNode) and child.negated and len(child.children) == 1:
        [child], negation = child.children, "not "
    if not isinstance(child, Lookup) or not isinstance(child.lhs, Col) or child.lhs.alias != table:
        raise _Unknown
    if hasattr(child.rhs, "resolve_expression"):
        raise _Unknown
    return f"{child.lhs.target.name} {negation}{child.lookup_name}", child.rhs


def _count(entries: QuerySet[Any, Any]) -> Subquery:
    count = Func(template="COUNT(*)", output_field=models.BigIntegerField())
    return Subquery(entries.order_by().values(count=count))


def _month(instant: datetime) -> int:
    instant = instant.astimezone(UTC)
    return instant.year * 12 + instant.month - 1


def _first_whole_month(instant: datetime) -> int:
    month = _month(instant)
    return month if _beginning(month) == instant else month + 1


def _beginning(month: int) -> datetime:
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
