"""The tasks' endpoints."""

from api.bulk.views import BulkMixin
from tasks.filters import TaskFilter
from tasks.models import Task
from tasks.serializers import TaskSerializer


class TaskViewSet(BulkMixin[Task]):
    """List, create, read, change and delete tasks."""

    scope_resource = "tasks"
    queryset = Task.objects.with_details()
    serializer_class = TaskSerializer
    filterset_class = TaskFilter
