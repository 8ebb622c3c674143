"""How a list of clients can be narrowed."""

from clients.models import Client
from timetracker.api.filters import ChoiceFilter, FilterSet, SearchFilter, SinceFilter


class ClientFilter(FilterSet):
    """Filters of `GET /clients`."""

    status = ChoiceFilter(choices=Client.Status.choices)
    search = SearchFilter("name", "email", "company")
    updated_since = SinceFilter()

    class Meta:
        model = Client
        fields: list[str] = []
