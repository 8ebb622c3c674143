from django.db import migrations

import timeentries.billed


class Migration(migrations.Migration):
    dependencies = [("timeentries", "0012_period_is_open"), ("timeentries", "0014_price")]

    operations = [
        # Triggers keep it, which are made after the migrations: the table stays as it is.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddConstraint(
                    model_name="timeentry",
                    constraint=timeentries.billed.BilledStays(name="time_entry_billed_stays"),
                ),
            ]
        ),
    ]
