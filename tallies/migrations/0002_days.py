from typing import Any

from django.db import migrations, models


def forget(apps: Any, schema_editor: Any) -> None:
    """Stop counting and forget the counts: both are made anew after the migrations.

    Only how often was written stays, so that no list's version comes a second time.
    """
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


class Migration(migrations.Migration):
    dependencies = [("tallies", "0001_initial")]

    operations = [
        migrations.RunPython(forget, migrations.RunPython.noop),
        migrations.RemoveConstraint("tally", "tally_once_folded"),
        migrations.RemoveIndex("tally", "tally_of_key"),
        migrations.RemoveIndex("tally", "tally_fresh"),
        migrations.AddField("tally", "day", models.IntegerField(db_default=0, default=0)),
        migrations.AddConstraint(
            "tally",
            models.UniqueConstraint(
                fields=("kind", "key", "day", "month"),
                condition=models.Q(fresh=False),
                name="tally_once_folded",
            ),
        ),
        migrations.AddIndex(
            "tally",
            models.Index(
                fields=["kind", "day", "month"],
                condition=models.Q(fresh=False),
                name="tally_of_all_keys",
            ),
        ),
        migrations.AddIndex(
            "tally",
            models.Index(
                fields=["kind", "key", "day"], condition=models.Q(fresh=True), name="tally_fresh"
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, forget),
    ]
