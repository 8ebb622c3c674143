"""The projects' endpoints."""

from rest_framework.request import Request
from rest_framework.response import Response

from api.viewsets import ResourceViewSet
from projects.filters import ProjectFilter
from projects.models import Project
from projects.serializers import ProjectSerializer


class ProjectViewSet(ResourceViewSet[Project]):
    """List, create, read, change and archive projects."""

    scope_resource = "projects"
    queryset = Project.objects.with_details()
    serializer_class = ProjectSerializer
    filterset_class = ProjectFilter
    removed = "archived"

    def destroy(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Archive a project. Its time entries remain; set `status` to `active` to restore it."""
        return super().destroy(request, *args, **kwargs)

    def remove(self, instance: Project) -> None:
        """Archive a project."""
        instance.archive()
