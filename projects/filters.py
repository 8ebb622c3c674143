"""Filters of projects."""

from api.filters.base import (
    ChoiceFilter,
    ExternalIdFilter,
    FilterSet,
    IdFilter,
    SearchFilter,
    SinceFilter,
)
from projects.models import Project


class ProjectFilter(FilterSet):
    """Filters of `GET /projects`."""

    status = ChoiceFilter(choices=Project.Status.choices)
    client_id = IdFilter()
    search = SearchFilter("name", "description")
    updated_since = SinceFilter()
    external_id = ExternalIdFilter()

    class Meta:
        model = Project
        fields: list[str] = []
