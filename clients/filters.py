"""How a list of clients can be narrowed."""

from clients.models import Client
from timetracker.api.filters import (
    ChoiceFilter,
    ExternalIdFilter,
    FilterSet,
    SearchFilter,
    SinceFilter,
)


class ClientFilter(FilterSet):
    """Filters of `GET /clients`."""

    status = ChoiceFilter(choices=Client.Status.choices)
    search = SearchFilter("name", "email", "company")
    updated_since = SinceFilter()
    external_id = ExternalIdFilter()

    class Meta:
        model = Client
        fields: list[str] = []
