"""An extension calls the API in a real browser, with the permissions of the original's."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright
from pytest_django.live_server_helper import LiveServer

from apitokens.models import ApiToken
from projects.models import Project
from tests.browser.conftest import find_chromium
from tests.browser.test_cors import App
from tests.logins.logging_in import RIGHT
from timeentries.models import TimeEntry
from users.models import User

MANIFEST = {
    "manifest_version": 3,
    "name": "A timer",
    "version": "1.0.3",
    "permissions": ["storage"],
    "background": {"service_worker": "background.js"},
}
PERMITTED = {"host_permissions": ["http://*/*"]}
PAGE = "<!doctype html><meta charset=utf-8><title>A timer</title>"


@pytest.fixture(params=[PERMITTED, {}], ids=["with the host", "without the host"])
def popup(
    request: pytest.FixtureRequest, playwright: Playwright, tmp_path: Path
) -> Iterator[Page]:
    """The page of an extension, which may have the permission for all hosts or none."""
    folder = tmp_path / "extension"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(MANIFEST | request.param))
    (folder / "background.js").write_text("")
    (folder / "popup.html").write_text(PAGE)
    context = playwright.chromium.launch_persistent_context(
        tmp_path / "profile",
        executable_path=find_chromium(playwright),
        ignore_default_args=["--disable-extensions"],
        args=[
            "--headless=new",
            f"--disable-extensions-except={folder}",
            f"--load-extension={folder}",
        ],
    )
    workers = context.service_workers
    worker = workers[0] if workers else context.wait_for_event("serviceworker")
    page = context.new_page()
    page.goto(worker.url.replace("background.js", "popup.html"))
    yield page
    context.close()


def test_an_extension_logs_in_and_runs_the_timer(
    popup: Page, live_server: LiveServer, owner: User, project: Project
) -> None:
    app = App(popup, live_server.url)
    assert popup.url.startswith("chrome-extension://")
    assert app.call("GET", "info")["body"]["api_version"] == "v1"
    wrong = app.call("POST", "auth/login", {"username": "olga", "password": "guessed"})
    assert (wrong["status"], wrong["body"]["error"]) == (401, "Invalid username or password")

    login = app.call("POST", "auth/login", {"username": "olga", "password": RIGHT})
    app.token = login["body"]["token"]
    assert ApiToken.objects.get().dialect == "extension"
    started = app.call("POST", "timer/start", {"project_id": project.pk})
    assert (started["status"], started["body"]["timer"]["project"]) == (201, "Site")
    assert started["headers"]["Location"]
    again = app.call("POST", "timer/start", {"project_id": project.pk})
    assert (again["status"], again["body"]["timer"]["project"]) == (409, "Site")
    status = app.call("GET", "timer/status", Accept="application/json")
    assert status["body"]["timer"]["id"] == TimeEntry.objects.get().pk
    assert [app.call("POST", f"timer/{change}")["status"] for change in ("pause", "pause")] == [
        200,
        400,
    ]
    assert app.call("POST", "timer/stop")["body"]["time_entry"]["is_active"] is False
    assert app.call("POST", "auth/logout")["status"] == 200
    assert app.call("GET", "users/me")["status"] == 401


def test_the_policy_of_the_service_is_as_strict_as_ever(
    popup: Page, live_server: LiveServer, owner: User
) -> None:
    """No page may show an answer in a frame, nor run anything in it."""
    response = popup.request.get(f"{live_server.url}/api/v1/info")
    assert response.headers["content-security-policy"] == (
        "default-src 'none'; frame-ancestors 'none'"
    )
    assert "access-control-allow-credentials" not in response.headers
