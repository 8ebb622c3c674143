from typing import Any

from django.db import migrations

from database.renewal import renew


def renew_texts(apps: Any, schema_editor: Any) -> None:
    model = apps.get_model("tasks", "Task")
    renew(model, "name", "description")


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0005_folded_texts"),
    ]

    operations = [
        migrations.RunPython(renew_texts, migrations.RunPython.noop, elidable=True),
    ]
