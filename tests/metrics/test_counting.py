"""What is counted of a request, and of the log."""

import logging

import pytest
from django.test import Client
from prometheus_client import REGISTRY
from pytest_django import Settings
from rest_framework.test import APIClient

from projects.models import Project
from tests.support.factories import api_as
from timetracker.logs import logging_settings
from users.models import User

LIST, ONE = "/api/v1/projects", "/api/v1/projects/{id}"


@pytest.fixture(autouse=True)
def _counted(settings: Settings) -> None:
    settings.METRICS_ADDRESS = ("127.0.0.1", 9464)


def value(name: str, **labels: str) -> float:
    """What is counted; 0 of what never was."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def requests(method: str, route: str, status: str) -> float:
    labels = {"method": method, "route": route, "status": status}
    return value("timetracker_request_seconds_count", **labels)


def events(event: str, logger: str = "timetracker.security") -> float:
    return value("timetracker_log_events_total", logger=logger, event=event)


@pytest.mark.django_db
def test_a_request_is_counted_by_its_route_and_status(owner: User, project: Project) -> None:
    api = api_as(owner, "read:projects")
    before = {status: requests("GET", ONE, status) for status in ("200", "404")}
    statements = value("timetracker_request_statements_total", route=ONE)
    waited = value("timetracker_request_database_seconds_total", route=ONE)
    for pk in (project.pk, project.pk, 0):
        api.get(f"{LIST}/{pk}")
    assert requests("GET", ONE, "200") == before["200"] + 2
    assert requests("GET", ONE, "404") == before["404"] + 1
    assert value("timetracker_request_statements_total", route=ONE) >= statements + 6
    assert waited < value("timetracker_request_database_seconds_total", route=ONE) < waited + 10


def test_a_caller_cannot_invent_series() -> None:
    before = requests("other", "none", "404")
    for number in range(3):
        Client().generic(f"METHOD{number}", f"/api/v1/nowhere-{number}")
    assert requests("other", "none", "404") == before + 3


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("token", "event"),
    [
        pytest.param("tt_" + "0" * 32, "Credentials refused", id="unknown token"),
        pytest.param("", "Scope denied", id="missing scope"),
    ],
)
def test_refusals_are_counted(owner: User, token: str, event: str) -> None:
    api = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}") if token else api_as(owner, "read:tasks")
    before = events(event)
    assert api.get(LIST).status_code in (401, 403)
    assert events(event) == before + 1


@pytest.mark.django_db
def test_rate_limited_calls_are_counted(owner: User, settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 1
    api, before = api_as(owner, "read:projects"), events("Rate limited")
    assert [api.get(LIST).status_code for _ in range(3)] == [200, 429, 429]
    assert events("Rate limited") == before + 2


def test_without_an_address_nothing_is_counted(settings: Settings) -> None:
    settings.METRICS_ADDRESS = None
    before = requests("GET", "/api/v1/info", "200"), events("Host refused")
    Client().get("/api/v1/info")
    Client(headers={"Host": "elsewhere.example"}).get("/api/v1/info")
    assert (requests("GET", "/api/v1/info", "200"), events("Host refused")) == before


@pytest.mark.parametrize(
    ("level", "of_loggers"), [("DEBUG", "DEBUG"), ("INFO", "INFO"), ("CRITICAL", "WARNING")]
)
def test_what_is_not_written_is_still_counted(level: str, of_loggers: str) -> None:
    made = logging_settings(level)
    assert made["loggers"]["timetracker"] == {"handlers": ["metrics"], "level": of_loggers}
    assert made["handlers"]["console"]["level"] == level
    assert logging.getLogger("timetracker.errors").isEnabledFor(logging.WARNING)
