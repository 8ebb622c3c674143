from django.db import migrations

import books.periods


class Migration(migrations.Migration):
    dependencies = [
        ("books", "0001_initial"),
        ("timeentries", "0011_fold_tags"),
    ]

    operations = [
        # Triggers keep it, which are made after the migrations: the table stays as it is.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddConstraint(
                    model_name="timeentry",
                    constraint=books.periods.PeriodIsOpen(
                        instant="start_time", name="time_entry_period_is_open"
                    ),
                ),
            ]
        ),
    ]
