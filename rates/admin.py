"""Rates in the Django admin."""

from django.contrib import admin

from rates.models import Rate
from resources.admin import ModelAdmin


@admin.register(Rate)
class RateAdmin(ModelAdmin[Rate]):
    """Edit rates; the changes of a rate are in the journal."""

    list_display = ("project", "client", "user", "hourly_rate", "valid_from", "valid_until")
    list_select_related = ("project__client", "client", "user")
    autocomplete_fields = ("user", "client", "project")
    readonly_fields = ("valid_until", "created_at", "updated_at")
