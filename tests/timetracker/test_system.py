import json
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings as configured
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from tests.support.errors import error_of
from tests.support.factories import api_as, make_administrator, make_project
from users.models import User

INFO = {
    "api_version": "v1",
    "app_version": "1.1.0",
    "documentation_url": "/api/docs",
    "endpoints": {
        "info": "/api/v1/info",
        "health": "/api/v1/health",
        "live": "/api/v1/live",
        "ready": "/api/v1/ready",
        "projects": "/api/v1/projects",
        "time_entries": "/api/v1/time-entries",
        "time_entries_bulk": "/api/v1/time-entries/bulk",
        "tasks": "/api/v1/tasks",
        "tasks_bulk": "/api/v1/tasks/bulk",
        "clients": "/api/v1/clients",
        "rates": "/api/v1/rates",
        "rates_reprice": "/api/v1/rates/reprice",
        "webhooks": "/api/v1/webhooks",
        "webhooks_event_types": "/api/v1/webhooks/event-types",
        "users": "/api/v1/users",
        "users_me": "/api/v1/users/me",
        "users_me_favorites_projects": "/api/v1/users/me/favorites/projects",
        "timer_status": "/api/v1/timer/status",
        "timer_start": "/api/v1/timer/start",
        "timer_stop": "/api/v1/timer/stop",
        "timer_pause": "/api/v1/timer/pause",
        "timer_resume": "/api/v1/timer/resume",
        "auth_login": "/api/v1/auth/login",
        "auth_logout": "/api/v1/auth/logout",
        "reports_summary": "/api/v1/reports/summary",
        "reports_entries": "/api/v1/reports/entries",
        "reports_weekly": "/api/v1/reports/weekly",
        "billing": "/api/v1/billing",
        "books": "/api/v1/books",
        "changes": "/api/v1/changes",
    },
    "setup_required": False,
    "timezone": "UTC",
}
PUBLIC = ["/api/v1/info", "/api/v1/health", "/api/v1/live", "/api/v1/ready"]
# A port that nobody listens on.
NO_REDIS = {
    "BACKEND": "ratelimit.counters.CounterCache",
    "LOCATION": "redis://127.0.0.1:1/0",
    "OPTIONS": {"socket_connect_timeout": 0.1},
}


def test_the_newest_release_in_the_changelog_is_the_version() -> None:
    project = tomllib.loads((configured.BASE_DIR / "pyproject.toml").read_text())["project"]
    assert project["version"] == configured.APP_VERSION == INFO["app_version"]


def test_info_tells_version_and_endpoints_to_anybody(client: Client) -> None:
    response = client.get("/api/v1/info")
    assert response.status_code == 200
    assert response.json() == INFO


def test_info_tells_the_servers_time_zone(client: Client, settings: Settings) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    assert client.get("/api/v1/info").json() == INFO | {"timezone": "Europe/Berlin"}


def test_info_asks_no_database(
    client: Client, db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        client.get("/api/v1/info")


def test_a_healthy_service_says_so(client: Client, db: None) -> None:
    response = client.get("/api/v1/health")
    assert response.status_code == 200
    assert response.json() == {"status": "healthy"}


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"HTTP_AUTHORIZATION": "Bearer nonsense"}, id="malformed"),
        pytest.param({"HTTP_AUTHORIZATION": "Basic dTpw"}, id="another scheme"),
        pytest.param({"HTTP_X_API_KEY": "tt_" + "0" * 32}, id="unknown"),
        pytest.param(
            {"HTTP_AUTHORIZATION": "Bearer a", "HTTP_X_API_KEY": "b"}, id="two that differ"
        ),
    ],
)
def test_bad_credentials_do_not_matter_here(
    client: Client, db: None, path: str, headers: dict[str, Any]
) -> None:
    assert client.get(path, **headers).status_code == 200


@pytest.mark.parametrize("path", PUBLIC)
def test_head_is_get_without_a_body(client: Client, db: None, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head["Content-Type"] == get["Content-Type"] == "application/json"
    assert head["Content-Length"] == get["Content-Length"]


@pytest.mark.parametrize("path", PUBLIC)
def test_options_is_small(client: Client, db: None, path: str) -> None:
    response = client.options(path)
    assert response.status_code == 200
    assert response.json() == {
        "methods": ["GET", "HEAD", "OPTIONS"],
        "documentation_url": "/api/docs",
    }
    assert response["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_another_method_is_405(client: Client, db: None, method: str, path: str) -> None:
    response = client.generic(method, path)
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD, OPTIONS"
    assert error_of(response) == {
        "error": "Method not allowed",
        "message": f'Method "{method}" not allowed.',
        "error_code": "method_not_allowed",
    }


def failing_with(error: Exception) -> Callable[..., Any]:
    """Let each statement fail as the driver would."""

    def execute(*_: object) -> None:
        raise error

    return execute


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("server closed the connection unexpectedly"),
        InterfaceError("connection already closed"),
        DatabaseError("disk I/O error"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_without_its_database_the_service_is_unhealthy(
    client: Client, db: None, error: Exception
) -> None:
    client.raise_request_exception = False
    with connection.execute_wrapper(failing_with(error)):
        response = client.get("/api/v1/health")
    assert response.status_code == 503
    assert response.json() == {
        "status": "unhealthy",
        "checks": {"database": "unavailable", "cache": "ok"},
    }


def test_without_its_redis_the_service_is_unhealthy(
    client: Client, db: None, settings: Settings
) -> None:
    settings.CACHES = settings.CACHES | {"ratelimit": NO_REDIS}
    response = client.get("/api/v1/health")
    assert response.status_code == 503
    assert response.json() == {
        "status": "unhealthy",
        "checks": {"database": "ok", "cache": "unavailable"},
    }


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/", "/api/docs"),
        ("/admin/api-tokens", "/admin/apitokens/apitoken/"),
    ],
)
def test_short_paths_lead_on(client: Client, path: str, target: str) -> None:
    response = client.get(path)
    assert response.status_code == 302
    assert response["Location"] == target


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/api/docs", "text/html; charset=utf-8"),
        ("/api/redoc", "text/html; charset=utf-8"),
        ("/api/openapi.json", "application/json"),
        ("/api/schema", "application/yaml"),
    ],
)
def test_the_documentation_is_for_anybody(client: Client, path: str, content_type: str) -> None:
    response = client.get(path, HTTP_AUTHORIZATION="Bearer nonsense")
    assert response.status_code == 200
    assert response["Content-Type"] == content_type


def test_options_names_the_methods_of_a_resource_to_any_token(owner: User) -> None:
    response = api_as(owner, "read:reports").options("/api/v1/projects/1")
    assert response.status_code == 200
    assert response.json() == {
        "methods": ["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"],
        "documentation_url": "/api/docs",
    }


def test_options_wants_a_token(client: Client, db: None) -> None:
    assert client.options("/api/v1/projects").status_code == 401


READY = {"database": "ok", "migrations": "ok", "cache": "ok"}


def test_a_live_process_says_so_without_its_database(client: Client) -> None:
    """No mark for the database: pytest-django would let a query fail."""
    response = client.get("/api/v1/live")
    assert (response.status_code, response.json()) == (200, {"status": "live"})


def test_a_service_that_can_work_is_ready(client: Client, db: None) -> None:
    response = client.get("/api/v1/ready")
    assert response.status_code == 200
    assert response.json() == {"status": "ready", "checks": READY}


def test_without_its_redis_the_service_is_ready(
    client: Client, db: None, settings: Settings
) -> None:
    settings.CACHES = settings.CACHES | {"ratelimit": NO_REDIS}
    response = client.get("/api/v1/ready")
    assert response.status_code == 200
    assert response.json() == {"status": "ready", "checks": READY | {"cache": "unavailable"}}


def test_without_its_database_the_service_is_not_ready(client: Client, db: None) -> None:
    with connection.execute_wrapper(failing_with(OperationalError("gone"))):
        response = client.get("/api/v1/ready")
    away = {"database": "unavailable", "migrations": "unavailable"}
    assert response.status_code == 503
    assert response.json() == {"status": "not_ready", "checks": READY | away}


def test_before_its_migrations_the_service_is_not_ready(client: Client, db: None) -> None:
    MigrationRecorder(connection).record_unapplied("projects", "0001_initial")
    response = client.get("/api/v1/ready")
    assert response.status_code == 503
    assert response.json()["checks"] == READY | {"migrations": "pending"}


def test_with_migrations_of_a_newer_release_the_service_is_ready(client: Client, db: None) -> None:
    MigrationRecorder(connection).record_applied("projects", "9999_of_tomorrow")
    assert client.get("/api/v1/ready").status_code == 200


@contextmanager
def read_only() -> Iterator[None]:
    """A database that takes no writes: a standby, or a file on a disk that was remounted so."""
    on, off = {
        "sqlite": ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),
        "postgresql": (
            "SET default_transaction_read_only = on",
            "SET default_transaction_read_only = off",
        ),
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(on)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(off)


@pytest.mark.django_db(transaction=True)
def test_with_a_database_that_is_read_only_the_service_is_not_ready(client: Client) -> None:
    with read_only():
        ready, health = client.get("/api/v1/ready"), client.get("/api/v1/health")
    assert (ready.status_code, health.status_code) == (503, 503)
    assert ready.json()["checks"] == READY | {"database": "read_only"}
    assert health.json()["checks"] == {"database": "read_only", "cache": "ok"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/projects"),
        ("PATCH", "/api/v1/projects/{id}"),
        ("DELETE", "/api/v1/projects/{id}"),
        ("PUT", "/api/v1/projects/by-external-id/7"),
        ("POST", "/api/v1/timer/start"),
        ("POST", "/api/v1/time-entries/bulk"),
        ("GET", "/api/v1/changes"),
    ],
)
def test_a_write_to_a_database_that_is_read_only_is_503(method: str, path: str) -> None:
    project = make_project()
    api = api_as(make_administrator(), "*")
    body: dict[str, Any] = {"name": "New"}
    if "timer" in path:
        body = {"project_id": project.pk}
    if "bulk" in path:
        entry = {"project_id": project.pk, "start_time": "2024-01-15T09:00:00Z"}
        body = {"operations": [{"op": "create", "data": entry}]}
    api.raise_request_exception = False
    with read_only():
        response = api.generic(
            method, path.format(id=project.pk), json.dumps(body), content_type="application/json"
        )
    assert response.status_code == 503, response.content
    assert (response["Retry-After"], response.json()["error_code"]) == ("1", "unavailable")


@pytest.mark.django_db(transaction=True)
def test_reads_go_on_with_a_database_that_is_read_only() -> None:
    api = api_as(make_administrator(), "*")
    with read_only():
        assert api.get("/api/v1/projects").status_code == 200
        assert api.get("/api/v1/users/me").status_code == 200
