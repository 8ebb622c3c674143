"""What an answer leaves of a body is read; only pages have sessions and messages."""

import io

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from pytest_django import Settings

from edge.middleware import UnreadBodyMiddleware


class GoneClient(io.BytesIO):
    """A connection that breaks while the body is read."""

    def read(self, *_: object) -> bytes:
        raise OSError


def request_with(body: io.BytesIO, length: str) -> WSGIRequest:
    return WSGIRequest({"REQUEST_METHOD": "POST", "CONTENT_LENGTH": length, "wsgi.input": body})


def unread(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=401)


def read_whole(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body)


@pytest.mark.parametrize(
    ("length", "left"),
    [
        pytest.param("10", b"next", id="what was not needed"),
        pytest.param("11", b"0123456789next", id="too large"),
        pytest.param("", b"0123456789next", id="no length"),
        pytest.param("ten", b"0123456789next", id="no number"),
    ],
)
def test_a_body_is_read_to_its_end(length: str, left: bytes, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    body = io.BytesIO(b"0123456789next")
    assert UnreadBodyMiddleware(unread)(request_with(body, length)).status_code == 401
    assert body.read() == left


def test_a_body_that_was_needed_is_not_read_twice() -> None:
    body = io.BytesIO(b"0123456789next")
    answer = UnreadBodyMiddleware(read_whole)(request_with(body, "10"))
    assert answer.content == b"0123456789"
    assert body.read() == b"next"


def test_a_client_that_has_gone_is_no_error() -> None:
    assert UnreadBodyMiddleware(unread)(request_with(GoneClient(), "10")).status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "is_page"), [("/api/v1/info", False), ("/admin/login/", True)])
def test_only_pages_have_sessions_and_messages(client: Client, path: str, is_page: bool) -> None:  # noqa: FBT001
    request = client.get(path).wsgi_request
    assert [hasattr(request, name) for name in ("session", "_messages")] == [is_page] * 2
