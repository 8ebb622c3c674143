from typing import Any

import django.core.validators
import django.db.models.lookups
from django.db import migrations, models
from django.db.models import F, Q

import timeentries.constraints
from database import online
from database.triggers import drop
from timeentries.durations import generate_again, keep_by_trigger


def drop_tallies(apps: Any, schema_editor: Any) -> None:
    # SQLite drops no column that a trigger names; they are made again after the migrations.
    drop(schema_editor.connection, "tallies")


FIELDS = [
    online.AddField(
        model_name="timeentry",
        name="break_seconds",
        field=models.IntegerField(
            db_default=0,
            default=0,
            help_text="Seconds of breaks, which do not count as work.",
            validators=[
                django.core.validators.MinValueValidator(0),
                django.core.validators.MaxValueValidator(31622400),
            ],
        ),
    ),
    online.AddField(
        model_name="timeentry",
        name="paused_at",
        field=models.DateTimeField(blank=True, null=True),
    ),
]
# The expression of a generated column cannot be altered: it is made again.
GENERATED = [
    migrations.RemoveIndex(model_name="timeentry", name="time_entry_summed_up"),
    migrations.RemoveField(model_name="timeentry", name="duration_seconds"),
    *FIELDS,
    migrations.AddField(
        model_name="timeentry",
        name="duration_seconds",
        field=models.GeneratedField(
            db_persist=True,
            expression=timeentries.constraints.WholeSeconds("start_time", "end_time")
            - F("break_seconds"),
            output_field=models.BigIntegerField(null=True),
        ),
    ),
    migrations.AddIndex(
        model_name="timeentry",
        index=models.Index(
            condition=Q(("end_time__isnull", False)),
            fields=[
                "start_time",
                "project",
                "duration_seconds",
                "billable",
                "rounded_seconds",
                "currency",
                "amount",
                "bill",
            ],
            name="time_entry_summed_up",
        ),
    ),
]


class Migration(migrations.Migration):
    atomic = False  # rows are looked at beside writers

    dependencies = [("timeentries", "0016_sums_with_amounts")]

    operations = [
        online.ByDatabase(
            sqlite=[
                migrations.RunPython(drop_tallies, migrations.RunPython.noop),
                *GENERATED,
                migrations.RunPython(migrations.RunPython.noop, drop_tallies),
            ],
            # The table would be written again for that, and nobody could read it.
            postgresql=[*FIELDS, online.RunPython(keep_by_trigger, generate_again)],
        ),
        online.AddConstraint(
            model_name="timeentry",
            constraint=models.CheckConstraint(
                condition=Q(("break_seconds__gte", 0)),
                name="time_entry_break_not_negative",
                violation_error_message="The break cannot be negative.",
            ),
        ),
        online.AddConstraint(
            model_name="timeentry",
            constraint=models.CheckConstraint(
                condition=Q(
                    ("break_seconds", 0),
                    ("end_time__isnull", True),
                    django.db.models.lookups.GreaterThan(
                        timeentries.constraints.WholeSeconds("start_time", "end_time"),
                        F("break_seconds"),
                    ),
                    _connector="OR",
                ),
                name="time_entry_break_is_shorter",
                violation_error_message="The break must be shorter than the time entry.",
            ),
        ),
        online.AddConstraint(
            model_name="timeentry",
            constraint=models.CheckConstraint(
                condition=Q(
                    ("paused_at__isnull", True), ("end_time__isnull", True), _connector="OR"
                ),
                name="time_entry_paused_only_while_it_runs",
                violation_error_message="Only a running timer can be paused.",
            ),
        ),
        online.AddConstraint(
            model_name="timeentry",
            constraint=models.CheckConstraint(
                condition=Q(
                    ("start_time__lte", F("paused_at")),
                    ("paused_at__isnull", True),
                    _connector="OR",
                ),
                name="time_entry_starts_before_its_pause",
                violation_error_message="The start must not be after the pause.",
            ),
        ),
    ]
