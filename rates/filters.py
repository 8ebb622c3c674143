"""Filters of rates."""

from api.filters.base import ExternalIdFilter, FilterSet, IdFilter, SinceFilter
from rates.models import Rate


class RateFilter(FilterSet):
    """Filters of `GET /rates`."""

    user_id = IdFilter()
    client_id = IdFilter()
    project_id = IdFilter()
    updated_since = SinceFilter()
    external_id = ExternalIdFilter()

    class Meta:
        model = Rate
        fields: list[str] = []
