"""Filters of rates."""

from django.db.models import QuerySet

from api.exceptions import AccessDenied
from api.filters.base import ExternalIdFilter, FilterSet, IdFilter, SinceFilter
from rates.models import Rate


class RateFilter(FilterSet):
    """Filters of `GET /rates`."""

    user_id = IdFilter(
        method="filter_user", help_text="Only administrators may use another user's id."
    )
    client_id = IdFilter()
    project_id = IdFilter()
    updated_since = SinceFilter()
    external_id = ExternalIdFilter()

    class Meta:
        model = Rate
        fields: list[str] = []

    def filter_user(self, queryset: QuerySet[Rate], name: str, user_id: int) -> QuerySet[Rate]:
        """Keep a user's rates; 403 for another user's id unless an administrator asks."""
        if not self.user.is_superuser and user_id != self.user.pk:
            raise AccessDenied("You can only access your own rates and the shared ones.")
        return queryset.filter(user_id=user_id)
