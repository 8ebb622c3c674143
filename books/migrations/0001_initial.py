import datetime
from typing import Any

from django.db import migrations, models

from database.triggers import drop


def drop_triggers(apps: Any, schema_editor: Any) -> None:
    drop(schema_editor.connection, "books")


class Migration(migrations.Migration):
    initial = True

    operations = [
        migrations.CreateModel(
            name="Books",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "closed_through",
                    models.DateField(
                        blank=True,
                        help_text="Time entries that start on or before this day cannot be added, changed, moved or deleted. It is a day in the time zone of each entry's user. Without it, nothing is closed.",
                        null=True,
                    ),
                ),
                ("closed_before", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "verbose_name": "books",
                "verbose_name_plural": "books",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("closed_through__gte", datetime.date(1970, 1, 1)),
                            ("closed_through__lt", datetime.date(2201, 1, 1)),
                        ),
                        name="books_closed_within_years",
                        violation_error_message="Must be a date in the years 1970 to 2200.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="UserBound",
            fields=[
                ("user_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("closed_before", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ZoneBound",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("closed_before", models.DateTimeField()),
            ],
        ),
        migrations.RunPython(migrations.RunPython.noop, drop_triggers),
    ]
