"""Checks of a request's scheme, host and path."""

import re
from collections.abc import Callable

from django.core.exceptions import BadRequest, MiddlewareNotUsed, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.middleware import common, security

from edge.framing import BROKEN_PATH

API = re.compile(r"/+api(?:/|$)")
# Load balancers use an IP address as Host, or none in HTTP/1.0. The responses do not depend on it.
PROBES = ("/api/v1/health", "/api/v1/live", "/api/v1/ready")
DOCUMENTATION = ("/api/docs", "/api/redoc", "/api/schema", "/api/openapi.json")


class HttpsRequired(PermissionDenied):
    """A call over http to a service that is reached over https."""

    def __str__(self) -> str:
        return "Use https. A token sent over http may have been intercepted: replace it."


def is_api(path: str) -> bool:
    """Return whether a path is the API's, also with a slash too many or too few."""
    return API.match(path) is not None


class HttpsMiddleware(security.SecurityMiddleware):
    """Before Django's own, which would lead a POST over http to a GET over https.

    Django's own stays for the headers; `check --deploy` looks for it by name.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Stay out of the way of a service that is reached over http."""
        super().__init__(get_response)
        if not self.redirect:
            raise MiddlewareNotUsed

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Refuse a call over http that should be https; lead pages there by the same method.

        Following a redirect would send the token in clear text each time, unnoticed.
        """
        redirect = super().process_request(request)
        if redirect is None:
            return None
        if is_api(request.path) and request.path not in DOCUMENTATION:
            raise HttpsRequired
        return HttpResponsePermanentRedirect(redirect.url, preserve_request=True)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Leave the headers to Django's own."""
        return response


class CommonMiddleware(common.CommonMiddleware):
    """Django's, which judges the host; the path has to be text."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Raise BadRequest for a path that is not UTF-8, DisallowedHost for another's host."""
        if request.META.get(BROKEN_PATH):
            raise BadRequest("The path must be valid UTF-8.")
        return None if request.path in PROBES else super().process_request(request)
