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
        ("GET /api", 404),
        ("GET /api/", 404),
        ("GET //api", 404),
        ("GET //api/v1/projects", 404),
        ("GET ///api//v1/projects", 404),
        ("POST //api/v1/projects", 404),
        ("GET /api/v1/projects/caf%E9", 400),
        ("GET /api/caf%E9", 400),
        ("GET //api/caf%E9", 400),
        ("PUT /api/v1/projects/by-external-id/caf%E9", 400),
        ("PUT /api/v1/projects/by-external-id/%C0%AF", 400),
        ("PUT /api/v1/projects/by-external-id/%ED%A0%80", 400),
        ("PUT /api/v1/projects/by-external-id/%2E", 400),
        ("PUT /api/v1/projects/by-external-id/%2E%2E", 400),
        ("PUT /api/v1/projects/by-external-id/a%2F..%2Fb", 400),
    ],
)
def test_an_odd_request_line_is_refused_in_the_one_shape(
    administrators_line: Line, start: str, status: int
) -> None:
    line = administrators_line
    type_and_body = {"body": b'{"name": "Site"}'} if start.startswith("PUT") else {}
    reply = line.ask(start, "Content-Type: application/json", **type_and_body)  # type: ignore[arg-type]
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


def test_broken_utf_8_in_a_path_outside_the_api_is_400(line: Line) -> None:
    assert line.ask("GET /admin/caf%E9").status == 400
    assert line.ask("GET /api/v1/projects/by-external-id/caf%C3%A9").status != 400


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("//api/v1/projects", "Remove the repeated slashes: /api/v1/projects"),
        ("/api//v1/projects/", "Remove the repeated slashes: /api/v1/projects"),
        ("/api/v1/projects/", "Remove the trailing slash: /api/v1/projects"),
        ("/api", "See /api/docs."),
    ],
)
def test_the_answer_names_the_path_that_slashes_keep_away(
    line: Line, path: str, hint: str
) -> None:
    message = line.ask(f"GET {path}").json()["message"]
    assert message == f"No endpoint at {path}. {hint}"


PROBES = ("health", "live", "ready")


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("host", ["10.0.0.7:8484", "evil.example", "", None])
def test_probes_answer_whatever_the_host(service: Service, probe: str, host: str | None) -> None:
    with Line(service.ports[0]) as line:
        assert line.ask(f"GET /api/v1/{probe}", host=host).status == 200
        assert line.ask(f"HEAD /api/v1/{probe}", host=host).body == b""
    with Line(service.ports[0]) as line:  # HTTP/1.0, as HAProxy and others still ask
        assert line.ask(f"GET /api/v1/{probe} HTTP/1.0", host=host).status == 200
        assert line.is_closed()


def test_probes_say_what_is_there(line: Line) -> None:
    assert line.ask("GET /api/v1/live").json() == {"status": "live"}
    assert line.ask("GET /api/v1/health").json() == {"status": "healthy"}
    checks = {"database": "ok", "migrations": "ok", "cache": "ok"}
    assert line.ask("GET /api/v1/ready").json() == {"status": "ready", "checks": checks}


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost,evil.example", "local host", "", "x" * 5000]
)
def test_another_host_is_400_and_one_line_of_the_log_names_it(
    service: Service, line: Line, host: str
) -> None:
    request_id = f"host-{time.monotonic_ns()}"
    reply = line.ask("GET /api/v1/info", f"X-Request-ID: {request_id}", host=host)
    assert reply.refusal() == (400, "bad_request")
    assert reply.json()["message"] == "The Host header does not name this service."
    refused, answered = log_of(service, request_id)
    assert (refused["event"], refused["logger"]) == ("Host refused", "timetracker.security")
    assert refused["host"] == host[:255]
    assert answered["status"] == 400


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/api/v1/projects", "/api/v1/nothing", "//api/v1/projects"])
def test_over_http_the_api_is_403_where_https_is_due(
    service: Service, port_behind_tls: int, method: str, path: str
) -> None:
    """A redirect would make a GET of a POST, and the token has been seen."""
    with Line(port_behind_tls, service.token) as line:
        reply = line.ask(f"{method} {path}", body=b'{"name": "A"}' if method == "POST" else None)
        assert reply.refusal() == (403, "forbidden")
        assert reply.json()["message"] == (
            "Use https. A token sent over http may have been intercepted: replace it."
        )
        assert reply["Location"] == ""


@pytest.mark.parametrize("start", ["GET /", "GET /api/docs", "POST /admin/login/?next=/admin/"])
def test_over_http_pages_lead_to_https_by_the_same_method(
    port_behind_tls: int, start: str
) -> None:
    with Line(port_behind_tls) as line:
        reply = line.ask(start, body=b"" if start.startswith("POST") else None)
        assert (reply.status, reply["Location"]) == (308, f"https://localhost{start.split()[1]}")


@pytest.mark.parametrize("probe", PROBES)
def test_over_http_probes_answer(port_behind_tls: int, probe: str) -> None:
    with Line(port_behind_tls) as line:
        assert line.ask(f"GET /api/v1/{probe}", host="10.0.0.7").status == 200


def test_over_https_the_api_answers(service: Service, port_behind_tls: int) -> None:
    with Line(port_behind_tls, service.token) as line:
        reply = line.ask("GET /api/v1/projects", "X-Forwarded-Proto: https")
        assert (reply.status, "Strict-Transport-Security" in reply.headers) == (200, True)
