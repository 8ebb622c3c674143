from typing import Any

from django.db import migrations

from database.renewal import names_in_the_way, renew


def renew_texts(apps: Any, schema_editor: Any) -> None:
    model = apps.get_model("users", "User")
    kept = names_in_the_way(model.objects.all(), name="username")
    names = ("username", "first_name", "last_name")
    renew(model, *names, as_they_are=kept, name="username")


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0002_folded_names"),
    ]

    operations = [
        migrations.RunPython(renew_texts, migrations.RunPython.noop, elidable=True),
    ]
