"""Filters of tasks."""

from api.filters.base import (
    ChoiceFilter,
    ExternalIdFilter,
    FilterSet,
    IdFilter,
    SearchFilter,
    SinceFilter,
)
from tasks.models import Task


class TaskFilter(FilterSet):
    """Filters of `GET /tasks`."""

    project_id = IdFilter()
    status = ChoiceFilter(choices=Task.Status.choices)
    assignee_id = IdFilter()
    search = SearchFilter("name", "description")
    updated_since = SinceFilter()
    external_id = ExternalIdFilter()

    class Meta:
        model = Task
        fields: list[str] = []
