"""A system check: no migration blocks or breaks the previous release while that still serves.

docs/decisions/0011-migrations-without-a-stop.md has the reasons. Only `check --deploy` looks, as
`make check` does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.db import migrations, models
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.fields import FieldOperation
from django.db.models.expressions import Value
from django.db.models.functions import Now

from database import online

# The tables that grow with use: to read or to write all of their rows takes long.
LARGE = {
    *("timeentries.timeentry", "tasks.task", "changes.change", "tallies.tally"),
    *("webhooks.delivery", "idempotency.idempotencykey", "apitokens.tokenusage"),
}
# Checked are those after the last ones that were written before there was this check.
BEFORE = {"apitokens": 9, "clients": 6, "projects": 7, "tasks": 8, "users": 3, "webhooks": 7}
BEFORE |= {"changes": 2, "rates": 2, "reports": 4, "tallies": 5, "timeentries": 17}

Known = dict[tuple[str, str, str], models.Field[object, object]]
Found = tuple[int, str, str]  # the number of an error, what happens, and what to write instead

ONLINE = (
    *(online.AddIndex, online.ReplaceIndex, online.AlterField),
    *(online.AddConstraint, online.ReplaceConstraint),
)
CONTRACT = (
    "Take it out of the code in one release and out of the database in the next, and say so "
    'there: safe_because = "No release since 1.2.0 reads it."'
)
TRIGGER = (
    "Add a column that may be null, fill it in batches, and keep it by a trigger, as "
    "timeentries/durations.py does."
)
EXPAND = (
    "If the table is written again for it, add a column instead, fill it in batches, and let the "
    "old one go a release later."
)
BATCHES = (
    "Give the migration `atomic = False` and write in batches, each in a transaction of its own."
)


@dataclass
class Seen:
    """What the migrations before have made: columns, and in this migration, tables."""

    columns: Known = field(default_factory=dict)
    new: set[str] = field(default_factory=set)


@register(deploy=True)
def migrations_need_no_stop(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[CheckMessage]:
    """Refuse a migration that would block or break servers of the previous release."""
    return [*_messages(ours())]


def ours() -> list[Migration]:
    """Return the migrations of our apps, in order."""
    labels = {
        config.label
        for config in apps.get_app_configs()
        if Path(config.path).parent == settings.BASE_DIR
    }
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return [each for key, each in sorted(loader.disk_migrations.items()) if key[0] in labels]


def _messages(found: Sequence[Migration]) -> Iterator[CheckMessage]:
    columns: Known = {}
    for migration in found:
        seen = Seen(columns)
        label = migration.app_label
        is_checked = int(migration.name[:4]) > BEFORE.get(label, 0)
        is_safe = bool(str(getattr(migration, "safe_because", "")).strip())
        for operation in _in_the_database(migration.operations):
            if is_checked and not is_safe:
                for number, what, instead in _unsafe(migration, operation, seen):
                    yield _error(migration, number, what, instead)
            _note(label, operation, seen)


def _in_the_database(operations: Sequence[Operation]) -> Iterator[Operation]:
    """Yield what PostgreSQL does of operations."""
    for operation in operations:
        if isinstance(operation, online.ByDatabase):
            yield from _in_the_database(operation.operations["postgresql"])
        elif isinstance(operation, migrations.SeparateDatabaseAndState):
            yield from _in_the_database(operation.database_operations)
        else:
            yield operation


def _note(label: str, operation: Operation, seen: Seen) -> None:
    """Remember what an operation makes."""
    if isinstance(operation, migrations.CreateModel):
        seen.new.add(f"{label}.{operation.name_lower}")
        for name, column in operation.fields:
            seen.columns[label, operation.name_lower, name] = column
    elif isinstance(operation, migrations.AddField | migrations.AlterField):
        seen.columns[label, operation.model_name_lower, operation.name] = operation.field


def _unsafe(migration: Migration, operation: Operation, seen: Seen) -> Iterator[Found]:
    """Yield what is wrong with an operation of a migration."""
    label = migration.app_label
    name = getattr(operation, "model_name_lower", getattr(operation, "name_lower", ""))
    table = f"{label}.{name}"
    if table in seen.new and not isinstance(operation, migrations.RunPython | migrations.RunSQL):
        return  # nobody uses it yet
    yield from _unknown_to_the_release_before(operation, table)
    if table in LARGE:
        yield from _slow(operation, table, migration.atomic, seen)
    yield from _long(migration, operation)


def _unknown_to_the_release_before(operation: Operation, table: str) -> Iterator[Found]:
    """Yield what makes statements of the previous release fail: its servers still run."""
    gone = (
        *(migrations.RemoveField, migrations.RenameField, migrations.DeleteModel),
        *(migrations.RenameModel, migrations.AlterModelTable),
    )
    if isinstance(operation, gone):
        yield 24, f"The previous release still reads {_named(operation, table)}.", CONTRACT
    if isinstance(operation, migrations.AddField) and not _may_be_left_out(operation.field):
        yield (
            25,
            f"The previous release cannot add rows to {table} without {operation.name}.",
            "Let it be null, or have a db_default.",
        )


def _may_be_left_out(column: models.Field[object, object]) -> bool:
    return bool(column.null or column.has_db_default() or column.generated or column.many_to_many)


def _slow(operation: Operation, table: str, atomic: bool, seen: Seen) -> Iterator[Found]:  # noqa: FBT001
    """Yield what locks a large table for as long as it takes to read or to write its rows."""
    instead = (
        f"Write online.{type(operation).__name__} (from database import online) in a migration "
        "with `atomic = False`."
    )
    is_online = isinstance(operation, ONLINE) and not atomic
    if isinstance(operation, migrations.AddIndex | migrations.AddConstraint) and not is_online:
        yield 26, f"Nobody can write to {table} while its rows are looked at.", instead
    if isinstance(operation, migrations.AddField) and _is_computed(operation.field):
        what = f"PostgreSQL writes {table} again to add {operation.name}, and nobody can read it."
        yield 27, what, TRIGGER
    if isinstance(operation, migrations.AlterField) and not is_online:
        before = seen.columns.get((*_key(table), operation.name))
        if before is None or _stored(before) != _stored(operation.field):
            what = f"PostgreSQL may look at all rows of {table} to alter {operation.name}."
            yield 28, what, f"{instead} {EXPAND}"


def _key(table: str) -> tuple[str, str]:
    label, _, model = table.partition(".")
    return label, model


def _is_computed(column: models.Field[object, object]) -> bool:
    """Return whether each row gets a value of its own."""
    default = column.db_default if column.has_db_default() else None
    is_one_value = not hasattr(default, "resolve_expression") or isinstance(default, Value | Now)
    return column.generated or not is_one_value


def _stored(column: models.Field[object, object]) -> object:
    """Return what the database knows of a column."""
    _, path, _, options = column.deconstruct()
    left_out = {*column.non_db_attrs, "default"}
    return path, {name: value for name, value in options.items() if name not in left_out}


def _long(migration: Migration, operation: Operation) -> Iterator[Found]:
    """Yield what may keep rows of a large table locked until the end of a transaction."""
    is_large = any(table.startswith(f"{migration.app_label}.") for table in LARGE)
    is_data = isinstance(operation, migrations.RunPython | migrations.RunSQL)
    nothing = getattr(operation, "code", None) is migrations.RunPython.noop
    if is_data and is_large and not nothing and (migration.atomic or operation.atomic):
        yield 29, "Rows that are written in one transaction stay locked until it ends.", BATCHES


def _named(operation: Operation, table: str) -> str:
    if isinstance(operation, migrations.RenameField):
        return f"{operation.old_name} of {table}"
    if isinstance(operation, FieldOperation):
        return f"{operation.name} of {table}"
    return table


def _error(migration: Migration, number: int, what: str, instead: str) -> CheckMessage:
    file = f"{migration.__module__.replace('.', '/')}.py"
    return Error(f"{file}: {what}", hint=instead, id=f"timetracker.E{number:03}")
