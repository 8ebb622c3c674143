"""The INSERT and the UPDATE of one row, compiled once instead of each time."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper

Field = models.Field[object, object]
Value = bool | int | str | Decimal | date | datetime | None

# Of which fields a value of which type is what the database takes; Django goes through three
# functions to see it. Others are asked.
TAKEN = {
    "BooleanField": bool,
    "CharField": str,
    "DateTimeField": datetime,  # with its zone, and on PostgreSQL only
    "ForeignKey": int,
    "IntegerField": int,
    "PositiveSmallIntegerField": int,
    "TextField": str,
}
# These go as text into JSON and come out the same; None is their NULL.
WRITTEN = {*TAKEN, "BigIntegerField", "DateField", "DecimalField"}


def insert_all(rows: Sequence[models.Model]) -> None:
    """Insert new rows of one model, as `bulk_create` does; one row at a third of its cost."""
    if rows and not (len(rows) == 1 and _insert_one(rows[0])):
        type(rows[0])._default_manager.bulk_create(rows)


def update_one(
    model: type[models.Model],
    database: str,
    key: Value,
    values: Sequence[tuple[Field, Value]],
    *,
    counted: str,
    returned: Sequence[str],
) -> Sequence[object] | None:
    """Update columns of a row, count one up, and return some as written; None if it is gone.

    Values are no expressions.
    """
    columns = tuple(str(field.column) for field, _ in values)
    sql = _update_of(model, database, columns, counted, tuple(returned))
    with connections[database].cursor() as cursor:
        cursor.execute(sql, [*_prepared(values, connections[database]), key])
        written: Sequence[object] | None = cursor.fetchone()
    return written


def is_taken(field: Field, value: object, vendor: str) -> bool:
    """Return whether the database takes a value of a field as it is."""
    name, kind = field.get_internal_type(), type(value)
    if value is None:
        return name in WRITTEN
    if isinstance(value, datetime):
        return vendor == "postgresql" and kind is TAKEN.get(name) and bool(value.tzinfo)
    return kind is TAKEN.get(name)


def _insert_one(row: models.Model) -> bool:
    """Insert a row; return whether that can be done with a statement for all rows."""
    model: type[models.Model] = type(row)
    database = router.db_for_write(model)
    insert, connection = _insert_of(model, database), connections[database]
    if insert is None or row.pk is not None:
        return False
    # As bulk_create does.
    row._prepare_related_fields_for_save("bulk_create")  # type: ignore[attr-defined] # noqa: SLF001
    saved = [field.pre_save(row, add=True) for field in insert.fields]
    values = _prepared([*zip(insert.fields, saved, strict=True)], connection)
    if any(hasattr(value, "resolve_expression") for value in values):
        return False
    with connection.cursor() as cursor:
        cursor.execute(insert.sql, values)
        returned = cursor.fetchone()
    for name, value in zip(insert.returned, returned, strict=True):
        setattr(row, name, value)
    row._state.adding, row._state.db = False, database  # noqa: SLF001 - as bulk_create does
    return True


def _prepared(
    values: Sequence[tuple[Field, Value]], connection: BaseDatabaseWrapper
) -> list[Value]:
    """Return values of columns as the database takes them."""
    return [
        value
        if is_taken(field, value, connection.vendor)
        else field.get_db_prep_save(value, connection)
        for field, value in values
    ]


class _Insert(NamedTuple):
    """A statement, the fields of its parameters, and the attributes of what it returns."""

    sql: str
    fields: Sequence[Field]
    returned: Sequence[str]


@cache
def _insert_of(model: type[models.Model], database: str) -> _Insert | None:
    """Return the INSERT of a row of a model; None if Django has more to do than to send values."""
    meta, quoted = model._meta, connections[database].ops.quote_name
    fields = [each for each in meta.concrete_fields if not each.generated and each != meta.pk]
    returned = meta.db_returning_fields
    if meta.parents or any(each.get_internal_type() not in WRITTEN for each in fields):
        return None
    columns, marks = ", ".join(quoted(str(each.column)) for each in fields), ["%s"] * len(fields)
    returning = ", ".join(quoted(str(each.column)) for each in returned)
    return _Insert(
        f"INSERT INTO {quoted(meta.db_table)} ({columns}) VALUES ({', '.join(marks)})"
        f" RETURNING {returning}",
        fields,
        [each.attname for each in returned],
    )


@cache
def _update_of(
    model: type[models.Model],
    database: str,
    columns: Sequence[str],
    counted: str,
    returned: Sequence[str],
) -> str:
    """Return the UPDATE of a row of a model by its key."""
    meta, quoted = model._meta, connections[database].ops.quote_name
    sets = [f"{quoted(name)} = %s" for name in columns]
    sets.append(f"{quoted(counted)} = {quoted(counted)} + 1")
    return (
        f"UPDATE {quoted(meta.db_table)} SET {', '.join(sets)}"
        f" WHERE {quoted(str(meta.pk.column))} = %s RETURNING {', '.join(map(quoted, returned))}"
    )
