"""Tasks on the wire."""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import APIException

from projects.archiving import held_open, refusal_of
from tasks.models import Task
from timetracker.api.fields import IntegerField
from timetracker.api.models import refuse_if_used
from timetracker.api.representation import ComputedField
from timetracker.api.serializers import ModelSerializer

PRIORITY_NAMES = {priority.name.lower(): priority.value for priority in Task.Priority}


def name_of(priority: int) -> str:
    """Return the name of a priority: low, medium, high or urgent."""
    return Task.Priority(priority).name.lower()


class PriorityField(IntegerField):
    """A priority from 1 to 4, or its name."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number of a priority."""
        number = PRIORITY_NAMES.get(data, data) if isinstance(data, str) else data
        if isinstance(number, bool) or number not in PRIORITY_NAMES.values():
            names = ", ".join(f"{value} ({name})" for name, value in PRIORITY_NAMES.items())
            raise serializers.ValidationError(f"Choose one of: {names}.")
        return int(number)


class TaskSerializer(ModelSerializer[Task]):
    """A task of a project."""

    project_name = serializers.CharField(source="project.name", read_only=True)
    priority = PriorityField(required=False)
    priority_name = ComputedField(name_of, "priority")

    class Meta:
        model = Task
        held = "project_id"  # against archiving, see held_open
        fields = [
            "id",
            "name",
            "description",
            "project_id",
            "project_name",
            "status",
            "priority",
            "priority_name",
            "assignee_id",
            "due_date",
            "estimated_hours",
            "completed_at",
            "created_at",
            "updated_at",
            "version",
            "external_id",
        ]
        # The original's desktop client sends it.
        accepted_and_ignored = ("kanban_column",)

    def create_all(self, rows: Sequence[dict[str, Any]]) -> list[Task]:
        """Insert tasks, unless a project of theirs is archived."""
        with held_open(*(row["project"] for row in rows)):
            return super().create_all(rows)

    def refusal_of(self, instance: Task) -> APIException | None:
        """Return the 409 of a task in an archived project."""
        return refusal_of(instance.project.status)

    def update(self, instance: Task, validated_data: dict[str, Any]) -> Task:
        """Change a task; with time entries, or into an archived project, it cannot move."""
        project = validated_data.get("project", instance.project)
        if project == instance.project:
            return super().update(instance, validated_data)
        refuse_if_used(instance)
        with held_open(project):
            return super().update(instance, validated_data)
