"""Predict which of many new rows the database will refuse, without trying each one.

Rules stay in the model's constraints, which are evaluated here in Python. The database still
catches everything else, such as concurrent writes.
"""

import operator
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import BaseExpression
from django.db.models.lookups import Lookup

from database.columns import column_named_by, column_of
from resources.integrity import TriggerConstraint, refusal_by
from resources.models import Resource
from resources.refusals import Refusal, Taken

C = TypeVar("C", bound=models.BaseConstraint)
Key = tuple[object, ...]

COMPARISONS: dict[str, Callable[..., bool]] = {
    "exact": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "in": lambda value, choices: value in choices,
    "lt": operator.lt,
    "lte": operator.le,
}


def foreseen(rows: Sequence[Resource]) -> list[Refusal | None]:
    """Return the refusal of each new row of one model, or None; with a query for each key."""
    for row in rows:
        _fill_in(row)
    uniques = [
        _Unique(constraint, names, rows)
        for constraint in _constraints(rows, models.UniqueConstraint)
        if (names := _names(constraint))
    ]
    checks = _constraints(rows, models.CheckConstraint)
    by_triggers = [rule.foreseen(rows) for rule in _constraints(rows, TriggerConstraint)]
    refusals: list[Refusal | None] = []
    for place, row in enumerate(rows):
        broken = next((rule for rule in checks if _holds(rule.condition, row) is False), None)
        refusal: Refusal | None = refusal_by(broken, type(row)) if broken else None
        refusal = refusal or next((key.refusal(row) for key in uniques if key.has(row)), None)
        refusal = refusal or next(filter(None, (each[place] for each in by_triggers)), None)
        refusal = refusal or row.refusal()
        if refusal is None:
            for key in uniques:
                key.take(row)
        refusals.append(refusal)
    return refusals


def row_in_the_way(constraint: models.UniqueConstraint, row: Resource) -> int | None:
    """Return the id of the row that keeps another from being written, if it is still there."""
    _fill_in(row)
    return _Unique(constraint, _names(constraint), [row]).holder(row)


def _fill_in(row: Resource) -> None:
    with suppress(ValidationError):  # called only for its side effect of filling in fields
        row.clean()


class _Unique:
    """The keys of one constraint that are taken, by stored rows and by those before."""

    def __init__(
        self, constraint: models.UniqueConstraint, names: Sequence[str], rows: Sequence[Resource]
    ) -> None:
        self.constraint = constraint
        self._fields = [column_of(type(rows[0]), name) for name in names]
        self._taken = self._stored({*filter(None, map(self._key, rows))}, type(rows[0]))

    def has(self, row: Resource) -> bool:
        """Return whether another row has the same key."""
        return self._key(row) in self._taken

    def refusal(self, row: Resource) -> Refusal:
        """Return the refusal of a row whose key is taken."""
        refusal = refusal_by(self.constraint, type(row))
        if isinstance(refusal, Taken):
            refusal.pk = self.holder(row)
        return refusal

    def holder(self, row: Resource) -> int | None:
        """Return the id of the stored row that has the key of another."""
        return self._taken.get(self._key(row))

    def take(self, row: Resource) -> None:
        """Count the key of a row, which has no id yet, among those that are taken."""
        if key := self._key(row):
            self._taken[key] = None

    def _key(self, row: Resource) -> Key | None:
        """Return the key of a row, or None if the constraint does not look at it."""
        condition = self.constraint.condition
        if condition is not None and _holds(condition, row) is not True:
            return None
        key = tuple(getattr(row, field.attname) for field in self._fields)
        return None if None in key else key

    def _stored(self, keys: set[Key], model: type[models.Model]) -> dict[Key | None, int | None]:
        """Return those keys that are stored, and the ids of their rows."""
        if not keys:
            return {}
        names = [field.attname for field in self._fields]
        wanted = {f"{name}__in": {key[place] for key in keys} for place, name in enumerate(names)}
        rows = model._default_manager.filter(self.constraint.condition or Q(), **wanted)
        stored = rows.order_by().values_list("pk", *names)
        return {key: pk for pk, *values in stored if (key := tuple(values)) in keys}


def _constraints(rows: Sequence[Resource], kind: type[C]) -> list[C]:
    constraints = rows[0]._meta.constraints if rows else ()
    return [constraint for constraint in constraints if isinstance(constraint, kind)]


def _names(constraint: models.UniqueConstraint) -> Sequence[str]:
    """Return the fields of a constraint; none if it is over more than these."""
    names = [column_named_by(each) for each in constraint.expressions if isinstance(each, F)]
    return constraint.fields or names if len(names) == len(constraint.expressions) else ()


def _holds(node: object, row: Resource) -> bool | None:
    """Return whether a condition holds for a row, as SQL has it: None where that is unknown."""
    if isinstance(node, Q):
        answer = _joined([_holds(child, row) for child in node.children], node.connector)
        return answer if answer is None else answer != node.negated
    if isinstance(node, tuple):
        name, _, lookup = node[0].partition("__")
        return _compared(_column(name, row), lookup or "exact", _value(node[1], row))
    if isinstance(node, Lookup):
        return _compared(_value(node.lhs, row), node.lookup_name, _value(node.rhs, row))
    return None


def _joined(answers: Sequence[bool | None], connector: str) -> bool | None:
    if connector == Q.XOR:
        return None
    decisive = connector == Q.OR
    if decisive in answers:
        return decisive
    return None if None in answers else not decisive


def _compared(value: object, lookup: str | None, other: object) -> bool | None:
    if lookup == "isnull":
        return (value is None) is bool(other)
    if value is None or other is None or lookup not in COMPARISONS:
        return None
    return COMPARISONS[lookup](value, other)


def _value(node: object, row: Resource) -> object:
    """Return the value of a column, a computed expression or a constant."""
    if isinstance(node, F):
        return _column(column_named_by(node), row)
    if isinstance(node, BaseExpression):
        of = getattr(node, "of", None)
        values = [_value(source, row) for source in node.get_source_expressions()]
        return of(*values) if of and None not in values else None
    return node


def _column(name: str, row: Resource) -> object:
    return getattr(row, column_of(type(row), name).attname)
