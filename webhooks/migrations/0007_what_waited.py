from typing import Any

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Max

REASON = "The webhook was deactivated."


def end_what_waits(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    """Let the sender give up what waits for webhooks that are not active, with a reason."""
    inactive: Any = apps.get_model("webhooks", "Webhook").objects.filter(active=False)
    endings: Any = apps.get_model("webhooks", "Ending").objects
    queues: Any = apps.get_model("webhooks", "Queue").objects
    for pk, reason in inactive.values_list("pk", "disabled_reason"):
        if queues.filter(pk=pk, activation=0).update(activation=1, wake_at=None):
            endings.create(webhook_id=pk, activation=0, reason=reason or REASON)


def pass_what_was_delivered(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    """Hold up nothing for failures before 0003, which were overtaken already."""
    queues: Any = apps.get_model("webhooks", "Queue").objects
    deliveries: Any = apps.get_model("webhooks", "Delivery").objects
    for pk in queues.filter(passed=0).values_list("pk", flat=True):
        delivered = deliveries.filter(webhook=pk, state="delivered")
        if last := delivered.aggregate(last=Max("seq"))["last"]:
            queues.filter(pk=pk).update(passed=last)


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0006_ending")]

    operations = [
        migrations.RunPython(end_what_waits, migrations.RunPython.noop),
        migrations.RunPython(pass_what_was_delivered, migrations.RunPython.noop),
    ]
