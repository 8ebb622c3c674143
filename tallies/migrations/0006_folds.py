from django.db import migrations, models

NEVER_FOLDED = 2**63 - 1
# By hand, because Django would rebuild SQLite's table, which triggers of other tables name.
ADD = f"ALTER TABLE tallies_tally ADD COLUMN xid bigint NOT NULL DEFAULT {NEVER_FOLDED}"


class Migration(migrations.Migration):
    safe_because = "PostgreSQL adds a column with a constant default without looking at the rows."

    dependencies = [("tallies", "0005_count_amounts")]

    operations = [
        migrations.CreateModel(
            name="Fold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("xid", models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(
            ADD,
            "ALTER TABLE tallies_tally DROP COLUMN xid",
            state_operations=[
                migrations.AddField(
                    "tally",
                    "xid",
                    models.BigIntegerField(db_default=NEVER_FOLDED, default=NEVER_FOLDED),
                )
            ],
        ),
    ]
