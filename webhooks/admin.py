"""Webhooks and their deliveries in the Django admin, for administrators only."""

from django.contrib import admin

from resources.admin import ModelAdmin
from webhooks.models import Webhook


@admin.register(Webhook)
class WebhookAdmin(ModelAdmin[Webhook]):
    """See all webhooks and how they are."""

    list_display = ("__str__", "user", "active", "last_delivered_at", "last_failed_at")
    list_select_related = ("user",)
    search_fields = ("folded_description__holds", "url")
    readonly_fields = ("created_at", "updated_at")
