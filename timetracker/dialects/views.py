"""Endpoints for tokens with a dialect. For all others there is nothing here: 404, as elsewhere."""

from django.http import Http404
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from api.exceptions import ApiError, BadRequest
from api.serializers.fields import id_of
from api.views import ApiRequest, ApiView
from apitokens.dialects import spoken_by
from tasks.models import Task
from timeentries.timer import running_timer


class DialectView(ApiView):
    """A view of the original's, for its apps."""

    published = False
    schema = None  # not in the OpenAPI document

    def perform_authentication(self, request: Request) -> None:
        """Authenticate; 404 as for an unknown path if that fails or the token has no dialect."""
        try:
            super().perform_authentication(request)
        except APIException:
            raise Http404 from None
        if request.auth is None or spoken_by(self.request.auth) is None:
            raise Http404

    def handle_exception(self, exc: Exception) -> Response:
        """Leave what is not there to the handler of unknown paths."""
        if isinstance(exc, Http404):
            raise exc
        response: Response = super().handle_exception(exc)
        return response


class HeartbeatView(DialectView):
    """Report that somebody is at the desk. Nothing is stored."""

    scope_resource = "time_entries"

    def post(self, request: ApiRequest) -> Response:
        """Return 204; 400 `no_active_timer` if no timer is running."""
        if not running_timer(request.user).exists():
            raise BadRequest("There is no active timer.", "no_active_timer")
        return Response(status=204)


class KanbanColumnsView(DialectView):
    """List the columns of a board: the statuses of tasks, the same for all projects."""

    scope_resource = "tasks"

    def query_parameters(self) -> list[str]:
        return ["project_id"]

    def get(self, request: ApiRequest) -> Response:
        """Return the columns in their order."""
        try:
            id_of(request.query_params.get("project_id", "0"))
        except ValidationError as error:
            raise ValidationError({"project_id": error.detail}) from error
        columns = [_column(number, status) for number, status in enumerate(Task.Status)]
        return Response({"columns": columns})


class ModuleDisabled(ApiError):
    """404: a part of the original that is not part of this service."""

    status_code = 404
    default_code = "module_disabled"

    def __init__(self, module: str) -> None:
        super().__init__("See /api/docs for what this server has.")
        self.error = f"Module disabled: {module} is not part of this server"


class ModuleView(DialectView):
    """All paths and methods of a module that is not here; the apps show the sentence."""

    any_scope = True

    def check_permissions(self, request: Request) -> None:
        """Refuse before anything of the request is read, with the name of the module."""
        raise ModuleDisabled(self.kwargs["module"])

    def get(self, request: ApiRequest, **kwargs: str) -> Response:
        """Never called, as the methods below."""
        raise NotImplementedError

    post = put = patch = delete = get


def _column(number: int, status: Task.Status) -> dict[str, object]:
    """Return a status as a column of the original's board."""
    return {
        "id": number + 1,
        "key": status.value,
        "status": status.value,
        "name": status.label,
        "label": status.label,
        "position": number,
        "wip_limit": None,
        "is_active": True,
        "is_system": True,
        "is_complete_state": status == Task.Status.DONE,
        "project_id": None,
    }
