"""Middleware for every response: headers, request ids and the access log."""

import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus

import structlog
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin

from edge.tracing import trace_of
from metrics.routes import route_of
from ratelimit.client_address import client_address, comes_from_proxy

GetResponse = Callable[[HttpRequest], HttpResponse]

SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
# Redoc runs its search in a worker made from a blob; both pages style elements inline.
DOCS_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'"
)
ADMIN_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

access_log = logging.getLogger("timetracker.access")
security_log = logging.getLogger("timetracker.security")


class RequestIdMiddleware:
    """Give every request an id (the caller's X-Request-ID if it is sane) and log its answer.

    All lines of a request have its id and address, and its user and the token's prefix once they
    are known (apitokens.authentication).
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        request_id = sane_request_id(request.META.get("HTTP_X_REQUEST_ID", ""))
        request.request_id = request_id  # type: ignore[attr-defined]
        address = str(client_address(request) or "unknown")
        structlog.contextvars.bind_contextvars(
            request_id=request_id, address=address, **trace_of(request)
        )
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = request_id
            milliseconds = round((time.perf_counter() - started) * 1000, 1)
            if user_id := _user_of_session(request):
                structlog.contextvars.bind_contextvars(user_id=user_id)
            if response.status_code == HTTPStatus.FORBIDDEN and not _is_api(request):
                security_log.warning("Page refused", extra={"path": request.path})
            access_log.info(
                "%s %s %s",
                request.method,
                request.path,
                response.status_code,
                extra={
                    "status": response.status_code,
                    "route": route_of(request),
                    "milliseconds": milliseconds,
                },
            )
        finally:
            structlog.contextvars.clear_contextvars()
        return response


class ForwardedSchemeMiddleware:
    """Forget an X-Forwarded-Proto that none of TRUSTED_PROXIES sent.

    Django believes it of anybody (SECURE_PROXY_SSL_HEADER): over http, a caller could say https.
    """

    def __init__(self, get_response: GetResponse) -> None:
        if not settings.SECURE_PROXY_SSL_HEADER:
            raise MiddlewareNotUsed  # Django reads none
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "HTTP_X_FORWARDED_PROTO" in request.META and not comes_from_proxy(request):
            del request.META["HTTP_X_FORWARDED_PROTO"]
        return self.get_response(request)


class UnreadBodyMiddleware:
    """Read the rest of an unread body, for example after a refused token.

    Otherwise the server would close the connection while the client is still sending, and the
    response would be lost. Bodies over the limit are not read.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        length = request.META.get("CONTENT_LENGTH")
        if length and not is_too_large(length):
            with suppress(UnreadablePostError):  # the client has gone
                request.read()
        return response


class PageBodyLimitMiddleware:
    """Refuse a large body of a page before anything reads it.

    Django's own limit leaves out files, and reads the body for its token against forgery before
    it asks who has logged in.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _is_api(request) and is_too_large(request.META.get("CONTENT_LENGTH") or "0"):
            return HttpResponse(
                "The body must not exceed 1 MiB.\n",
                status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                content_type="text/plain; charset=utf-8",
            )
        return self.get_response(request)


class SecurityHeadersMiddleware:
    """Add the Content-Security-Policy and keep shared caches away."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if _is_api(request):
            response.headers.setdefault("Cache-Control", "private, no-cache")
            patch_vary_headers(response, ("Authorization", "X-API-Key"))
        if response.status_code == HTTPStatus.NOT_MODIFIED:
            del response["Content-Length"]  # Django's 0 is wrong for a 304
        response.headers.setdefault("Content-Security-Policy", _policy(request))
        return response


class _OnPages(MiddlewareMixin):
    """A middleware of Django's for pages, which the API's requests go past."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        return (self.get_response if _is_api(request) else super().__call__)(request)


class SessionMiddleware(_OnPages, sessions.SessionMiddleware):
    """Sessions, on pages."""


class AuthenticationMiddleware(_OnPages, auth.AuthenticationMiddleware):
    """The user of a session, on pages."""


class MessageMiddleware(_OnPages, messages.MessageMiddleware):
    """Messages of the admin, on pages."""


class ViewerZoneMiddleware:
    """Show and read times on admin pages in the viewer's time zone."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/admin/") or not request.user.is_authenticated:
            return self.get_response(request)
        with timezone.override(request.user.zone):
            return self.get_response(request)


def _policy(request: HttpRequest) -> str:
    if _is_api(request):
        return API_POLICY
    return ADMIN_POLICY if request.path.startswith("/admin") else DOCS_POLICY


def sane_request_id(sent: str) -> str:
    """Return the id that a caller gave a request, or a new one."""
    return sent if SANE_REQUEST_ID.fullmatch(sent) else secrets.token_hex(16)


def _user_of_session(request: HttpRequest) -> int | None:
    """Return the session's user if the page has loaded the session; makes no query."""
    session = getattr(request, "session", None)
    if session is None or not session.accessed:
        return None
    user_id = session.get(SESSION_KEY)
    return int(user_id) if user_id else None


def is_too_large(length: str) -> bool:
    """Return whether a Content-Length is more than we read."""
    most = str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    digits = length.lstrip("0")  # as text: a number may have any length
    return (len(digits), digits) > (len(most), most)


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/v1/")
