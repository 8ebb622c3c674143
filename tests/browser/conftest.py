"""Chromium, driven by Playwright against the running service."""

import shutil
from collections.abc import Iterator

import pytest
from django.db import connection
from playwright.sync_api import Browser, Playwright, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.browser.visitor import Visitor

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Playwright, of which a process may have one only."""
    if connection.vendor != "sqlite":
        pytest.skip("the browser sees the same pages on every database: once, on SQLite")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright's loop runs in the thread of the tests, where Django would refuse to query.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield playwright


@pytest.fixture(scope="package")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """One Chromium for all tests here; they are skipped by name where there is none."""
    browser = playwright.chromium.launch(executable_path=find_chromium(playwright))
    yield browser
    browser.close()


@pytest.fixture
def visitor(chromium: Browser, live_server: LiveServer) -> Iterator[Visitor]:
    """Somebody at the running service, who is not logged in."""
    context = chromium.new_context(
        permissions=["clipboard-read", "clipboard-write"],
        # Else a photograph shows colours on their way from light to dark.
        reduced_motion="reduce",
    )
    visitor = Visitor(context.new_page(), live_server.url)
    yield visitor
    context.close()
    assert visitor.problems == []


def find_chromium(playwright: Playwright) -> str:
    """Return the program: the system's, or the one that Playwright has installed."""
    own = playwright.chromium.executable_path
    found = next(filter(None, map(shutil.which, (*PROGRAMS, own))), None)
    if found is None:
        pytest.skip(f"no Chromium: none of {', '.join(PROGRAMS)}, and Playwright's own neither")
    return found
