"""What the tallies know of time entries, so that not each has to be counted."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import models
from django.db.models import F, Func, QuerySet, Subquery, Sum
from django.db.models.expressions import Col
from django.db.models.functions import Coalesce
from django.db.models.lookups import Lookup
from django.db.models.sql.where import AND, WhereNode

from projects.models import Project
from tallies.models import Tally

USER, PROJECT = "user exact", "project exact"
FROM, BEFORE = "start_time gte", "start_time lt"
CLIENT = "client exact"
FINISHED = "finished"


class _Unknown(Exception):
    """The tallies cannot tell of such entries."""


@dataclass(frozen=True)
class Told:
    """The tallies of a queryset's whole months in UTC, and what it has of other months.

    Ask of both in one statement: only so it is one snapshot.
    """

    tallies: QuerySet[Tally]
    left: list[QuerySet[Any, Any]]
    finished: bool  # only these were asked for


def told_total(entries: QuerySet[Any, Any]) -> int | None:
    """Return the number of entries as the tallies tell it, or None where they cannot."""
    told = told_by_tallies(entries)
    if told is None:
        return None
    total: Any = Sum("finished") if told.finished else Sum(F("finished") + F("running"))
    total = Coalesce(total, 0)
    for left in told.left:
        total += _count(left)
    return int(told.tallies.aggregate(total=total)["total"])


def told_by_tallies(entries: QuerySet[Any, Any], *, by_project: bool = False) -> Told | None:
    """Return what the tallies tell of all entries, a user's, a project's or a client's.

    With or without a range of `start_time`. None for other filters, for a range without a whole
    month, and for a user's entries by project.
    """
    try:
        asked = _asked(entries.query)
        tallies = _tallies_by_project(asked) if by_project else _tallies(asked)
    except _Unknown:
        return None
    first = _first_whole_month(asked[FROM]) if FROM in asked else None
    last = _month(asked[BEFORE]) if BEFORE in asked else None
    if first is not None and last is not None and first >= last:
        return None
    left = []
    if first is not None:
        tallies = tallies.filter(month__gte=first)
        left.append(entries.filter(start_time__lt=_beginning(first)))
    if last is not None:
        tallies = tallies.filter(month__lt=last)
        left.append(entries.filter(start_time__gte=_beginning(last)))
    return Told(tallies, left, FINISHED in asked)


def _tallies(asked: dict[str, Any]) -> QuerySet[Tally]:
    if USER in asked:
        return Tally.objects.filter(kind=Tally.Kind.ENTRIES_OF_USER, key=asked[USER])
    if PROJECT in asked or CLIENT in asked:
        return _tallies_by_project(asked)
    return Tally.objects.filter(kind=Tally.Kind.ENTRIES, key=0)


def _tallies_by_project(asked: dict[str, Any]) -> QuerySet[Tally]:
    if USER in asked:
        raise _Unknown
    tallies = Tally.objects.filter(kind=Tally.Kind.ENTRIES_OF_PROJECT)
    if PROJECT in asked:
        return tallies.filter(key=asked[PROJECT])
    if CLIENT in asked:
        projects = Project.objects.order_by().filter(client_id=asked[CLIENT])
        return tallies.filter(key__in=projects.values("pk"))
    return tallies


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
