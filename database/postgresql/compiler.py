"""Django's compilers for PostgreSQL; many rows are inserted at a fraction of their cost."""

from collections.abc import Sequence
from typing import Any

import orjson
from django.db.backends.postgresql import compiler
from django.db.backends.postgresql.compiler import (
    InsertUnnest,
    SQLAggregateCompiler,
    SQLCompiler,
    SQLDeleteCompiler,
    SQLUpdateCompiler,
)
from django.db.models import Field

from database.writes import WRITTEN, is_taken

__all__ = [
    "SQLAggregateCompiler",
    "SQLCompiler",
    "SQLDeleteCompiler",
    "SQLInsertCompiler",
    "SQLUpdateCompiler",
]


class FromJson(InsertUnnest):
    """The columns of rows that are one parameter, a JSON array of arrays."""

    def __str__(self) -> str:
        columns = ", ".join(self)
        return f"(SELECT {columns} FROM jsonb_array_elements((%s)::jsonb)) AS given"  # noqa: S608


class SQLInsertCompiler(compiler.SQLInsertCompiler):
    """Sends many rows as JSON: as arrays, one for each column, they take psycopg long."""

    def prepare_value(self, field: Field[object, object], value: Any) -> object:
        """Return a value as the database takes it."""
        if len(self.query.objs) > 1 and is_taken(field, value, self.connection.vendor):
            return value
        return super().prepare_value(field, value)

    def assemble_as_sql(
        self, fields: Sequence[Field[object, object]], value_rows: Sequence[Sequence[object]]
    ) -> tuple[Any, Any]:
        """Return the expressions of a row's columns, and the parameter with all rows."""
        marks, values = super().assemble_as_sql(fields, value_rows)
        if not isinstance(marks, InsertUnnest) or not all(
            field.get_internal_type() in WRITTEN for field in fields
        ):
            return marks, values
        types = [str(field.db_type(self.connection)).split("(")[0] for field in fields]
        columns = [f"(value ->> {place})::{name}" for place, name in enumerate(types)]
        return FromJson(columns), [[orjson.dumps(value_rows, default=str).decode()]]
