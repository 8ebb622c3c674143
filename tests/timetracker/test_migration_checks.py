"""A migration that would block or break the previous release is refused, with what to write."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import migrations, models
from django.db.migrations import Migration
from django.db.migrations.operations.base import Operation
from django.db.models import F, Q
from django.db.models.functions import Now, Random

from database import online
from timetracker import migration_checks

TABLE = "timeentry"
INDEX = models.Index(fields=["notes"], name="time_entry_by_notes")
CHECK = models.CheckConstraint(condition=Q(notes=""), name="time_entry_without_notes")
READS = "The previous release still reads {}."
LOCKED = "Nobody can write to timeentries.timeentry while its rows are looked at."
REWRITTEN = "PostgreSQL writes timeentries.timeentry again to add place, and nobody can read it."
ONLINE = "Write online.{} (from database import online) in a migration with `atomic = False`."
CONTRACT = (
    "Take it out of the code in one release and out of the database in the next, and say so "
    'there: safe_because = "No release since 1.2.0 reads it."'
)
TRIGGER = (
    "Add a column that may be null, fill it in batches, and keep it by a trigger, as "
    "timeentries/durations.py does."
)


def written(
    *operations: Operation, atomic: bool = True, app: str = "timeentries", safe_because: str = ""
) -> Migration:
    """A migration as somebody could write it."""
    body = {
        "__module__": f"{app}.migrations.0099_it",
        "operations": [*operations],
        "atomic": atomic,
        "safe_because": safe_because,
    }
    migration: Migration = type("Written", (Migration,), body)("0099_it", app)
    return migration


def found(
    patch: pytest.MonkeyPatch, migration: migrations.Migration
) -> list[tuple[str, str, str]]:
    """The ids, messages and hints of what is wrong with a migration after ours."""
    after = [*migration_checks.ours(), migration]
    with patch.context() as patched:
        patched.setattr(migration_checks, "ours", lambda: after)
        errors = run_checks(include_deployment_checks=True)
    ours = [error for error in errors if str(error.id).startswith("timetracker.")]
    return [(str(error.id), error.msg, str(error.hint)) for error in ours]


def add(column: Any) -> migrations.AddField:
    return migrations.AddField(TABLE, "place", column)


@pytest.mark.parametrize(
    ("operation", "number", "what", "instead"),
    [
        pytest.param(
            migrations.RemoveField(TABLE, "notes"),
            24,
            READS.format("notes of timeentries.timeentry"),
            CONTRACT,
            id="a column goes",
        ),
        pytest.param(
            migrations.RenameField(TABLE, "notes", "remarks"),
            24,
            READS.format("notes of timeentries.timeentry"),
            CONTRACT,
            id="a column gets another name",
        ),
        pytest.param(
            migrations.DeleteModel("TimeEntry"),
            24,
            READS.format("timeentries.timeentry"),
            CONTRACT,
            id="a table goes",
        ),
        pytest.param(
            add(models.TextField(default="")),
            25,
            "The previous release cannot add rows to timeentries.timeentry without place.",
            "Let it be null, or have a db_default.",
            id="a column that must be written",
        ),
        pytest.param(
            migrations.AddIndex(TABLE, INDEX), 26, LOCKED, ONLINE.format("AddIndex"), id="an index"
        ),
        pytest.param(
            migrations.AddConstraint(TABLE, CHECK),
            26,
            LOCKED,
            ONLINE.format("AddConstraint"),
            id="a check",
        ),
        pytest.param(
            online.AddIndex(TABLE, INDEX),
            26,
            LOCKED,
            ONLINE.format("AddIndex"),
            id="an index online, in a transaction",
        ),
        pytest.param(
            add(
                models.GeneratedField(
                    expression=F("version") + 1,
                    output_field=models.IntegerField(),
                    db_persist=True,
                )
            ),
            27,
            REWRITTEN,
            TRIGGER,
            id="a generated column",
        ),
        pytest.param(
            add(models.FloatField(db_default=Random())),
            27,
            REWRITTEN,
            TRIGGER,
            id="a default of each row",
        ),
        pytest.param(
            migrations.AlterField(TABLE, "external_id", models.TextField()),
            28,
            "PostgreSQL may look at all rows of timeentries.timeentry to alter external_id.",
            f"{ONLINE.format('AlterField')} If the table is written again for it, add a column "
            "instead, fill it in batches, and let the old one go a release later.",
            id="another type",
        ),
        pytest.param(
            migrations.RunSQL("UPDATE timeentries_timeentry SET notes = ''"),
            29,
            "Rows that are written in one transaction stay locked until it ends.",
            "Give the migration `atomic = False` and write in batches, each in a transaction of "
            "its own.",
            id="rows in one transaction",
        ),
    ],
)
def test_an_unsafe_operation_is_refused(
    monkeypatch: pytest.MonkeyPatch, operation: Operation, number: int, what: str, instead: str
) -> None:
    message = f"timeentries/migrations/0099_it.py: {what}"
    assert found(monkeypatch, written(operation)) == [
        (f"timetracker.E{number:03}", message, instead)
    ]


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(online.AddIndex(TABLE, INDEX), id="an index"),
        pytest.param(online.AddConstraint(TABLE, CHECK), id="a check"),
        pytest.param(
            add(models.TextField[str | None, str | None](null=True)),
            id="a column that may be null",
        ),
        pytest.param(add(models.TextField(db_default="")), id="a column with a default"),
        pytest.param(add(models.DateTimeField(db_default=Now())), id="the time of the migration"),
        pytest.param(migrations.RunPython(migrations.RunPython.noop), id="nothing"),
        pytest.param(
            migrations.RunPython(lambda *_: None, atomic=False), id="rows in transactions"
        ),
        pytest.param(
            migrations.SeparateDatabaseAndState(
                state_operations=[migrations.RemoveField(TABLE, "notes")]
            ),
            id="what only the code loses",
        ),
        pytest.param(
            online.ByDatabase(postgresql=[], sqlite=[migrations.RemoveField(TABLE, "notes")]),
            id="what SQLite does",
        ),
    ],
)
def test_a_safe_operation_passes(monkeypatch: pytest.MonkeyPatch, operation: Operation) -> None:
    assert found(monkeypatch, written(operation, atomic=False)) == []


def test_what_only_the_code_knows_of_a_column_may_change(monkeypatch: pytest.MonkeyPatch) -> None:
    before = models.CharField(max_length=9)
    after = models.CharField(max_length=9, help_text="Where it was.", default="")
    changed = written(add(before), migrations.AlterField(TABLE, "place", after), atomic=False)
    assert [number for number, _, _ in found(monkeypatch, changed)] == ["timetracker.E025"]


def refused(patch: pytest.MonkeyPatch, app: str, operations: Sequence[Operation]) -> int:
    return len(found(patch, written(*operations, app=app)))


def test_a_table_that_is_new_or_small_may_be_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    made = migrations.CreateModel("TimeEntry", [("id", models.BigAutoField(primary_key=True))])
    assert refused(monkeypatch, "timeentries", [made, migrations.AddIndex(TABLE, INDEX)]) == 0
    assert refused(monkeypatch, "clients", [migrations.AddIndex("client", INDEX)]) == 0


@pytest.mark.parametrize(("reason", "errors"), [("No release reads it.", 0), (" ", 1)])
def test_a_reason_in_the_migration_is_enough(
    monkeypatch: pytest.MonkeyPatch, reason: str, errors: int
) -> None:
    removed = written(migrations.RemoveField(TABLE, "notes"), safe_because=reason)
    assert len(found(monkeypatch, removed)) == errors


def test_migrations_from_before_the_check_are_exempt(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, written()) == []
    monkeypatch.setattr(migration_checks, "BEFORE", {})
    files = {message.partition(":")[0] for _, message, _ in found(monkeypatch, written())}
    assert "tasks/migrations/0003_index_of_order.py" in files
