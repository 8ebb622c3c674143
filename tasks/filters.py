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

UNFINISHED = [Task.Status.TODO.value, Task.Status.IN_PROGRESS.value, Task.Status.REVIEW.value]


class TaskFilter(FilterSet):
    """Filters of `GET /tasks`."""

    project_id = IdFilter()
    status = ChoiceFilter(
        choices=Task.Status.choices, words={"active": UNFINISHED, "open": UNFINISHED}
    )
    assignee_id = IdFilter()
    search = SearchFilter("name", "description")
    updated_since = SinceFilter()
    external_id = ExternalIdFilter()

    class Meta:
        model = Task
        fields: list[str] = []
