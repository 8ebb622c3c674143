"""Clients in the Django admin."""

from django.contrib import admin

from clients.models import Client
from resources.admin import ModelAdmin


@admin.register(Client)
class ClientAdmin(ModelAdmin[Client]):
    """Search and edit clients."""

    list_display = ("name", "company", "email", "phone", "default_hourly_rate", "status")
    list_filter = ("status",)
    search_fields = ("folded_name__holds", "folded_company__holds", "folded_email__holds")
    readonly_fields = ("created_at", "updated_at")
