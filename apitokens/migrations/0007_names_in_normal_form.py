from typing import Any

from django.db import migrations

from database.renewal import names_in_the_way, renew


def renew_texts(apps: Any, schema_editor: Any) -> None:
    model = apps.get_model("apitokens", "ApiToken")
    in_force = model.objects.filter(revoked_at=None, replaced_at=None)
    renew(model, "name", as_they_are=names_in_the_way(in_force, "user_id"))


class Migration(migrations.Migration):
    dependencies = [
        ("apitokens", "0006_folded_name"),
    ]

    operations = [
        migrations.RunPython(renew_texts, migrations.RunPython.noop, elidable=True),
    ]
