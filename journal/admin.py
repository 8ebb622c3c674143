"""The journal in the Django admin: to read, never to write."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from journal.journaled import Journaled, type_of
from journal.models import Change
from staff.filters import PersonFilter, TypedFilter
from staff.permissions import ReadOnly

UNNAMED = "unnamed_way"


class CallingTokenFilter(TypedFilter):
    """The changes that came with a token."""

    title = "token"
    parameter_name = "by_token"
    relation = "token"
    lookups_of_words = ("folded_name__holds", "prefix__icontains")


@admin.register(Change)
class ChangeAdmin(ReadOnly, admin.ModelAdmin[Change]):
    """Browse the journal; `prune_changes` deletes old changes."""

    list_display = ("changed_at", "row", "action", "changed", "user", "way", "request_id")
    list_display_links = None
    list_filter = ("type", "action", "changed_at", PersonFilter, CallingTokenFilter)
    list_per_page = 25
    list_select_related = ("user", "token")
    search_fields = ("=object_id", "=request_id")
    search_help_text = "Search by row id or request id."
    show_full_result_count = False
    actions = None

    @admin.display(description="object")
    def row(self, change: Change) -> str:
        """Return the row, with a link unless it was deleted."""
        name = f"{change.type.replace('_', ' ').capitalize()} {change.object_id}"
        model = _models().get(change.type)
        if model is None or change.action == Change.Action.DELETED:
            return name
        page = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
        return format_html('<a href="{}">{}</a>', reverse(page, args=[change.object_id]), name)

    @admin.display(description="fields")
    def changed(self, change: Change) -> str:
        """Return the fields that got another value."""
        return ", ".join(change.fields)

    def get_list_display(self, request: HttpRequest) -> Any:
        """Show token names only to users who may view tokens."""
        names = super().get_list_display(request)
        if request.user.has_perm("apitokens.view_apitoken"):
            return names
        return [UNNAMED if name == "way" else name for name in names]

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Offer the token filter only to users who may view tokens."""
        filters = super().get_list_filter(request)
        if request.user.has_perm("apitokens.view_apitoken"):
            return filters
        return [each for each in filters if each is not CallingTokenFilter]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Prevent guessing token names by filtering."""
        if lookup.startswith("token") and not request.user.has_perm("apitokens.view_apitoken"):
            return False
        return super().lookup_allowed(lookup, value, request)

    @admin.display(description="by way of")
    def unnamed_way(self, change: Change) -> str:
        """Return that it was an API token, the admin or a command."""
        return "API token" if change.token_id else self.way(change)

    @admin.display(description="by way of")
    def way(self, change: Change) -> str:
        """Return the token, or that it was the admin or a command."""
        if change.token_id:
            return str(change.token or f"API token {change.token_id}, deleted")
        return "Admin" if change.user_id else "Command"


def _models() -> dict[str, type[Model]]:
    return {type_of(model): model for model in apps.get_models() if issubclass(model, Journaled)}
