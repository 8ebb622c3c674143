"""Webhooks and their deliveries in the Django admin, for administrators only."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from resources.admin import ModelAdmin
from staff.filters import PersonFilter
from webhooks.events import TEST
from webhooks.models import Delivery, Webhook
from webhooks.queueing import put_back

NONE_ACTIVE = "None of these webhooks is active."


class ForAdministrators:
    """Permissions of what shows secrets of others, or what strangers answered."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the menu to administrators."""
        return request.user.is_superuser

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Administrators may see everything."""
        return request.user.is_superuser

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody: whoever receives the events creates the webhook, and gets its secret."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Administrators may."""
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Administrators may."""
        return request.user.is_superuser


@admin.register(Webhook)
class WebhookAdmin(ForAdministrators, ModelAdmin[Webhook]):
    """See all webhooks and how they are doing; test them, and switch them on and off."""

    list_display = (
        "__str__",
        "user",
        "active",
        "disabled_reason",
        "last_delivered_at",
        "last_failed_at",
    )
    list_filter = ("active", PersonFilter)
    list_select_related = ("user",)
    search_fields = ("folded_description__holds", "url")
    readonly_fields = (
        *("url", "events", "project_ids", "user", "secret_hint"),
        *("disabled_reason", "disabled_at", "last_delivered_at", "last_failed_at"),
        *("created_at", "updated_at"),
    )
    actions = ("send_test",)

    @admin.action(description="Send a test event")
    def send_test(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        """Put a test into the queue of each webhook that is active."""
        active = list(queryset.filter(active=True))
        for webhook in active:
            put_back(Delivery(webhook=webhook, event=TEST))
        if active:
            self.message_user(request, f"Tests on their way: {len(active)}.")
        else:
            self.message_user(request, NONE_ACTIVE, messages.WARNING)


@admin.register(Delivery)
class DeliveryAdmin(ForAdministrators, admin.ModelAdmin[Delivery]):
    """See what was sent, and send it again."""

    list_display = ("created_at", "webhook", "event", "object_id", "state", "tries", "last_error")
    list_filter = ("state", "event")
    list_select_related = ("webhook",)
    list_per_page = 25
    search_fields = ("=message_id", "=object_id")
    search_help_text = "A webhook-id, or the id of a row."
    show_full_result_count = False
    fields = (
        *("webhook", "message_id", "event", "seq", "object_id", "state", "next_attempt_at"),
        *("created_at", "delivered_at", "all_attempts"),
    )
    readonly_fields = fields
    actions = ("send_again",)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody: a delivery is what happened."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody: `prune_webhook_deliveries` deletes old ones."""
        return False

    @admin.display(description="last error")
    def last_error(self, delivery: Delivery) -> str:
        """Return why the last attempt failed."""
        return str((delivery.attempts[-1]["error"] if delivery.attempts else None) or "")

    @admin.display(description="attempts")
    def all_attempts(self, delivery: Delivery) -> SafeString:
        """Return each attempt with the answer; its text is a stranger's, and escaped."""
        shown: Any = (
            (
                attempt["at"],
                attempt["milliseconds"],
                attempt["error"] or f"Answered {attempt['status']}.",
                attempt["answer"],
            )
            for attempt in delivery.attempts
        )
        items = format_html_join("", "<li>{} after {} ms: {}<br><code>{}</code></li>", shown)
        return format_html('<ol class="attempts">{}</ol>', items)

    @admin.action(description="Send again", permissions=["view"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Put deliveries of active webhooks back into their queues."""
        active = list(queryset.filter(webhook__active=True))
        for delivery in active:
            put_back(delivery)
        if active:
            self.message_user(request, f"Deliveries on their way again: {len(active)}.")
        else:
            self.message_user(request, NONE_ACTIVE, messages.WARNING)
