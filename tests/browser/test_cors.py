"""Pages that are not the service's own call the API in a real browser."""

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from projects.models import Project
from tests.logins.logging_in import RIGHT
from tests.support.factories import issue_token
from users.models import User

CALL = """async ([url, options]) => {
    const response = await fetch(url, options);
    const headers = {};
    for (const name of ["ETag", "Location", "Retry-After", "X-Request-ID", "X-RateLimit-Limit"])
        headers[name] = response.headers.get(name);
    const text = await response.text();
    return {status: response.status, headers, body: text ? JSON.parse(text) : null};
}"""


class Quiet(SimpleHTTPRequestHandler):
    """A web server that logs nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(params=["file", "another origin"])
def page(request: pytest.FixtureRequest, chromium: Browser, tmp_path: Path) -> Iterator[Page]:
    """A page from a file, whose origin is null, and one of another web server."""
    (tmp_path / "app.html").write_text("<!doctype html><title>An app</title>")
    handler = partial(Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/app.html"
        is_file = request.param == "file"
        context = chromium.new_context()
        opened = context.new_page()
        opened.goto((tmp_path / "app.html").as_uri() if is_file else address)
        yield opened
        context.close()
        server.shutdown()


class App:
    """A page that sends a token to the service."""

    def __init__(self, page: Page, address: str, token: str = "") -> None:
        self._page, self._address, self.token = page, address, token

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """Return what the page can read of an answer."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        options: dict[str, Any] = {"method": method, "headers": sent}
        if body is not None:
            sent["Content-Type"] = "application/json"
            options["body"] = json.dumps(body)
        return self._page.evaluate(CALL, [f"{self._address}/api/v1/{path}", options])


def test_a_page_lists_creates_and_changes_with_a_condition(
    page: Page, live_server: LiveServer, owner: User
) -> None:
    _, secret = issue_token(owner, "write:projects")
    app = App(page, live_server.url, secret)
    assert app.call("GET", "projects")["body"]["projects"] == []

    made = app.call("POST", "projects", {"name": "Site"}, Idempotency_Key="once")
    assert made["status"] == 201
    assert made["headers"]["Location"] == f"/api/v1/projects/{Project.objects.get().pk}"
    path, tag = made["headers"]["Location"].removeprefix("/api/v1/"), made["headers"]["ETag"]

    changed = app.call("PATCH", path, {"name": "Shop"}, If_Match=tag)
    again = app.call("PATCH", path, {"name": "Bank"}, If_Match=tag)
    assert [changed["status"], again["status"]] == [200, 412]
    assert again["headers"]["ETag"] == changed["headers"]["ETag"] != tag
    assert Project.objects.get().name == "Shop"
    assert app.call("DELETE", path)["status"] == 200
    assert made["headers"]["X-RateLimit-Limit"]


def test_a_page_reads_why_it_was_refused(page: Page, live_server: LiveServer, owner: User) -> None:
    app = App(page, live_server.url, "nobody")
    refused = app.call("GET", "projects")
    assert (refused["status"], refused["body"]["error"]) == (401, "Invalid token")
    assert refused["headers"]["X-Request-ID"] == refused["body"]["request_id"]
    assert app.call("GET", "nothing")["status"] == 404


def test_a_page_logs_in_and_out(page: Page, live_server: LiveServer, owner: User) -> None:
    app = App(page, live_server.url)
    wrong = app.call("POST", "auth/login", {"username": "olga", "password": "guessed"})
    assert (wrong["status"], wrong["body"]["error"]) == (401, "Invalid username or password")
    login = app.call("POST", "auth/login", {"username": "olga", "password": RIGHT})
    app.token = login["body"]["token"]
    assert app.call("GET", "users/me")["body"] == {"user": login["body"]["user"]}
    assert app.call("POST", "auth/logout")["status"] == 200
    assert app.call("GET", "users/me")["status"] == 401
