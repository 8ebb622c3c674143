"""What fails outside Django's own care is a 500 of ours, and logged with its cause."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse, StreamingHttpResponse

from timetracker.outermost import Outermost

REQUEST_ID = "a-request"
ENVIRON = {"REQUEST_METHOD": "GET", "PATH_INFO": "/api/v1/info"}


class Started:
    """What a server was told of an answer."""

    status = ""
    headers: dict[str, str]

    def __call__(self, status: str, headers: list[tuple[str, str]], *_: object) -> None:
        self.status, self.headers = status, dict(headers)


def failing(environ: dict[str, Any], start_response: Started) -> HttpResponse:
    raise LookupError("no such charset")


def late(environ: dict[str, Any], start_response: Started) -> HttpResponse:
    start_response("200 OK", [("Content-Length", "0")])
    raise LookupError("no such charset")


@pytest.mark.parametrize("django", [failing, late])
@pytest.mark.parametrize("sent", [REQUEST_ID, ""])
def test_a_failure_around_django_is_answered_and_logged(
    caplog: pytest.LogCaptureFixture, django: Any, sent: str
) -> None:
    started = Started()
    body = b"".join(Outermost(django)(ENVIRON | {"HTTP_X_REQUEST_ID": sent}, started))
    request_id = started.headers["X-Request-ID"]
    assert started.status == "500 Internal Server Error"
    assert request_id == sent or (not sent and len(request_id) == 32)
    assert json.loads(body) == {
        "error": "Internal server error",
        "message": "An unexpected error occurred. Quote the request_id when you report it.",
        "error_code": "internal_error",
        "request_id": request_id,
    }
    [record] = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "GET /api/v1/info 500")
    assert record.__dict__["request_id"] == request_id
    assert record.exc_info
    assert record.exc_info[0] is LookupError


def test_an_answer_that_breaks_off_is_logged_and_closed(caplog: pytest.LogCaptureFixture) -> None:
    def rows() -> Iterator[str]:
        yield "first"
        raise ValueError("the second cannot be read")

    response = StreamingHttpResponse(rows())

    def django(environ: dict[str, Any], start_response: Started) -> StreamingHttpResponse:
        return response

    answer = iter(Outermost(django)(ENVIRON | {"HTTP_X_REQUEST_ID": REQUEST_ID}, Started()))
    assert next(answer) == b"first"
    with pytest.raises(ValueError, match="second"):
        next(answer)
    [record] = caplog.records
    assert (record.getMessage(), record.__dict__["request_id"]) == (
        "A response was interrupted",
        REQUEST_ID,
    )
    assert response.closed


@pytest.mark.parametrize(
    ("length", "server", "closes"),
    [
        pytest.param("1048577", {"wsgi.input_terminated": True}, True, id="too large"),
        pytest.param("9" * 5000, {"wsgi.input_terminated": True}, True, id="far too large"),
        pytest.param("1048576", {"wsgi.input_terminated": True}, False, id="read"),
        pytest.param("1048577", {}, False, id="runserver, which says it itself"),
    ],
)
def test_an_answer_says_that_the_connection_ends(
    length: str,
    server: dict[str, Any],
    closes: bool,  # noqa: FBT001
) -> None:
    def django(environ: dict[str, Any], start_response: Started) -> HttpResponse:
        start_response("200 OK", [])
        return HttpResponse()

    started = Started()
    Outermost(django)(ENVIRON | server | {"CONTENT_LENGTH": length}, started)
    assert started.headers == ({"Connection": "close"} if closes else {})
