"""Tasks on the wire."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.serializers.base import ModelSerializer
from api.serializers.fields import AlsoAccepted, IntegerField
from api.serializers.representation import ComputedField
from tasks.models import Task

PRIORITY_NAMES = {priority.name.lower(): priority.value for priority in Task.Priority}


def name_of(priority: int) -> str:
    """Return the name of the priority: low, medium, high or urgent."""
    return Task.Priority(priority).name.lower()


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": len(PRIORITY_NAMES)})
class PriorityField(IntegerField):
    """A priority from 1 to 4, or its name."""

    also_accepted: AlsoAccepted = (
        f"its name ({', '.join(PRIORITY_NAMES)})",
        {"type": "string", "enum": list(PRIORITY_NAMES)},
    )

    def to_internal_value(self, data: object) -> int:
        """Return the number of a priority."""
        number = PRIORITY_NAMES.get(data, data) if isinstance(data, str) else data
        if isinstance(number, bool) or number not in PRIORITY_NAMES.values():
            names = ", ".join(f"{value} ({name})" for name, value in PRIORITY_NAMES.items())
            raise serializers.ValidationError(f"Must be one of: {names}.")
        return next(value for value in PRIORITY_NAMES.values() if value == number)


class TaskSerializer(ModelSerializer[Task]):
    """A task of a project."""

    project_name = serializers.CharField(source="project.name", read_only=True)
    priority = PriorityField(required=False)
    priority_name = ComputedField(name_of, "priority")

    class Meta:
        model = Task
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
