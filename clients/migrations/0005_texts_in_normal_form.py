from typing import Any

from django.db import migrations

from database.renewal import renew, renew_keys


def renew_texts(apps: Any, schema_editor: Any) -> None:
    model = apps.get_model("clients", "Client")
    renew(model, "name", "company", "address", but=["folded_name"])
    renew_keys(model.objects.all())


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0004_folded_texts"),
    ]

    operations = [
        migrations.RunPython(renew_texts, migrations.RunPython.noop, elidable=True),
    ]
