"""The projects' endpoints."""

from collections.abc import Sequence

from django.urls import reverse
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination.pages import PagePagination
from api.schema.answers import MessageSerializer, list_envelope
from api.views import ApiRequest
from api.viewsets import PageMixin, ResourceViewSet
from projects.filters import ProjectFilter
from projects.models import FavoriteProject, Project
from projects.serializers import FavoriteProjectSerializer, ProjectSerializer
from resources.integrity import constraints_as_errors
from resources.models import ResourceQuerySet

MARKED = inline_serializer(
    "FavoriteProjectWritten",
    {"message": serializers.CharField(), "favorite": FavoriteProjectSerializer()},
)


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


class FavoriteProjectViewSet(PageMixin[FavoriteProject]):
    """The projects that the user marked as favorites."""

    scope_resource = "projects"
    key, plural_key = "favorite", "favorites"
    queryset: ResourceQuerySet[FavoriteProject] = FavoriteProject.objects.all()
    serializer_class = FavoriteProjectSerializer

    def get_queryset(self) -> ResourceQuerySet[FavoriteProject]:
        return self.queryset.all().visible_to(self.request.user)

    def query_parameters(self) -> Sequence[str]:
        return PagePagination.parameters if self.action == "list" else ()

    @extend_schema(
        operation_id="favorite_projects_list",
        responses=list_envelope(FavoriteProjectSerializer, "favorites"),
    )
    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        """List your favorite projects: also archived ones, in the order you marked them in."""
        return super().list(request, *args, **kwargs)

    @extend_schema(
        operation_id="favorite_projects_create",
        responses=dict.fromkeys((200, 201), MARKED),
    )
    def create(self, request: ApiRequest) -> Response:
        """Create a favorite of a project: 200 if it is one already."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        project = serializer.validated_data["project"]
        with constraints_as_errors(FavoriteProject):
            favorite, is_new = FavoriteProject.objects.get_or_create(
                user_id=request.user.pk, project=project
            )
        shown = self.representation.of_row(self.representation.row_of(favorite), request.caller)
        body = {"message": "Project is a favorite", "favorite": shown}
        if not is_new:
            return Response(body)
        location = reverse("favorite-project", args=[project.pk])
        return Response(body, status=status.HTTP_201_CREATED, headers={"Location": location})

    @extend_schema(operation_id="favorite_projects_destroy", responses={200: MessageSerializer})
    def destroy(self, request: ApiRequest, project_id: str) -> Response:
        """Unmark a favorite project: 404 if it is not marked."""
        deleted, _ = self.get_queryset().filter(project=int(project_id)).delete()
        if not deleted:
            raise NotFound(f"Project {int(project_id)} is not one of your favorites.")
        return Response({"message": "Project is no longer a favorite"})
