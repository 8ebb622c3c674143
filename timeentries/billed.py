"""The rule that a billed entry stays as it is, and the triggers that keep it."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, connections, models

from books.periods import edited
from books.registered import guarded
from database.triggers import columns_of, make_on_postgresql, make_on_sqlite
from journal.journaled import Journaled
from resources.integrity import TriggerConstraint
from resources.refusals import Refusal

BILLED = (
    "This time entry has been billed and cannot be changed or deleted. Delete its billing first."
)
NAME = "time_entry_billed_stays"
IS_BILLED = "OLD.bill_id IS NOT NULL"
IS_MOVED = "OLD.bill_id <> NEW.bill_id"  # to another bill; to none, it is released


class BilledStays(TriggerConstraint):
    """A billed row is not changed, deleted or billed again, by any way; only released."""

    def refusal(self) -> Refusal:
        """Return why a row is refused."""
        return Refusal(BILLED, "entry_billed")

    def foreseen(self, rows: Sequence[Journaled]) -> Sequence[Refusal | None]:
        """Return no refusals: nothing new is billed."""
        return [None] * len(rows)

    def validate(
        self,
        model: type[models.Model],
        instance: Any,
        exclude: Iterable[str] | None = None,
        using: str = DEFAULT_DB_ALIAS,
    ) -> None:
        """Raise Django's ValidationError for a form whose row will be refused."""
        before = instance.stored
        if not before.get("bill_id"):
            return
        names = [field.attname for field in edited(model)]
        if any(before.get(name) != getattr(instance, name) for name in names):
            raise ValidationError(BILLED, "entry_billed")


def install(using: str) -> None:
    """Create missing or outdated triggers, where their columns are there."""
    connection, table = connections[using], guarded().table
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return
        if not {"bill_id", *guarded().edited} <= columns_of(cursor, table):
            return
    if connection.vendor == "sqlite":
        make_on_sqlite(connection, "billed", _on_sqlite(table))
    else:
        make_on_postgresql(connection, "billed", *_on_postgresql(table))


def _on_sqlite(table: str) -> dict[str, str]:
    """Return the statement that makes each trigger, by name."""
    columns = ", ".join((*guarded().edited, "bill_id"))
    is_changed = f"{guarded().is_edited('IS NOT')} OR {IS_MOVED}"
    # To empty the database, the bills go first (database/sqlite/base.py).
    is_there = "EXISTS (SELECT 1 FROM billing_bill WHERE reference = OLD.bill_id)"
    refuse = f"BEGIN SELECT RAISE(ABORT, 'constraint failed: {NAME}'); END"
    return {
        name: f"CREATE TRIGGER {name} AFTER {event} ON {table} WHEN {when} {refuse}"
        for name, event, when in (
            ("billed_update", f"UPDATE OF {columns}", f"{IS_BILLED} AND ({is_changed})"),
            ("billed_delete", "DELETE", f"{IS_BILLED} AND {is_there}"),
        )
    }


def _on_postgresql(table: str) -> tuple[dict[str, tuple[str, str]], dict[tuple[str, str], str]]:
    """Return the result and the body of each function, and the definition of each trigger."""
    refuse = f"""
        RAISE integrity_constraint_violation USING
            MESSAGE = 'The entry is billed.', CONSTRAINT = '{NAME}';
    """
    # Not in the trigger's own condition, which would keep columns from being altered.
    is_changed = f"{guarded().is_edited('IS DISTINCT FROM')} OR {IS_MOVED}"
    functions = {
        "billed_update": f"BEGIN IF {is_changed} THEN {refuse} END IF; RETURN NEW; END",
        "billed_delete": f"BEGIN {refuse} END",
    }
    row = f"FOR EACH ROW WHEN ({IS_BILLED}) EXECUTE FUNCTION"
    triggers = {
        (table, "billed_update"): f"BEFORE UPDATE ON {table} {row} billed_update()",
        (table, "billed_delete"): f"BEFORE DELETE ON {table} {row} billed_delete()",
    }
    return {name: ("trigger", body) for name, body in functions.items()}, triggers
