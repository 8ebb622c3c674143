"""Rows as an export has them: in batches, as JSON Lines and as CSV."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Self

import orjson
from django.contrib.auth.models import Permission
from django.db import models

from moving.kinds import Kind, Relation, is_of_permissions

AT_ONCE = 5_000
# Encoded is a dataclass, which orjson would write as an object.
JSON_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE | orjson.OPT_PASSTHROUGH_DATACLASS

Row = Sequence[object]


@dataclass(frozen=True)
class Encoded:
    """A value as JSON: its keys are sorted, because PostgreSQL does not keep their order."""

    text: str

    @classmethod
    def of(cls, value: object) -> Self | None:
        """Return a value encoded; null stays null."""
        if value is None:
            return None
        return cls(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode())


def batches(kind: Kind) -> Iterator[list[Row]]:
    """Yield all rows, a few at a time, in the order of their ids; of few kinds it is their names.

    Each batch is a query of its own: no cursor has to be kept open on either database.
    """
    names = [field.attname for field in kind.fields]
    rows = kind.rows.order_by("pk").values_list(*names)
    if not isinstance(kind.model._meta.pk, models.IntegerField):
        # Each database has its own order of texts.
        yield _complete(kind, sorted(rows, key=_key_at(kind)))
        return
    key_of, batch = _key_at(kind), [*rows[:AT_ONCE]]
    while batch:
        yield _complete(kind, batch)
        batch = [*rows.filter(pk__gt=key_of(batch[-1]))[:AT_ONCE]]


def json_lines(kind: Kind, rows: Sequence[Row]) -> bytes:
    """Return rows as lines of JSON objects."""
    names = kind.columns
    return b"".join(
        orjson.dumps(dict(zip(names, row, strict=True)), _as_json, JSON_OPTIONS) for row in rows
    )


def csv_lines(rows: Sequence[Row]) -> bytes:
    """Return rows as lines of CSV (RFC 4180). Texts are quoted, null is nothing at all."""
    return "".join(
        ",".join([CELLS[type(value)](value) for value in row]) + "\r\n" for row in rows
    ).encode()


def quoted(text: str) -> str:
    """Return a text as a cell of CSV."""
    return '"' + text.replace('"', '""') + '"'


# By the exact type of a value; the same texts as in JSON, so that both files say the same.
CELLS: dict[type, Callable[..., str]] = {
    type(None): lambda _: "",
    bool: lambda value: "true" if value else "false",
    int: str,
    str: quoted,
    Encoded: lambda value: quoted(value.text),
    Decimal: lambda value: format(value, "f"),
    date: date.isoformat,
    datetime: lambda value: value.isoformat().replace("+00:00", "Z"),
}


def _complete(kind: Kind, batch: Sequence[Row]) -> list[Row]:
    """Return rows with what their relations lead to, and with their JSON as text."""
    found: list[Row] = [*batch]
    places = [
        place for place, field in enumerate(kind.fields) if isinstance(field, models.JSONField)
    ]
    if places:
        found = [
            [Encoded.of(value) if place in places else value for place, value in enumerate(row)]
            for row in found
        ]
    for relation in kind.relations if found else ():
        related, key_of = _related(relation, found, _key_at(kind)), _key_at(kind)
        found = [[*row, Encoded.of(sorted(related[key_of(row)]))] for row in found]
    return found


def _related(
    relation: Relation, rows: Sequence[Row], key_of: Callable[[Row], int]
) -> dict[int, list[int | str]]:
    """Return what rows are related to: ids, or the names of permissions."""
    source, target = relation.m2m_column_name(), relation.m2m_reverse_name()
    between = {f"{source}__gte": key_of(rows[0]), f"{source}__lte": key_of(rows[-1])}
    names = permission_names() if is_of_permissions(relation) else None
    found = defaultdict(list)
    through: models.QuerySet[models.Model] = models.QuerySet(relation.remote_field.through)
    for key, other in through.filter(**between).values_list(source, target):
        found[key].append(names[other] if names else other)
    return found


def permission_names() -> dict[int, str]:
    """Return the permissions of this installation by their ids: `reports.view_reports`."""
    found = Permission.objects.values_list("pk", "content_type__app_label", "codename")
    return {pk: f"{app}.{codename}" for pk, app, codename in found.order_by()}


def _key_at(kind: Kind) -> Callable[[Row], int]:
    return itemgetter(kind.fields.index(kind.model._meta.pk))


def _as_json(value: object) -> object:
    """Return what orjson does not know: a text that stands for itself, or an exact number."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Encoded):
        return orjson.Fragment(value.text)
    raise TypeError(f"An export cannot have a {type(value).__name__}.")
