from typing import Any

from django.db import migrations

from database.renewal import renew


def renew_texts(apps: Any, schema_editor: Any) -> None:
    model = apps.get_model("timeentries", "TimeEntry")
    renew(model, "notes", "tags")


class Migration(migrations.Migration):
    atomic = False  # each batch is a transaction of its own

    dependencies = [
        ("timeentries", "0010_folded_tags"),
    ]

    operations = [
        migrations.RunPython(renew_texts, migrations.RunPython.noop, elidable=True),
    ]
