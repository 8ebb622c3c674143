"""Pages of other origins may call the API: the CORS protocol of the Fetch standard.

The API reads no cookies and never allows credentials, so a page can do what its token allows, and
nothing in the name of its visitor.
"""

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from edge.arrival import is_api

GetResponse = Callable[[HttpRequest], HttpResponse]

ANY_ORIGIN = "*"
EXPOSED = (
    *("ETag", "Location", "Retry-After", "Content-Disposition", "Idempotency-Replayed"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-ID"),
)
SENT = (
    *("Authorization", "X-API-Key", "Content-Type", "Accept", "Idempotency-Key"),
    *("If-Match", "If-None-Match", "X-Request-ID"),
)
ANSWER_TO_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": ", ".join(SENT),
    "Access-Control-Max-Age": "7200",  # seconds; Chromium keeps it no longer
}


def headers_for(origin: str | None) -> dict[str, str]:
    """Return the headers by which a browser shows an answer to a page of an origin."""
    allowed = settings.CORS_ALLOWED_ORIGINS
    shown = ANY_ORIGIN if ANY_ORIGIN in allowed else origin
    if shown is None or shown not in allowed:
        return {}
    return {
        "Access-Control-Allow-Origin": shown,
        "Access-Control-Expose-Headers": ", ".join(EXPOSED),
    }


def depends_on_origin() -> bool:
    """Return whether pages of some origins see answers that pages of others do not."""
    return ANY_ORIGIN not in settings.CORS_ALLOWED_ORIGINS


class CorsMiddleware:
    """Show every answer of the API to pages, refusals by other middleware included."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if is_api(request.path):
            for name, value in headers_for(request.META.get("HTTP_ORIGIN")).items():
                response[name] = value
            if depends_on_origin():
                patch_vary_headers(response, ("Origin",))
        return response


class PreflightMiddleware:
    """Answer a browser's question whether a page may send a request.

    The question has no token: it comes before authentication and counts for no limit. Its answer
    is the same for every path and method, so it reveals nothing.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "OPTIONS" and _is_preflight(request):
            response = HttpResponse(status=HTTPStatus.NO_CONTENT, headers=ANSWER_TO_PREFLIGHT)
            del response["Content-Type"]
            return response
        return self.get_response(request)


def _is_preflight(request: HttpRequest) -> bool:
    asked = {"HTTP_ORIGIN", "HTTP_ACCESS_CONTROL_REQUEST_METHOD"}
    return asked <= request.META.keys() and is_api(request.path)
