"""Pages of other origins: which answers a browser shows them, and what it may send for them."""

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from rest_framework.test import APIClient

from projects.views import ProjectViewSet
from tests.support.admin import admin_as
from tests.support.factories import api_as
from timetracker.outermost import Outermost
from users.models import User

APP = "https://app.example.com"
EXTENSION = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"
PREFLIGHT: dict[str, Any] = {
    "HTTP_ORIGIN": APP,
    "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "PATCH",
    "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": "authorization,content-type,if-match",
}
NEEDED = {  # by a page that lists, creates, changes, waits and reports a problem
    *("ETag", "Location", "Retry-After", "Content-Disposition", "Idempotency-Replayed"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-ID"),
}
USED = {
    *("Authorization", "X-API-Key", "Content-Type", "Accept", "Idempotency-Key"),
    *("If-Match", "If-None-Match", "X-Request-ID"),
}


def words_of(response: Any, name: str) -> set[str]:
    return set(response[name].split(", "))


def assert_any_page_may_read(response: Any) -> None:
    assert response["Access-Control-Allow-Origin"] == "*"
    assert words_of(response, "Access-Control-Expose-Headers") == NEEDED
    assert "Access-Control-Allow-Credentials" not in response


def assert_no_page_may_read(response: Any) -> None:
    assert [name for name in response.headers if name.startswith("Access-Control")] == []


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/api/v1/projects", id="needs a token"),
        pytest.param("/api/v1/info", id="public"),
        pytest.param("/api/v1/nothing", id="unknown"),
        pytest.param("/api/openapi.json", id="documentation"),
    ],
)
@pytest.mark.parametrize("origin", [APP, "null", EXTENSION])
def test_a_preflight_is_answered_before_anything_is_asked_of_the_request(
    path: str, origin: str
) -> None:
    # Without the fixture of a database: nothing is looked up.
    response = APIClient().options(path, **{**PREFLIGHT, "HTTP_ORIGIN": origin})
    assert (response.status_code, response.content) == (204, b"")
    assert_any_page_may_read(response)
    assert words_of(response, "Access-Control-Allow-Headers") == USED
    assert words_of(response, "Access-Control-Allow-Methods") == {
        *("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    }
    assert response["Access-Control-Max-Age"] == "7200"
    assert response["X-Request-ID"]
    assert "Content-Type" not in response


def test_a_preflight_counts_for_no_limit(owner: User, settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 1
    api = api_as(owner, "read:projects")
    for _ in range(3):
        assert api.options("/api/v1/projects", **PREFLIGHT).status_code == 204
    assert api.get("/api/v1/projects").status_code == 200


@pytest.mark.parametrize("missing", ["HTTP_ORIGIN", "HTTP_ACCESS_CONTROL_REQUEST_METHOD"])
def test_an_options_that_no_browser_asks_is_as_any_other_request(db: None, missing: str) -> None:
    headers = {name: value for name, value in PREFLIGHT.items() if name != missing}
    response = APIClient().options("/api/v1/projects", **headers)
    assert response.status_code == 401


def test_a_page_may_read_an_answer_and_what_stands_in_its_headers(owner: User) -> None:
    api = api_as(owner, "write:projects")
    response = api.get("/api/v1/projects", HTTP_ORIGIN=APP)
    assert_any_page_may_read(response)
    assert "Origin" not in response["Vary"]
    again = api.get("/api/v1/projects", HTTP_ORIGIN=APP, HTTP_IF_NONE_MATCH=response["ETag"])
    assert again.status_code == 304
    assert_any_page_may_read(again)


def test_it_is_the_same_without_an_origin(owner: User) -> None:
    assert_any_page_may_read(api_as(owner, "read:projects").get("/api/v1/projects"))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("get", "/api/v1/nothing", 404, id="unknown path"),
        pytest.param("post", "/api/v1/info", 405, id="method"),
        pytest.param("get", "/api/v1/projects", 403, id="scope"),
        pytest.param("get", "/api/v1/users/me?x=1", 400, id="query"),
    ],
)
def test_a_page_may_read_why_it_was_refused(
    owner: User, method: str, path: str, status: int
) -> None:
    response = api_as(owner, "read:users").generic(method.upper(), path, HTTP_ORIGIN=APP)
    assert response.status_code == status
    assert_any_page_may_read(response)


def test_a_page_may_read_a_401_and_a_429(db: None) -> None:
    api = APIClient(HTTP_AUTHORIZATION="Bearer nobody", HTTP_ORIGIN=APP)
    answers = [api.get("/api/v1/projects") for _ in range(31)]
    assert {answer.status_code for answer in answers} == {401, 429}
    for answer in answers:
        assert_any_page_may_read(answer)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(OperationalError("gone"), 503, id="database away"),
        pytest.param(LookupError("a bug"), 500, id="bug"),
    ],
)
def test_a_page_may_read_that_the_service_failed(
    owner: User, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(ProjectViewSet, "list", fail)
    api = api_as(owner, "read:projects")
    api.raise_request_exception = False
    response = api.get("/api/v1/projects", HTTP_ORIGIN=APP)
    assert response.status_code == status
    assert_any_page_may_read(response)


@pytest.mark.parametrize(
    ("path", "shown"), [("/api/v1/projects", "*"), ("/admin/", None)], ids=["api", "admin"]
)
def test_what_fails_around_django_is_shown_to_pages_too(path: str, shown: str | None) -> None:
    def failing(*_: object) -> None:
        raise LookupError

    started: dict[str, str] = {}
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "HTTP_ORIGIN": APP}
    Outermost(failing)(environ, lambda _, headers: started.update(headers))  # type: ignore[arg-type]
    assert started.get("Access-Control-Allow-Origin") == shown


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/", "/apiary"])
def test_pages_of_the_service_itself_are_shown_to_no_other_page(db: None, path: str) -> None:
    assert_no_page_may_read(Client().get(path, HTTP_ORIGIN=APP))
    assert_no_page_may_read(APIClient().options(path, **PREFLIGHT))


def test_the_policy_of_the_admin_stays_strict(administrator: User) -> None:
    response = admin_as(administrator).get(reverse("admin:index"), HTTP_ORIGIN=APP)
    assert_no_page_may_read(response)
    assert response["Content-Security-Policy"] == (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("origin", "shown"),
    [
        pytest.param(APP, APP, id="listed"),
        pytest.param("null", "null", id="files"),
        pytest.param(EXTENSION, None, id="extension"),
        pytest.param("https://app.example.com.evil.example", None, id="longer"),
        pytest.param("http://app.example.com", None, id="another scheme"),
        pytest.param("*", None, id="asterisk"),
        pytest.param("", None, id="empty"),
    ],
)
def test_a_list_of_origins_narrows_it(settings: Settings, origin: str, shown: str | None) -> None:
    settings.CORS_ALLOWED_ORIGINS = [APP, "null"]
    headers = {**PREFLIGHT, "HTTP_ORIGIN": origin}
    for response in (
        Client().get("/api/v1/info", HTTP_ORIGIN=origin),
        Client().options("/api/v1/projects", **headers),
    ):
        assert response.get("Access-Control-Allow-Origin") == shown
        assert "Origin" in words_of(response, "Vary")


def test_no_page_may_read_anything_where_none_is_listed(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = []
    assert_no_page_may_read(Client().get("/api/v1/info", HTTP_ORIGIN=APP))
