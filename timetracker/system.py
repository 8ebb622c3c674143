"""The info endpoint, and errors raised outside DRF."""

import logging
import re
import sys

from django.conf import settings
from django.core.exceptions import BadRequest, DisallowedHost, PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import Resolver404, get_resolver, resolve, reverse
from django.views import defaults
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.exceptions import (
    INTERNAL_ERROR,
    RETRY_UNAVAILABLE_AFTER,
    Unavailable,
    error_body,
    is_unavailable,
    log_unavailable,
)
from api.views import PublicView
from edge.arrival import HttpsRequired, is_api
from staff.rights import RightsChanged

VERSION_PREFIX = "api/v1/"
SLASHES = re.compile("//+")
LONGEST_HOST = 255  # in DNS; of a longer one the log has the beginning

security_log = logging.getLogger("timetracker.security")


class ServiceInfoSerializer(serializers.Serializer[object]):
    """The service, its version and its endpoints."""

    api_version = serializers.CharField()
    app_version = serializers.CharField()
    documentation_url = serializers.CharField()
    endpoints = serializers.DictField(child=serializers.CharField(), help_text="Paths by name.")
    setup_required = serializers.BooleanField()
    timezone = serializers.CharField(help_text="The server's; a user may have another.")


class InfoView(PublicView):
    """Get the version of the service and its endpoints."""

    failures = (400,)  # a Host that is not ours

    @extend_schema(responses=ServiceInfoSerializer)
    def get(self, request: Request) -> Response:
        """Return the versions, the documentation URL and the path of each endpoint."""
        return Response(
            {
                "api_version": "v1",
                "app_version": settings.APP_VERSION,
                "documentation_url": reverse("docs"),
                "endpoints": endpoints(),
                "setup_required": False,
                "timezone": settings.TIME_ZONE,
            }
        )


def endpoints() -> dict[str, str]:
    """Return the paths of the URL conf that take no id, by name: `time_entries`, `timer_start`."""
    patterns = (str(entry.pattern).strip("^$") for entry in get_resolver().url_patterns)
    return {
        path.removeprefix(VERSION_PREFIX).replace("-", "_").replace("/", "_"): f"/{path}"
        for path in patterns
        if path.startswith(VERSION_PREFIX) and not {"(", "<"} & {*path}
    }


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Handle 400 errors raised before a view; log unknown hosts."""
    if isinstance(exception, DisallowedHost):
        host = request.META.get("HTTP_HOST", "")[:LONGEST_HOST]
        security_log.warning("Host refused", extra={"host": host})
    if not is_api(request.path):
        return defaults.bad_request(request, exception)
    return _error(request, 400, _why_bad(exception))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Handle 403 errors raised before a view."""
    if not is_api(request.path):
        shown = exception if isinstance(exception, RightsChanged) else PermissionDenied()
        return defaults.permission_denied(request, shown)
    is_ours = isinstance(exception, HttpsRequired)
    return _error(
        request, 403, str(exception) if is_ours else "You do not have permission to do this."
    )


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path that no route matches; name the route that only a slash keeps away."""
    if not is_api(request.path):
        return defaults.page_not_found(request, exception)
    return _error(request, 404, f"No endpoint at {request.path}. {_hint(request.path)}")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a bug, or a database that is away, without a word of the cause."""
    if not is_api(request.path):
        return defaults.server_error(request)
    error = sys.exc_info()[1]
    if error is not None and is_unavailable(error):
        log_unavailable(error)
        response = _error(request, 503, str(Unavailable.default_detail))
        response["Retry-After"] = str(RETRY_UNAVAILABLE_AFTER)
        return response
    return _error(request, 500, INTERNAL_ERROR)


def _why_bad(exception: Exception) -> str:
    if isinstance(exception, DisallowedHost):
        return "The Host header does not name this service."
    known = isinstance(exception, BadRequest)
    return (known and str(exception)) or "The request could not be understood."


def _hint(path: str) -> str:
    """Suggest the route that differs only in slashes."""
    shorter = path.rstrip("/")
    if _is_route(shorter):
        return f"Remove the trailing slash: {shorter}"
    single = SLASHES.sub("/", shorter)
    return f"Remove the repeated slashes: {single}" if _is_route(single) else "See /api/docs."


def _is_route(path: str) -> bool:
    try:
        view = resolve(path).func
    except Resolver404:
        return False
    return getattr(getattr(view, "cls", None), "published", True)


def _error(request: HttpRequest, status: int, message: str) -> JsonResponse:
    request_id = getattr(request, "request_id", "")
    body = error_body(status, message, request_id=request_id)
    headers = getattr(request, "rate_limit_headers", {})
    return JsonResponse(body, status=status, headers=headers)
