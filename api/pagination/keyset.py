"""Keyset pagination: continue after a row without reading the rows before it.

A cursor holds the last row's values of the ordering columns. It is signed for one list, ordering
and set of filters, so its values can be trusted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from django.core.signing import BadSignature, Signer
from django.db import models
from django.db.models import F, Func, Q, QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler
from rest_framework.exceptions import ValidationError

from database.columns import column_of, ordered_by

NOT_OURS = "Must be a next_cursor of the same list with the same filters."


@dataclass(frozen=True)
class OrderColumn:
    """A column that a list is ordered by; nulls come last."""

    field: models.Field[object, object]
    descending: bool

    def __str__(self) -> str:
        return f"-{self.name}" if self.descending else self.name

    @property
    def name(self) -> str:
        return str(self.field.attname)

    def kept(self, stored: object) -> object:
        """Return a value as stored in a cursor."""
        return stored.isoformat() if isinstance(stored, date) else stored


class Keyset:
    """The order of a queryset, as columns, and the cursors of its rows."""

    def __init__(self, queryset: QuerySet[models.Model], seal: str) -> None:
        """Read the order; `seal` says which list and which filters."""
        self.queryset = queryset
        order = queryset.query.order_by or queryset.model._meta.ordering or ()
        self.columns = [
            OrderColumn(column_of(queryset.model, name), descending)
            for name, descending in map(ordered_by, order)
        ]
        self._signer = Signer(salt=f"{seal} by {' '.join(map(str, self.columns))}")

    def cursor(self, values: Sequence[object]) -> str:
        """Return the cursor of a row with these values in the columns of the order."""
        kept = [column.kept(value) for column, value in zip(self.columns, values, strict=True)]
        return self._signer.sign_object(kept)

    def after(self, cursor: str) -> Iterator[QuerySet[models.Model]]:
        """Yield querysets of the rows after the cursor, in order, each a range of an index.

        ValidationError unless the cursor was issued for this list.
        """
        try:
            kept = self._signer.unsign_object(cursor)
        except (BadSignature, ValueError) as error:
            raise ValidationError({"cursor": [NOT_OURS]}) from error
        values = [c.field.to_python(value) for c, value in zip(self.columns, kept, strict=True)]
        return self._ranges(values)

    def _ranges(self, values: list[object]) -> Iterator[QuerySet[models.Model]]:
        pairs = list(zip(self.columns, values, strict=True))
        for first, last in reversed(_runs(self.columns)):
            same = self.queryset
            for column, value in pairs[:first]:
                same = same.filter(_equals(column, value))
            column, value = pairs[first]
            if value is not None:
                yield same.filter(Beyond(pairs[first:last]))
                if column.field.null:
                    yield same.filter(**{f"{column.name}__isnull": True})


class Beyond(Func):
    """Whether columns come after values, compared as a row: `(start_time, id) < (…, …)`."""

    output_field = models.BooleanField()

    def __init__(self, pairs: Sequence[tuple[OrderColumn, object]]) -> None:
        columns = [F(column.name) for column, _ in pairs]
        values = [Value(value, output_field=column.field) for column, value in pairs]
        super().__init__(*columns, *values)
        self.operator = "<" if pairs[0][0].descending else ">"

    def as_sql(
        self, compiler: SQLCompiler, connection: object, *_: object, **__: object
    ) -> tuple[str, tuple[str | int, ...]]:
        """Return SQL that both databases find a place in an index with."""
        compiled = [compiler.compile(source) for source in self.get_source_expressions()]
        half = len(compiled) // 2
        left, right = (
            ", ".join(sql for sql, _ in part) for part in (compiled[:half], compiled[half:])
        )
        params = tuple(param for _, params in compiled for param in params)
        return f"({left}) {self.operator} ({right})", params


def _runs(columns: list[OrderColumn]) -> list[tuple[int, int]]:
    """Return from where to where columns can be compared as one row."""
    runs: list[tuple[int, int]] = []
    for place, column in enumerate(columns):
        before = columns[place - 1]
        alike = runs and before.descending == column.descending
        if alike and not (before.field.null or column.field.null):
            runs[-1] = (runs[-1][0], place + 1)
        else:
            runs.append((place, place + 1))
    return runs


def _equals(column: OrderColumn, value: object) -> Q:
    return Q(**{f"{column.name}__isnull": True} if value is None else {column.name: value})
