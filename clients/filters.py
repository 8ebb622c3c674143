"""Filters of clients."""

from api.filters.base import ChoiceFilter, ExternalIdFilter, FilterSet, SearchFilter, SinceFilter
from clients.models import Client


class ClientFilter(FilterSet):
    """Filters of `GET /clients`."""

    status = ChoiceFilter(choices=Client.Status.choices)
    search = SearchFilter("name", "email", "company")
    updated_since = SinceFilter()
    external_id = ExternalIdFilter()

    class Meta:
        model = Client
        fields: list[str] = []
