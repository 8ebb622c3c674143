"""The rule that a billed entry stays as it is, and the triggers that keep it."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, connections, models

from books.periods import edited
from books.registered import guarded
from database.triggers import columns_of, make_on_postgresql, make_on_sqlite
from resources.integrity import TriggerConstraint
from resources.refusals import Refusal

BILLED = (
    "This time entry has been billed and cannot be changed or deleted. Delete its billing first."
)
NAME = "time_entry_billed_stays"
IS_BILLED = "OLD.bill_id IS NOT NULL"


class BilledStays(TriggerConstraint):
    """A billed row is neither changed nor deleted, by any way; billing itself may release it."""

    def refusal(self) -> Refusal:
        """Return why a row is refused."""
        return Refusal(BILLED, "entry_billed")

    def foreseen(self, rows: Sequence[Any]) -> Sequence[Refusal | None]:
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
        before: dict[str, Any] = instance.stored
        if not before.get("bill_id"):
            return
        names = [field.attname for field in edited(model)]
        if any(before.get(name) != getattr(instance, name) for name in names):
            raise ValidationError(BILLED, "entry_billed")


def install(using: str) -> None:
    """Create missing or outdated triggers, where the column is there."""
    connection, table = connections[using], guarded().table
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return
        if "bill_id" not in columns_of(cursor, table):
            return
    columns = ", ".join(guarded().edited)
    if connection.vendor == "sqlite":
        refuse = f"BEGIN SELECT RAISE(ABORT, 'constraint failed: {NAME}'); END"
        is_edited = guarded().is_edited("IS NOT")
        update = f"AFTER UPDATE OF {columns} ON {table} WHEN {IS_BILLED} AND ({is_edited})"
        # To empty the database, the bills go first (database/sqlite/base.py).
        is_there = "EXISTS (SELECT 1 FROM billing_bill WHERE reference = OLD.bill_id)"
        delete = f"AFTER DELETE ON {table} WHEN {IS_BILLED} AND {is_there}"
        make_on_sqlite(
            connection,
            "billed",
            {
                "billed_update": f"CREATE TRIGGER billed_update {update} {refuse}",
                "billed_delete": f"CREATE TRIGGER billed_delete {delete} {refuse}",
            },
        )
        return
    refuse = f"""
        RAISE integrity_constraint_violation USING
            MESSAGE = 'The entry is billed.', CONSTRAINT = '{NAME}';
    """
    # Not in the trigger's own condition, which would keep columns from being altered.
    is_edited = guarded().is_edited("IS DISTINCT FROM")
    functions = {
        "billed_update": f"BEGIN IF {is_edited} THEN {refuse} END IF; RETURN NEW; END",
        "billed_delete": f"BEGIN {refuse} END",
    }
    make_on_postgresql(
        connection,
        "billed",
        {name: ("trigger", body) for name, body in functions.items()},
        {
            (table, name): (
                f"BEFORE {event} ON {table} FOR EACH ROW WHEN ({IS_BILLED})"
                f" EXECUTE FUNCTION {name}()"
            )
            for name, event in (("billed_update", "UPDATE"), ("billed_delete", "DELETE"))
        },
    )
