from django.db import migrations, models

from database import online


class Migration(migrations.Migration):
    atomic = False  # indexes are built beside writers

    dependencies = [("tallies", "0006_folds")]

    operations = [
        online.AddIndex(
            "tally",
            models.Index(
                condition=models.Q(fresh=True),
                fields=["xid", "kind", "key", "day"],
                name="tally_fresh_since",
            ),
        ),
        online.RemoveIndex("tally", "tally_fresh"),
    ]
