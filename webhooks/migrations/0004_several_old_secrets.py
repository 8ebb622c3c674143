from datetime import datetime
from typing import Any

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def to_list(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    webhooks: Any = apps.get_model("webhooks", "Webhook").objects
    rotated = webhooks.exclude(old_secret_until=None)
    for pk, sealed, until in rotated.values_list("pk", "sealed_old_secret", "old_secret_until"):
        old = [{"sealed": sealed, "until": until.isoformat()}]
        webhooks.filter(pk=pk).update(old_secrets=old)


def to_columns(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    """Keep the newest: there is a column for one."""
    webhooks: Any = apps.get_model("webhooks", "Webhook").objects
    for pk, old in webhooks.exclude(old_secrets=[]).values_list("pk", "old_secrets"):
        until = datetime.fromisoformat(old[0]["until"])
        webhooks.filter(pk=pk).update(sealed_old_secret=old[0]["sealed"], old_secret_until=until)


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0003_order_kept")]

    operations = [
        migrations.AddField(
            model_name="webhook",
            name="old_secrets",
            field=models.JSONField(default=list, editable=False),
        ),
        migrations.RunPython(to_list, to_columns),
        migrations.RemoveField(model_name="webhook", name="old_secret_until"),
        migrations.RemoveField(model_name="webhook", name="sealed_old_secret"),
    ]
