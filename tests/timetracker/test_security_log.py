"""What the logs say of a request: who, from where, and what was refused; never a secret."""

import io
import json
import logging
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
import structlog
from django.conf import settings as configured
from django.contrib.auth.models import Permission
from django.db import OperationalError
from django.test import Client as Browser
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from projects.models import Project
from projects.views import ProjectViewSet
from tests.support.admin import admin_as
from tests.support.factories import issue_token, make_administrator, make_entry, make_user
from users.models import User

pytestmark = pytest.mark.django_db
CALLER = "203.0.113.9"
UNASKED = ("timestamp", "milliseconds", "message")  # the last one is of pytest's formatter


class Log:
    """The lines that were logged, as they are written."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def lines(self, logger: str) -> list[dict[str, Any]]:
        """The lines of a logger, without what each line has."""
        written = map(json.loads, self.stream.getvalue().splitlines())
        return [
            {key: value for key, value in line.items() if key not in UNASKED}
            for line in written
            if line.pop("logger") == logger and line.pop("level") and line.pop("request_id")
        ]


@pytest.fixture
def log() -> Iterator[Log]:
    """All that is logged from now on."""
    kept = Log()
    handler = logging.StreamHandler(kept.stream)
    options = configured.LOGGING["formatters"]["json"]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            **{name: value for name, value in options.items() if name != "()"}
        )
    )
    logging.getLogger().addHandler(handler)
    yield kept
    logging.getLogger().removeHandler(handler)


def api_with(secret: str) -> APIClient:
    """A client of the API at the caller's address."""
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}", REMOTE_ADDR=CALLER)


def test_the_access_line_says_who_called_from_where(owner: User, log: Log) -> None:
    token, secret = issue_token(owner, "read:projects")
    api_with(secret).get("/api/v1/projects?search=secret")
    assert log.lines("timetracker.access") == [
        {
            "event": "GET /api/v1/projects 200",
            "route": "/api/v1/projects",
            "status": 200,
            "address": CALLER,
            "user_id": owner.pk,
            "prefix": token.prefix,
        }
    ]
    assert "search" not in log.stream.getvalue()


def test_a_line_knows_nothing_of_the_request_before(owner: User, log: Log) -> None:
    _, secret = issue_token(owner, "read:projects")
    api_with(secret).get("/api/v1/projects")
    APIClient(REMOTE_ADDR="198.51.100.1").get("/api/v1/info")
    assert log.lines("timetracker.access")[1:] == [
        {
            "event": "GET /api/v1/info 200",
            "route": "/api/v1/info",
            "status": 200,
            "address": "198.51.100.1",
        }
    ]


def test_the_lines_of_a_request_have_its_trace(owner: User, log: Log) -> None:
    trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    _, secret = issue_token(owner, "read:tasks")
    headers = {"traceparent": f"00-{trace}-{span}-01"}
    assert api_with(secret).get("/api/v1/projects/7", headers=headers).status_code == 403
    for logger in ("timetracker.access", "timetracker.security"):
        (line,) = log.lines(logger)
        assert (line["trace_id"], line["span_id"]) == (trace, span)
    assert log.lines("timetracker.access")[0]["route"] == "/api/v1/projects/{id}"


def test_the_access_line_of_a_page_says_who_has_logged_in(
    administrator: User, log: Log, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser = admin_as(administrator)
    browser.get("/admin/", REMOTE_ADDR=CALLER)
    with django_assert_num_queries(0):
        browser.get("/api/docs", REMOTE_ADDR=CALLER)
    assert log.lines("timetracker.access") == [
        {
            "event": "GET /admin/ 200",
            "route": "/admin/",
            "status": 200,
            "address": CALLER,
            "user_id": administrator.pk,
        },
        {
            "event": "GET /api/docs 200",
            "route": "/api/docs",
            "status": 200,
            "address": CALLER,
        },
    ]


def test_what_is_refused_is_in_the_security_log(
    owner: User, colleague: User, project: Project, log: Log
) -> None:
    entry = make_entry(colleague, project)
    token, secret = issue_token(owner, "read:time_entries")
    caller = {"address": CALLER, "user_id": owner.pk, "prefix": token.prefix}
    path = f"/api/v1/time-entries/{entry.pk}"
    for asked in (path, f"/api/v1/time-entries?user_id={colleague.pk}", "/api/v1/projects"):
        assert api_with(secret).get(asked).status_code == 403
    assert api_with("tt_" + 32 * "0").get(path).status_code == 401
    denied = {"event": "Access denied", "method": "GET", **caller}
    assert log.lines("timetracker.security") == [
        {**denied, "path": path},
        {**denied, "path": "/api/v1/time-entries"},
        {"event": "Scope denied", "scope": "read:projects", **caller},
        {"event": "Credentials refused", "reason": "unknown", "prefix": None, "address": CALLER},
    ]


def test_refusals_in_the_admin_are_in_the_security_log(log: Log) -> None:
    staff = make_user("stefan", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_client"))
    path = reverse("admin:users_user_changelist")
    assert admin_as(staff).get(path, REMOTE_ADDR=CALLER).status_code == 403
    assert log.lines("timetracker.security") == [
        {"event": "Page refused", "path": path, "address": CALLER, "user_id": staff.pk}
    ]


def test_logins_are_in_the_security_log_without_what_was_typed(log: Log) -> None:
    ada = make_administrator("ada")
    login = reverse("admin:login")
    for name, password in (("ada", "gu3ssed"), ("hunter2", "gu3ssed"), ("ada", "pass-word-1")):
        Browser().post(login, {"username": name, "password": password}, REMOTE_ADDR=CALLER)
    assert log.lines("timetracker.security") == [
        {"event": "Login refused", "account": ada.pk, "address": CALLER},
        {"event": "Login refused", "account": None, "address": CALLER},
        {"event": "Logged in", "account": ada.pk, "address": CALLER},
    ]
    assert "gu3ssed" not in log.stream.getvalue()
    assert "hunter2" not in log.stream.getvalue()


def test_a_throttled_login_is_in_the_security_log(log: Log) -> None:
    login = reverse("admin:login")
    for _ in range(12):
        sent = {"username": "ada", "password": "wrong"}
        Browser().post(login, sent, REMOTE_ADDR=CALLER)
    assert log.lines("timetracker.security")[-1] == {
        "event": "Login throttled",
        "reason": "account",
        "address": CALLER,
    }


def test_the_cause_of_a_503_is_in_the_log_and_not_in_the_answer(
    owner: User, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = issue_token(owner, "read:projects")

    def fail(*_: object) -> None:
        raise OperationalError("canceling statement\ndue to statement timeout")

    monkeypatch.setattr(ProjectViewSet, "list", fail)
    response = api_with(secret).get("/api/v1/projects")
    assert response.status_code == 503
    assert "canceling" not in response.content.decode()
    (line,) = log.lines("timetracker.errors")
    assert line["cause"] == "OperationalError: canceling statement due to statement timeout"
    assert (line["address"], line["user_id"]) == (CALLER, owner.pk)


@pytest.mark.parametrize(
    ("address", "status"),
    [pytest.param(CALLER, 308, id="stranger"), pytest.param("10.0.0.1", 200, id="proxy")],
)
def test_https_is_believed_of_our_proxies_alone(
    settings: Settings, address: str, status: int
) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_SSL_REDIRECT = True
    headers = {"HTTP_X_FORWARDED_PROTO": "https", "REMOTE_ADDR": address}
    assert Browser().get("/api/docs", **headers).status_code == status  # type: ignore[arg-type]
