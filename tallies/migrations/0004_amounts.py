from typing import Any

from django.db import migrations, models

from database import online
from tallies.triggers import make, stop_folding

COUNT = models.BigIntegerField(db_default=0, default=0)


def forget(apps: Any, schema_editor: Any) -> None:
    """Stop counting and forget the counts, except how often was written."""
    with schema_editor.connection.cursor() as cursor:
        if schema_editor.connection.vendor == "postgresql":
            cursor.execute("SELECT proname FROM pg_proc WHERE proname LIKE 'tallies%'")
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP FUNCTION {name}() CASCADE")
        else:
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name GLOB 'tallies_*'"
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {name}")
    tallies = apps.get_model("tallies", "Tally").objects
    writes = tallies.aggregate(total=models.Sum("writes"))["total"]
    tallies.filter(kind="installed").update(writes=writes)
    tallies.exclude(kind="installed").delete()


def make_triggers(_: Any, schema_editor: Any) -> None:
    make(schema_editor.connection)


def stop(_: Any, schema_editor: Any) -> None:
    stop_folding(schema_editor.connection)


def once_folded(*fields: str) -> models.UniqueConstraint:
    return models.UniqueConstraint(
        fields=fields, condition=models.Q(fresh=False), name="tally_once_folded"
    )


class Migration(migrations.Migration):
    atomic = False  # writers go on, and are counted

    # The entries have their prices and bills.
    dependencies = [("tallies", "0003_kinds_are_registered"), ("timeentries", "0014_price")]

    operations = [
        online.ByDatabase(
            # Its triggers name the columns of the constraint.
            sqlite=[migrations.RunPython(forget, migrations.RunPython.noop)],
            # Only folding needs the constraint.
            postgresql=[migrations.RunPython(stop, migrations.RunPython.noop)],
        ),
        online.AddField(
            "tally",
            "currency",
            models.CharField(blank=True, db_default="", default="", max_length=3),
        ),
        *(
            online.AddField("tally", name, COUNT.clone())
            for name in ("rounded_seconds", "priced", "amount", "billed")
        ),
        online.ReplaceConstraint("tally", once_folded("kind", "key", "day", "month", "currency")),
        # What is written from here on is counted in full; 0005 counts what is there.
        online.RunPython(make_triggers, forget),
    ]
