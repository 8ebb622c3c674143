from typing import Any

from django.db import migrations, models

from tallies.triggers import install

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


def count_again(_: Any, schema_editor: Any) -> None:
    """Count in the transaction that has forgotten, so that nobody reads wrong totals."""
    install(schema_editor.connection.alias)


class Migration(migrations.Migration):
    # The entries have their prices and bills.
    dependencies = [("tallies", "0003_kinds_are_registered"), ("timeentries", "0014_price")]

    operations = [
        migrations.RunPython(forget, migrations.RunPython.noop),
        migrations.RemoveConstraint("tally", "tally_once_folded"),
        migrations.AddField(
            "tally",
            "currency",
            models.CharField(blank=True, db_default="", default="", max_length=3),
        ),
        *(
            migrations.AddField("tally", name, COUNT.clone())
            for name in ("rounded_seconds", "priced", "amount", "billed")
        ),
        migrations.AddConstraint(
            "tally",
            models.UniqueConstraint(
                fields=("kind", "key", "day", "month", "currency"),
                condition=models.Q(fresh=False),
                name="tally_once_folded",
            ),
        ),
        migrations.RunPython(count_again, forget),
    ]
