"""Webhooks in the admin, with addresses and answers of any length."""

from django.urls import reverse
from django.utils import timezone

from tests.browser.visitor import Visitor
from tests.support.factories import make_client
from tests.webhooks.test_api import make_hook
from users.models import User
from webhooks.health import counted
from webhooks.models import Delivery, Queue, Webhook
from webhooks.queueing import fill_queues

ATTEMPT = {"at": "2026-11-27T09:00:00.000Z", "milliseconds": 10_000, "status": 500}
FAILED = ATTEMPT | {"error": "The receiver answered 500.", "answer": "x" * 2048}


def test_webhooks_and_deliveries_fit_and_can_be_used_by_everybody(
    visitor: Visitor, administrator: User
) -> None:
    hook = make_hook(administrator, description="Invoicing of the company's northern branch " * 4)
    active = make_hook(administrator)
    Webhook.objects.filter(pk=hook.pk).update(
        active=False, disabled_reason="Every delivery failed for five days."
    )
    Webhook.objects.exclude(pk=hook.pk).update(url=f"https://hooks.example.com/{'long' * 100}")
    for number in range(3):
        make_client(f"Client {number}")
    fill_queues()
    Queue.objects.update(attempts=counted({}, timezone.now(), 60, 5), last_error="The end.")
    Delivery.objects.update(attempts=[FAILED, FAILED], state="failed", tries=2)
    visitor.log_in(administrator)
    pages = {
        "webhooks": reverse("admin:webhooks_webhook_changelist"),
        "webhook": reverse("admin:webhooks_webhook_change", args=[hook.pk]),
        "active-webhook": reverse("admin:webhooks_webhook_change", args=[active.pk]),
        "deliveries": reverse("admin:webhooks_delivery_changelist"),
        "delivery": reverse(
            "admin:webhooks_delivery_change", args=[Delivery.objects.earliest("pk").pk]
        ),
    }
    for name, page in pages.items():
        visitor.open(page)
        visitor.look(name)
