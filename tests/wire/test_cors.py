"""Pages of other origins, at the production server: byte by byte what a browser asks and reads."""

import json
from typing import Any

import pytest

from tests.faults.harness import Service
from tests.wire.line import Line, Reply

ORIGINS = [
    pytest.param("null", id="file"),
    pytest.param("https://app.example.com", id="web page"),
    pytest.param("chrome-extension://abcdefghijklmnopabcdefghijklmnop", id="extension"),
]
SLASHES = "//api/v1/projects"


@pytest.fixture(scope="module")
def narrow_port(service: Service) -> int:
    """A server of it for the pages of one origin, with a limit that is soon reached."""
    return service.add(CORS_ALLOWED_ORIGINS="https://app.example.com", RATE_LIMIT_PER_MINUTE="1")


def shown_to(reply: Reply) -> list[Any]:
    """The origins of pages that may read an answer, as often as the header stands there."""
    return reply.headers.get_all("Access-Control-Allow-Origin") or []


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("path", ["/api/v1/projects", "/api/v1/nothing", SLASHES, "/api/v1/info"])
def test_a_preflight_is_204_without_a_token(service: Service, origin: str, path: str) -> None:
    with Line(service.ports[0]) as line:
        reply = line.ask(
            f"OPTIONS {path}",
            f"Origin: {origin}",
            "Access-Control-Request-Method: POST",
            "Access-Control-Request-Headers: authorization,content-type,idempotency-key",
        )
        assert (reply.status, reply.body, shown_to(reply)) == (204, b"", ["*"])
        assert "Idempotency-Key" in reply["Access-Control-Allow-Headers"]
        assert "PATCH" in reply["Access-Control-Allow-Methods"]
        assert reply["Access-Control-Allow-Credentials"] == ""
        # The connection is still good.
        assert line.ask("GET /api/v1/info").status == 200


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize(
    ("start", "body", "status"),
    [
        pytest.param("GET /api/v1/projects", None, 200, id="200"),
        pytest.param("POST /api/v1/timer/start", b"{", 400, id="400"),
        pytest.param("GET /api/v1/clients", None, 403, id="403"),
        pytest.param("GET /api/v1/nothing", None, 404, id="404"),
        pytest.param(f"GET {SLASHES}", None, 404, id="404 slashes"),
        pytest.param("GET /api/v1/caf%E9", None, 400, id="400 no UTF-8"),
        pytest.param("PUT /api/v1/timer/start", b"{}", 405, id="405"),
        pytest.param("BREW /api/v1/timer/start", None, 405, id="405 unknown method"),
        pytest.param("POST /api/v1/timer/start", b"x", 415, id="415"),
    ],
)
def test_every_answer_is_shown_to_a_page(
    line: Line, origin: str, start: str, body: bytes | None, status: int
) -> None:
    kind = "Content-Type: text/plain" if body == b"x" else "Content-Type: application/json"
    reply = line.ask(start, f"Origin: {origin}", kind, body=body)
    assert (reply.status, shown_to(reply)) == (status, ["*"])
    assert "ETag" in reply["Access-Control-Expose-Headers"]


def test_a_refused_token_is_shown_to_a_page(service: Service) -> None:
    with Line(service.ports[0], "nobody") as line:
        reply = line.ask("GET /api/v1/projects", "Origin: null")
    assert (reply.refusal(), shown_to(reply)) == ((401, "unauthorized"), ["*"])


def test_a_body_too_large_is_refused_where_a_page_can_read_it(line: Line) -> None:
    reply = line.ask(
        "POST /api/v1/timer/start",
        "Origin: null",
        "Content-Type: application/json",
        "Content-Length: 2000000",
    )
    assert (reply.refusal(), shown_to(reply)) == ((413, "payload_too_large"), ["*"])


def test_another_host_is_refused_where_a_page_can_read_it(line: Line) -> None:
    reply = line.ask("GET /api/v1/info", "Origin: null", host="evil.example")
    assert (reply.refusal(), shown_to(reply)) == ((400, "bad_request"), ["*"])


def test_over_http_a_page_can_read_that_https_is_due(port_behind_tls: int) -> None:
    with Line(port_behind_tls) as line:
        asks = ("Origin: null", "Access-Control-Request-Method: GET")
        assert line.ask("OPTIONS /api/v1/projects", *asks).status == 204
        reply = line.ask("GET /api/v1/projects", "Origin: null")
    assert (reply.refusal(), shown_to(reply)) == ((403, "forbidden"), ["*"])


def test_one_origin_alone_reads_what_the_list_allows(service: Service, narrow_port: int) -> None:
    with Line(narrow_port, service.token) as line:
        app = line.ask("GET /api/v1/projects", "Origin: https://app.example.com")
        file = line.ask("GET /api/v1/projects", "Origin: null")
        limited = line.ask("GET /api/v1/projects", "Origin: https://app.example.com")
    assert (app.status, shown_to(app)) == (200, ["https://app.example.com"])
    assert (file.status, shown_to(file)) == (429, [])
    assert (limited.status, shown_to(limited)) == (429, ["https://app.example.com"])
    assert "Retry-After" in limited["Access-Control-Expose-Headers"]
    for reply in (app, file, limited):
        assert "Origin" in reply["Vary"].split(", ")


def test_no_page_reads_the_admin(line: Line) -> None:
    asks = ("Origin: null", "Access-Control-Request-Method: POST")
    for start in ("GET /admin/login/", "OPTIONS /admin/login/"):
        reply = line.ask(start, *asks)
        assert shown_to(reply) == []
        assert "frame-ancestors 'none'" in reply["Content-Security-Policy"]


def test_a_page_creates_and_changes_with_a_condition(
    service: Service, administrators_line: Line
) -> None:
    page = ("Origin: null", "Content-Type: application/json")
    made = administrators_line.ask(
        "POST /api/v1/projects", *page, "Idempotency-Key: page-1", body=b'{"name": "From a page"}'
    )
    assert (made.status, shown_to(made)) == (201, ["*"])
    path, tag = made["Location"], made["ETag"]
    body = json.dumps({"name": "From a page again"}).encode()
    changed = administrators_line.ask(f"PATCH {path}", *page, f"If-Match: {tag}", body=body)
    again = administrators_line.ask(f"PATCH {path}", *page, f"If-Match: {tag}", body=body)
    assert (changed.status, shown_to(changed)) == (200, ["*"])
    assert (again.refusal(), shown_to(again)) == ((412, "precondition_failed"), ["*"])
    seen = administrators_line.ask(f"GET {path}", page[0], f"If-None-Match: {changed['ETag']}")
    assert (seen.status, shown_to(seen)) == (304, ["*"])
