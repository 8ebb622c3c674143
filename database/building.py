"""Indexes and constraints that PostgreSQL makes while others write."""

from functools import partial

from django.db import models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from database.briefly import briefly
from database.columns import column_of

Editor = BaseDatabaseSchemaEditor
Model = type[models.Model]


def _may_be_concurrent(connection: BaseDatabaseWrapper) -> bool:
    """Return whether an index can be built beside writers.

    Not in a transaction; and a pooler in front leaves a statement outside of one only seconds.
    """
    return (
        connection.vendor == "postgresql"
        and not connection.in_atomic_block
        and not connection.settings_dict.get("POOLED")
    )


def build_index(editor: Editor, model: Model, index: models.Index) -> None:
    """Build an index, unless it is there."""
    if has(editor.connection, model, index.name):
        return
    if not _may_be_concurrent(editor.connection):
        briefly(editor.connection, partial(editor.add_index, model, index))
        return
    quoted = editor.quote_name(index.name)
    editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {quoted}")  # of an attempt that failed
    editor.execute(str(index.create_sql(model, editor, concurrently=True)), params=None)


def replace_index(editor: Editor, model: Model, old: models.Index, new: models.Index) -> None:
    """Put an index in the place of one of the same name."""
    connection = editor.connection
    if not _may_be_concurrent(connection):
        briefly(
            connection,
            partial(editor.remove_index, model, old),
            partial(editor.add_index, model, new),
        )
        return
    if _columns_of_index(connection, model, new.name) == _columns(model, new):
        return
    beside = new.clone()
    beside.name = f"{new.name}_new"
    build_index(editor, model, beside)
    _put_in_place(editor, new.name, beside.name)


def _put_in_place(editor: Editor, name: str, beside: str) -> None:
    """Drop an index, and give its name to the one beside it."""
    dropped, renamed = editor.quote_name(name), editor.quote_name(beside)
    briefly(
        editor.connection,
        partial(editor.execute, f"DROP INDEX IF EXISTS {dropped}"),
        partial(editor.execute, f"ALTER INDEX {renamed} RENAME TO {dropped}"),
    )


def replace_unique_index(
    editor: Editor, model: Model, old: models.UniqueConstraint, new: models.UniqueConstraint
) -> None:
    """Put a unique index with a condition in the place of one of the same name."""
    connection = editor.connection
    if not _may_be_concurrent(connection):
        briefly(
            connection,
            partial(editor.remove_constraint, model, old),
            partial(editor.add_constraint, model, new),
        )
        return
    if _columns_of_index(connection, model, new.name) == _columns(model, new):
        return
    beside = new.clone()
    beside.name = f"{new.name}_new"
    build_unique(editor, model, beside)
    _put_in_place(editor, new.name, beside.name)


def build_unique(editor: Editor, model: Model, constraint: models.UniqueConstraint) -> None:
    """Build the index of a unique constraint beside writers, and make it one, unless it is."""
    connection, name = editor.connection, editor.quote_name(constraint.name)
    create = str(constraint.create_sql(model, editor))
    if has(connection, model, constraint.name, is_attached=create.startswith("ALTER TABLE")):
        return
    if not _may_be_concurrent(connection):
        briefly(connection, partial(editor.execute, create, params=None))
        return
    table = editor.quote_name(model._meta.db_table)
    attach = ""
    if create.startswith("ALTER TABLE"):
        columns = ", ".join(map(editor.quote_name, _columns(model, constraint)))
        create = f"CREATE UNIQUE INDEX {name} ON {table} ({columns})"
        attach = f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}"
    if not has(connection, model, constraint.name):
        editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")  # of an attempt that failed
        editor.execute(create.replace("INDEX", "INDEX CONCURRENTLY", 1), params=None)
    if attach:
        briefly(connection, partial(editor.execute, attach))


def add_check(editor: Editor, model: Model, check: models.CheckConstraint) -> None:
    """Add a check to what is written from now on, then look at the rows that are there."""
    connection = editor.connection
    table, name = map(editor.quote_name, (model._meta.db_table, check.name))
    if not has(connection, model, check.name):
        add = f"{check.create_sql(model, editor)} NOT VALID"
        briefly(connection, partial(editor.execute, add, params=None))
    with transaction.atomic(connection.alias):  # in which a pooler's limits are lifted
        editor.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def has(
    connection: BaseDatabaseWrapper, model: Model, name: str, *, is_attached: bool = False
) -> bool:
    """Return whether a table has a constraint of a name, or a usable index."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT 1 FROM pg_constraint"
                " WHERE conrelid = to_regclass(%s) AND conname = %s UNION SELECT 1 FROM pg_index"
                " WHERE indexrelid = to_regclass(%s) AND indisvalid AND NOT %s",
                [f'"{model._meta.db_table}"', name, f'"{name}"', is_attached],
            )
        else:
            cursor.execute(
                "SELECT 1 FROM sqlite_master WHERE name = %s"
                " OR (name = %s AND instr(sql, 'CONSTRAINT ' || %s))",
                [name, model._meta.db_table, f'"{name}"'],
            )
        return cursor.fetchone() is not None


def _columns_of_index(connection: BaseDatabaseWrapper, model: Model, name: str) -> list[str]:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    return list(found[name]["columns"]) if name in found else []


def _columns(model: Model, index: models.Index | models.UniqueConstraint) -> list[str]:
    return [str(column_of(model, name.removeprefix("-")).column) for name in index.fields]
