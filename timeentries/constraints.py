"""Database constraints of time entries that Django lacks."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Unpack

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Func
from django.db.models.sql.compiler import SQLCompiler

from database.columns import column_of
from values.options import ConstraintOptions

Sql = tuple[str, tuple[str | int, ...]]


class WholeSeconds(Func):
    """The whole seconds between two timestamps, as the generated column computes them."""

    arity = 2
    output_field = models.BigIntegerField()

    def of(self, start: datetime, end: datetime) -> int:
        """Compute the same value in Python."""
        return (end - start) // timedelta(seconds=1)

    def as_postgresql(self, compiler: SQLCompiler, connection: object, **_: object) -> Sql:
        """Return PostgreSQL's expression; EXTRACT of an interval is exact and immutable."""
        (start, start_params), (end, end_params) = self._compiled(compiler)
        interval = f"{end}::timestamptz - {start}::timestamptz"
        return f"FLOOR(EXTRACT(EPOCH FROM ({interval})))::bigint", (*end_params, *start_params)

    def as_sqlite(self, compiler: SQLCompiler, connection: object, **_: object) -> Sql:
        """Return SQLite's expression; its times are text, with the fraction from character 20."""
        (start, start_params), (end, end_params) = self._compiled(compiler)
        days = f"julianday(substr({end}, 1, 19)) - julianday(substr({start}, 1, 19))"
        borrowed = f"(substr({end}, 20) < substr({start}, 20))"
        sql = f"CAST(ROUND(({days}) * 86400) AS INTEGER) - {borrowed}"
        return sql, (*end_params, *start_params) * 2

    def _compiled(self, compiler: SQLCompiler) -> list[tuple[str, tuple[str | int, ...]]]:
        return [compiler.compile(source) for source in self.get_source_expressions()]


class CompositeForeignKey(models.BaseConstraint):
    """A foreign key over two columns: (task, project) must be a task of that very project.

    Django has no such key. As a constraint of the model it is part of the table on both
    databases and of every migration's state. `to_fields` need a unique constraint of their own.
    """

    def __init__(
        self,
        *,
        fields: tuple[str, str],
        to_fields: tuple[str, str],
        **kwargs: Unpack[ConstraintOptions],
    ) -> None:
        """Refer from `fields` to `to_fields` of the model that the first field refers to."""
        super().__init__(**kwargs)
        self.fields = fields
        self.to_fields = to_fields

    def constraint_sql(self, model: Any, schema_editor: Any) -> str:
        """Return the line of a CREATE TABLE."""
        quote = schema_editor.quote_name
        target = model._meta.get_field(self.fields[0]).related_model
        columns = _columns(model, self.fields, schema_editor)
        to_columns = _columns(target, self.to_fields, schema_editor)
        to_table = quote(target._meta.db_table)
        return (
            f"CONSTRAINT {quote(self.name)} FOREIGN KEY ({columns})"
            f" REFERENCES {to_table} ({to_columns})"
        )

    def create_sql(self, model: Any, schema_editor: Any) -> str:
        """Return the ALTER TABLE that adds the key (PostgreSQL; SQLite remakes the table)."""
        table = schema_editor.quote_name(model._meta.db_table)
        return f"ALTER TABLE {table} ADD {self.constraint_sql(model, schema_editor)}"

    def remove_sql(self, model: Any, schema_editor: Any) -> str:
        """Return the ALTER TABLE that drops the key."""
        table = schema_editor.quote_name(model._meta.db_table)
        return f"ALTER TABLE {table} DROP CONSTRAINT {schema_editor.quote_name(self.name)}"

    def validate(
        self,
        model: type[models.Model],
        instance: models.Model,
        exclude: Iterable[str] | None = None,
        using: str = DEFAULT_DB_ALIAS,
    ) -> None:
        """Raise Django's ValidationError if the instance breaks the key; NULL never does."""
        if set(exclude or ()) & set(self.fields):
            return
        referred = getattr(instance, self.fields[0])
        if referred is None:
            return
        expected = getattr(referred, column_of(type(referred), self.to_fields[1]).attname)
        if getattr(instance, column_of(model, self.fields[1]).attname) != expected:
            raise ValidationError({self.fields[0]: self.get_violation_error_message()})

    def deconstruct(self) -> tuple[str, Sequence[object], dict[str, object]]:
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "fields": self.fields, "to_fields": self.to_fields}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CompositeForeignKey) and self.deconstruct() == other.deconstruct()


def _columns(
    model: type[models.Model], fields: Iterable[str], schema_editor: BaseDatabaseSchemaEditor
) -> str:
    columns = (str(column_of(model, name).column) for name in fields)
    return ", ".join(schema_editor.quote_name(column) for column in columns)
