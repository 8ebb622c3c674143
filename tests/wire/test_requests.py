"""Requests that no library would send: each is answered in the one shape, and logged."""

import json
import time
from typing import Any

import pytest

from tests.faults.harness import Service
from tests.wire.line import Line

NONSENSE = "application/json; x*=nonsense''%C3%A9"


def log_of(service: Service, request_id: str) -> list[dict[str, Any]]:
    """The lines of the log about a request."""
    for _ in range(50):
        lines = service.log(service.ports[0]).read_text().splitlines()
        found = [json.loads(line) for line in lines if request_id in line]
        if found:
            return found
        time.sleep(0.02)
    return []


@pytest.mark.parametrize(
    "content_type",
    ["text/plain; charset=rot13", NONSENSE, "a/b; charset=undefined"],
)
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/projects?page=1", 200),
        ("/api/v1/info?a=1", 200),
        ("/api/v1/nothing?a=b", 404),
        ("/admin/login/?next=/", 200),
        ("/api/docs?a=1", 200),
    ],
)
def test_no_content_type_breaks_a_request_that_has_no_body(
    service: Service, line: Line, content_type: str, path: str, status: int
) -> None:
    request_id = f"content-type-{time.monotonic_ns()}"
    reply = line.ask(f"GET {path}", f"Content-Type: {content_type}", f"X-Request-ID: {request_id}")
    assert (reply.status, reply["X-Request-ID"]) == (status, request_id)
    assert [entry["status"] for entry in log_of(service, request_id)] == [status]


def test_the_charset_of_a_body_does_not_change_how_the_query_is_read(line: Line) -> None:
    latin = "Content-Type: text/plain; charset=latin-1"
    reply = line.ask("GET /api/v1/projects?%C3%A9=1", latin)
    assert list(reply.json()["errors"]) == ["é"]


@pytest.mark.parametrize(
    ("start", "status"),
    [
        ("GET /api/v1/projects/abc", 404),
        ("GET /api/v1/projects/1%00", 404),
        ("GET /api/v1/projects/%D9%A1", 404),
        ("GET /api/v1/../v1/nothing", 404),
        ("GET /api/v2/projects", 404),
        ("GET /api/v1/projects?%00=1", 400),
        ("GET /api/v1/projects?search=%ED%A0%80", 400),
        ("GET /api/v1/projects?" + "&".join(f"a{n}=1" for n in range(2000)), 400),
        ("BREW /api/v1/timer/start", 405),
        ("get /api/v1/timer/start", 405),
        ("TRACE /api/v1/projects", 405),
        ("OPTIONS *", 404),
    ],
)
def test_an_odd_request_line_is_refused_in_the_one_shape(
    line: Line, start: str, status: int
) -> None:
    reply = line.ask(start)
    if start == "OPTIONS *":  # which is not about the API
        assert reply.status == status
    else:
        assert reply.refusal()[0] == status
    assert line.ask("GET /api/v1/info").status == 200


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (b"Idempotency-Key: " + b"k" * 5000, 400),
        (b"Idempotency-Key: \xe9\xff", 400),
        (b'If-Match: "\xe9"', 400),
        (b"Authorization: Bearer other", 401),
        (b"X-API-Key: \xff\xfe", 400),
        (b"Content-Encoding: \xff", 201),
        (b"X-Request-ID: \xff " + b"x" * 100, 201),
        (b"Accept: \xff", 201),
        (b"Cookie: sessionid=\xff; csrftoken", 201),
        (b"X-HTTP-Method-Override: DELETE", 201),
        (b"Transfer-Encoding: ", 400),
    ],
)
def test_an_odd_header_is_no_500(administrators_line: Line, header: bytes, status: int) -> None:
    line = administrators_line
    body = json.dumps({"name": f"Site {time.monotonic_ns()}"}).encode()
    method = "PATCH /api/v1/projects/1" if b"If-Match" in header else "POST /api/v1/projects"
    reply = line.ask(method, header, "Content-Type: application/json", body=body)
    assert reply.status == status


@pytest.mark.parametrize(
    "length", ["9" * 5000, "9" * 20, "-1", "+3", "ten", "", "3, 4", "1e3", "0x3"]
)
def test_a_length_that_is_none_is_refused_by_the_server_itself(line: Line, length: str) -> None:
    reply = line.ask("POST /api/v1/projects", f"Content-Length: {length}")
    assert (reply.status, reply["Connection"], line.is_closed()) == (400, "close", True)
