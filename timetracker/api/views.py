"""What the service says of itself, and the errors that arise outside DRF."""

import sys

from django.conf import settings
from django.core.cache import caches
from django.db import Error, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import Resolver404, get_resolver, resolve, reverse
from django.views import defaults
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from timetracker.api.exceptions import (
    INTERNAL_ERROR,
    RETRY_UNAVAILABLE_AFTER,
    Unavailable,
    error_body,
)
from timetracker.api.openapi_answers import (
    HealthySerializer,
    InfoSerializer,
    UnhealthySerializer,
)
from timetracker.counters import CounterCache

API_PREFIX = "/api/"
VERSION_PREFIX = "api/v1/"


class PublicView(APIView):
    """A view that neither needs a token nor minds a bad one, and counts against no limit."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()


class InfoView(PublicView):
    """Tell the version of the service and where its endpoints are."""

    @extend_schema(responses=InfoSerializer)
    def get(self, request: Request) -> Response:
        """Return the versions, the documentation and a path for each endpoint."""
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


class HealthView(PublicView):
    """Tell whether the service can do its work."""

    @extend_schema(responses={200: HealthySerializer, 503: UnhealthySerializer})
    def get(self, request: Request) -> Response:
        """Return 200 `{"status": "healthy"}`, or 503 with what is wrong."""
        checks = {"database": _database_answers(), "cache": _cache_answers()}
        if all(checks.values()):
            return Response({"status": "healthy"})
        words = {name: "ok" if ok else "unavailable" for name, ok in checks.items()}
        return Response({"status": "unhealthy", "checks": words}, status=503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


def _cache_answers() -> bool:
    """Return whether Redis answers; counters in this process always do."""
    cache = caches["ratelimit"]
    return not isinstance(cache, CounterCache) or cache.answers()


def endpoints() -> dict[str, str]:
    """Return the paths of the URL conf that take no id, by name: `time_entries`, `timer_start`."""
    patterns = (str(entry.pattern).strip("^$") for entry in get_resolver().url_patterns)
    return {
        path.removeprefix(VERSION_PREFIX).replace("-", "_").replace("/", "_"): f"/{path}"
        for path in patterns
        if path.startswith(VERSION_PREFIX) and "(" not in path
    }


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django refuses before a view is reached."""
    if not request.path.startswith(API_PREFIX):
        return defaults.bad_request(request, exception)
    return _error(request, 400, "The request cannot be understood.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django forbids before a view is reached."""
    if not request.path.startswith(API_PREFIX):
        return defaults.permission_denied(request, exception)
    return _error(request, 403, "This is not allowed.")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path that no route matches; name the route that only a slash keeps away."""
    if not request.path.startswith(API_PREFIX):
        return defaults.page_not_found(request, exception)
    shorter = request.path.rstrip("/")
    hint = f"Leave out the slash at the end: {shorter}" if _is_route(shorter) else "See /api/docs."
    return _error(request, 404, f"There is nothing at {request.path}. {hint}")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a bug, or a database that is away, without a word of the cause."""
    if not request.path.startswith(API_PREFIX):
        return defaults.server_error(request)
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        response = _error(request, 503, str(Unavailable.default_detail))
        response["Retry-After"] = str(RETRY_UNAVAILABLE_AFTER)
        return response
    return _error(request, 500, INTERNAL_ERROR)


def _is_route(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def _error(request: HttpRequest, status: int, message: str) -> JsonResponse:
    request_id = getattr(request, "request_id", "")
    body = error_body(status, message, request_id=request_id)
    headers = getattr(request, "rate_limit_headers", {})
    return JsonResponse(body, status=status, headers=headers)
