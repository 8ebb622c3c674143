"""Webhooks and their deliveries in the Django admin, for administrators only."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, IntegerField, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import pluralize
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from resources.admin import ModelAdmin
from resources.refusals import Refusal
from staff.filters import PersonFilter
from staff.permissions import AdministratorsOnly, ReadOnly
from webhooks.events import TEST
from webhooks.health import Health
from webhooks.models import Delivery, Webhook
from webhooks.queueing import put_back

NONE_ACTIVE = "None of these webhooks is active."
MOST_COUNTED = 1_000


class RowCount(Subquery):
    """The number of rows of a subquery."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def _count(state: str) -> RowCount:
    """Count a webhook's deliveries in a state, few enough to be quick: a million may wait."""
    found = Delivery.objects.filter(
        webhook=OuterRef("pk"), activation=OuterRef("queue__activation"), state=state
    ).order_by()
    return RowCount(found.values("pk")[: MOST_COUNTED + 1])


def _at_most(count: int) -> str:
    return f"{count}" if count <= MOST_COUNTED else f"over {MOST_COUNTED:,}"


def _put_back(deliveries: Iterable[Delivery]) -> int:
    """Put deliveries of active webhooks into their queues; return how many."""
    count = 0
    for delivery in deliveries:
        with suppress(Refusal):
            put_back(delivery)
            count += 1
    return count


@admin.register(Webhook)
class WebhookAdmin(AdministratorsOnly, ModelAdmin[Webhook]):
    """See all webhooks and how they are doing; test them, and switch them on and off."""

    list_display = (
        *("__str__", "user", "active", "last_24_hours", "waiting", "failed"),
        *("last_error", "last_delivered_at"),
    )
    list_filter = ("active", PersonFilter)
    list_select_related = ("user", "queue")
    search_fields = ("folded_description__holds", "url")
    exclude = ("events", "project_ids")  # JSON, which only the API judges
    readonly_fields = (
        *("url", "listed_events", "listed_projects", "user", "secret_hint"),
        *("disabled_reason", "disabled_at", "last_delivered_at", "last_failed_at"),
        *("created_at", "updated_at"),
    )
    actions = ("send_test",)

    class Media:
        css = {"all": ("webhooks/webhooks.css",)}

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody: whoever receives the events creates the webhook, and gets its secret."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        """Add to each webhook how many of its deliveries wait, and how many failed."""
        counts = {
            "to_send": _count(Delivery.State.WAITING),
            "to_retry": _count(Delivery.State.FAILED),
        }
        return super().get_queryset(request).annotate(**counts)

    def get_deleted_objects(
        self, objs: Iterable[Webhook], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Return what is deleted: webhooks, with deliveries that nobody may delete alone."""
        webhooks = [str(webhook) for webhook in objs]
        return webhooks, {"webhooks": len(webhooks)}, set(), []

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """Add the webhook's health to the page."""
        webhook = self.get_object(request, object_id)
        if webhook is not None:
            deliveries = reverse("admin:webhooks_delivery_changelist")
            extra_context = {
                "health": Health(webhook.queue.attempts, timezone.now()),
                "last_error": webhook.queue.last_error,
                "waiting": self.waiting(webhook),
                "failed": self.failed(webhook),
                "deliveries": f"{deliveries}?webhook__id__exact={webhook.pk}",
            }
        return super().change_view(request, object_id, form_url, extra_context)

    @admin.display(description="events")
    def listed_events(self, webhook: Webhook) -> str:
        """Return the names of the events."""
        return ", ".join(webhook.events)

    @admin.display(description="projects")
    def listed_projects(self, webhook: Webhook) -> str:
        """Return the ids of the projects."""
        return ", ".join(map(str, webhook.project_ids or ())) or "All"

    @admin.display(description="last 24 hours")
    def last_24_hours(self, webhook: Webhook) -> str:
        """Return the share of attempts that were delivered, with a chart of the hours."""
        context = {"health": Health(webhook.queue.attempts, timezone.now())}
        return render_to_string("admin/webhooks/webhook/health_small.html", context)

    @admin.display
    def waiting(self, webhook: Webhook) -> str:
        """Return how many deliveries are to be sent for the first time."""
        return _at_most(webhook.to_send)

    @admin.display
    def failed(self, webhook: Webhook) -> str:
        """Return how many deliveries failed and will be tried again."""
        return _at_most(webhook.to_retry)

    @admin.display
    def last_error(self, webhook: Webhook) -> str:
        """Return why it was disabled, or else why the last attempt that failed did."""
        return webhook.disabled_reason or webhook.queue.last_error

    @admin.action(description="Send a test event")
    def send_test(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        """Put a test into the queue of each webhook that is active."""
        count = _put_back(Delivery(webhook=webhook, event=TEST) for webhook in queryset)
        if count:
            self.message_user(request, f"{count} test{pluralize(count)} will be sent.")
        else:
            self.message_user(request, NONE_ACTIVE, messages.WARNING)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly, AdministratorsOnly, admin.ModelAdmin[Delivery]):
    """See what was sent, and send it again; `prune_webhook_deliveries` deletes old ones."""

    list_display = ("created_at", "webhook", "event", "row_id", "state", "tries", "last_error")
    list_filter = ("state", "event")
    list_select_related = ("webhook",)
    list_per_page = 25
    search_fields = ("=message_id", "=object_id")
    search_help_text = "Search by webhook-id or row id."
    show_full_result_count = False
    fields = (
        *("webhook", "message_id", "event", "seq", "row_id", "state", "next_attempt_at"),
        *("created_at", "delivered_at", "all_attempts"),
    )
    readonly_fields = fields
    actions = ("send_again",)

    class Media:
        css = {"all": ("webhooks/webhooks.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        """Leave out what a deleted webhook has left."""
        webhook = Webhook.objects.filter(pk=OuterRef("webhook"))
        return super().get_queryset(request).filter(Exists(webhook))

    def get_urls(self) -> list[URLPattern]:
        """Add what the button on the page of a delivery posts to."""
        view = self.admin_site.admin_view(require_POST(self.send_one_again))
        return [
            path("<int:pk>/send-again/", view, name="webhooks_delivery_send_again"),
            *super().get_urls(),
        ]

    def send_one_again(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Put one delivery back into its queue, and show it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        self.send_again(request, self.get_queryset(request).filter(pk=pk))
        return redirect("admin:webhooks_delivery_change", pk)

    @admin.display(description="row id", ordering="object_id")
    def row_id(self, delivery: Delivery) -> int | None:
        """Return the id of the row that the event is about."""
        return delivery.object_id

    @admin.display(description="last error")
    def last_error(self, delivery: Delivery) -> str:
        """Return why the last attempt failed."""
        return str((delivery.attempts[-1]["error"] if delivery.attempts else None) or "")

    @admin.display(description="attempts")
    def all_attempts(self, delivery: Delivery) -> SafeString:
        """Return each attempt with the answer; its text is a stranger's, and escaped."""
        shown = (
            (
                f"{timezone.localtime(datetime.fromisoformat(attempt['at'])):%Y-%m-%d %H:%M:%S}",
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
        if count := _put_back(queryset):
            sent = f"{count} deliver{pluralize(count, 'y,ies')}"
            self.message_user(request, f"{sent} will be sent again.")
        else:
            self.message_user(request, NONE_ACTIVE, messages.WARNING)
