"""Rates in the Django admin, for administrators only, as in the API."""

from contextlib import suppress
from datetime import date

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from rates.models import ALWAYS, Rate, lock_places, settled
from resources.admin import ModelAdmin
from staff.filters import PersonFilter
from staff.permissions import AdministratorsOnly


@admin.register(Rate)
class RateAdmin(AdministratorsOnly, ModelAdmin[Rate]):
    """Edit rates; the changes of a rate are in the journal."""

    list_display = ("what_for", "price", "first_day", "valid_until")
    list_select_related = ("project__client", "client", "user")
    list_filter = (PersonFilter,)
    search_fields = ("project__folded_name__holds", "client__folded_name__holds")
    autocomplete_fields = ("user", "client", "project")
    readonly_fields = ("valid_until", "created_at", "updated_at")

    @admin.display(description="for")
    def what_for(self, rate: Rate) -> str:
        """Return whom or what the rate is for."""
        return rate.what_for

    @admin.display(description="hourly rate", ordering="hourly_rate", empty_value="none")
    def price(self, rate: Rate) -> str | None:
        """Return the rate and its currency; a user's has that of the client it is used for."""
        if rate.hourly_rate is None:
            return None
        return f"{rate.hourly_rate} {rate.currency or ''}".strip()

    @admin.display(description="valid from", ordering="valid_from", empty_value="always")
    def first_day(self, rate: Rate) -> date | None:
        """Return the first day; nothing for always."""
        return None if rate.valid_from == ALWAYS else rate.valid_from

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Rate | None:
        """Return a rate; one that is going to be written is locked after what it is for."""
        if request.method == "POST":
            with suppress(ValidationError):  # Django answers what is no id
                lock_places(Rate.objects.filter(pk=Rate._meta.pk.to_python(object_id)))
        return super().get_object(request, object_id, from_field)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Rate]) -> None:
        """Delete rates, and let those before them go on."""
        with settled({rate.place for rate in queryset}):
            super().delete_queryset(request, queryset)
