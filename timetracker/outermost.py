"""The outermost WSGI layer."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import cast
from wsgiref.types import WSGIEnvironment

from django.http import HttpResponseBase

from api.exceptions import INTERNAL_ERROR, error_body
from edge import cors
from edge.arrival import is_api
from edge.framing import make_sound
from edge.middleware import is_too_large, sane_request_id

StartResponse = Callable[..., object]

log = logging.getLogger("timetracker.wsgi")


class Outermost:
    """Django, and an answer of ours where it fails outside its own care: 500 in the one shape."""

    def __init__(self, django: Callable[..., HttpResponseBase]) -> None:
        self._django = django

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        request_id = sane_request_id(environ.get("HTTP_X_REQUEST_ID", ""))
        environ["HTTP_X_REQUEST_ID"] = request_id
        try:
            make_sound(environ)
            response = self._django(environ, _closing_if_unread(environ, start_response))
        except Exception:
            method, path = environ.get("REQUEST_METHOD"), environ.get("PATH_INFO")
            log.exception(
                "%s %s 500", method, path, extra={"request_id": request_id, "status": 500}
            )
            return _internal_error(environ, start_response)
        if getattr(response, "streaming", False):
            return _Watched(response, request_id)
        return cast("Iterable[bytes]", response)


def _closing_if_unread(environ: WSGIEnvironment, start_response: StartResponse) -> StartResponse:
    """Wrap `start_response` to announce when the connection will be closed.

    The server ends one on which a body is left that is longer than we read. PEP 3333 leaves the
    header to the server, which does not send it by itself; that of `runserver` refuses it.
    """
    length = environ.get("CONTENT_LENGTH")
    if not length or not is_too_large(length):
        return start_response
    if "wsgi.input_terminated" not in environ:
        return start_response

    def start(status: str, headers: list[tuple[str, str]], *more: object) -> object:
        return start_response(status, [*headers, ("Connection", "close")], *more)

    return start


def _internal_error(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    request_id = environ["HTTP_X_REQUEST_ID"]
    body = json.dumps(error_body(500, INTERNAL_ERROR, request_id=request_id)).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("X-Request-ID", request_id),
        ("Cache-Control", "no-store"),
    ]
    if is_api(environ.get("PATH_INFO", "")):
        headers += cors.headers_for(environ.get("HTTP_ORIGIN")).items()
    start_response("500 Internal Server Error", headers)
    return [body]


class _Watched:
    """An answer that is sent while it is made: where that fails, the log says so."""

    def __init__(self, response: HttpResponseBase, request_id: str) -> None:
        self._response, self._request_id = response, request_id
        self._parts: Iterator[bytes] = iter(response)

    def __iter__(self) -> "_Watched":
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._parts)
        except StopIteration:
            raise
        except Exception:
            log.exception("A response was interrupted", extra={"request_id": self._request_id})
            with suppress(Exception):
                self.close()
            raise

    def close(self) -> None:
        self._response.close()
