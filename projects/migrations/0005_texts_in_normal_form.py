from typing import Any

from django.db import migrations

from database.renewal import names_in_the_way, renew


def renew_texts(apps: Any, schema_editor: Any) -> None:
    model = apps.get_model("projects", "Project")
    current = model.objects.exclude(client=None).exclude(status="archived")
    kept = names_in_the_way(current, "client_id")
    renew(model, "name", "description", as_they_are=kept)


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0004_folded_texts"),
    ]

    operations = [
        migrations.RunPython(renew_texts, migrations.RunPython.noop, elidable=True),
    ]
