"""What the service knows of webhooks as a resource."""

from django.utils import timezone

from registry.config import ApiAppConfig


class WebhooksConfig(ApiAppConfig):
    """Webhooks."""

    name = "webhooks"
    viewset = "webhooks.views.WebhookViewSet"
    section = "Access"
    in_feed = False  # no consumer of the feed gains from changes to its own webhooks
    scopes = {
        "read:webhooks": "View webhooks and their deliveries",
        "write:webhooks": "Create, update, delete, test and replay webhooks",
    }
    tags = {"Webhooks": "Events that are sent to your own server, signed and in order."}
    # Without its secret a webhook cannot sign, and the old installation may still be sending.
    left_out = {
        "sealed_secret": "",
        "secret_hint": "",
        "old_secrets": list,
        "active": False,
        "disabled_reason": "It was imported without its secret. Rotate it, then activate this.",
        "disabled_at": timezone.now,
        "last_delivered_at": None,
        "last_failed_at": None,
    }
    examples = {
        "Webhook": {
            "id": 3,
            "url": "https://hooks.example.com/timetracker",
            "description": "Invoicing",
            "events": ["time_entry.created", "timer.stopped"],
            "project_ids": [],
            "active": True,
            "owner_id": 2,
            "owner_name": "maria",
            "disabled_reason": None,
            "disabled_at": None,
            "last_delivered_at": None,
            "last_failed_at": None,
            "secret_hint": "…Qk4=",
        },
        "PatchedWebhookRequest": {"description": "Invoicing and payroll"},
    }
