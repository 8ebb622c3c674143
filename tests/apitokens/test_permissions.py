import logging
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from api.views import ApiView
from apitokens.models import ApiToken
from apitokens.permissions import required_scope
from projects.models import Project
from tests.support.errors import error_of
from tests.support.factories import api_as, issue_token, make_entry
from timeentries.models import TimeEntry
from timetracker import urls
from users.models import User

pytestmark = pytest.mark.same_on_both

# The decision table, as it was agreed. A 403 without a word is about the scope.
TABLE = """
token                           | GET /projects | POST /projects | GET own entry | GET other's | PUT other's | ?user_id=other | /users/me | /users | /reports/summary
none                            | 401           | 401            | 401           | 401         | 401         | 401            | 401       | 401    | 401
malformed                       | 401           | 401            | 401           | 401         | 401         | 401            | 401       | 401    | 401
unknown                         | 401           | 401            | 401           | 401         | 401         | 401            | 401       | 401    | 401
expired                         | 401           | 401            | 401           | 401         | 401         | 401            | 401       | 401    | 401
revoked                         | 401           | 401            | 401           | 401         | 401         | 401            | 401       | 401    | 401
inactive user                   | 401           | 401            | 401           | 401         | 401         | 401            | 401       | 401    | 401
user: no scope                  | 403           | 403            | 403           | 403         | 403         | 403            | 403       | 403    | 403
user: read:projects             | 200           | 403            | 403           | 403         | 403         | 403            | 403       | 403    | 403
user: write:projects            | 200           | 201            | 403           | 403         | 403         | 403            | 403       | 403    | 403
user: read:time_entries         | 403           | 403            | 200           | 403 owner   | 403         | 403 owner      | 403       | 403    | 403
user: write:time_entries        | 403           | 403            | 200           | 403 owner   | 403 owner   | 403 owner      | 403       | 403    | 403
user: read:reports              | 403           | 403            | 403           | 403         | 403         | 403            | 403       | 403    | 200 own data
user: read:users                | 403           | 403            | 403           | 403         | 403         | 403            | 200       | 403    | 403
demoted: admin:all              | 403           | 403            | 403           | 403         | 403         | 403            | 403       | 403    | 403
demoted: *                      | 403           | 403            | 403           | 403         | 403         | 403            | 403       | 403    | 403
demoted: read:*                 | 403           | 403            | 403           | 403         | 403         | 403            | 403       | 403    | 403
demoted: write:*                | 403           | 403            | 403           | 403         | 403         | 403            | 403       | 403    | 403
demoted: admin:all, *, read:*   | 403           | 403            | 403           | 403         | 403         | 403            | 403       | 403    | 403
staff: admin:all, *, read:*     | 403           | 403            | 403           | 403         | 403         | 403            | 403       | 403    | 403
admin: read:time_entries        | 403           | 403            | 200           | 200         | 403         | 200            | 403       | 403    | 403
admin: read:*                   | 200           | 403            | 200           | 200         | 403         | 200            | 200       | 403    | 200 all data
admin: write:*                  | 200           | 201            | 200           | 200         | 200         | 200            | 403       | 403    | 403
admin: admin:all                | 200           | 201            | 200           | 200         | 200         | 200            | 200       | 200    | 200 all data
admin: *                        | 200           | 201            | 200           | 200         | 200         | 200            | 200       | 200    | 200 all data
"""  # noqa: E501 - a table
CALLS = {
    "GET /projects": ("GET", "projects", "read:projects"),
    "POST /projects": ("POST", "projects", "write:projects"),
    "GET own entry": ("GET", "time-entries/{own}", "read:time_entries"),
    "GET other's": ("GET", "time-entries/{other}", "read:time_entries"),
    "PUT other's": ("PUT", "time-entries/{other}", "write:time_entries"),
    "?user_id=other": ("GET", "time-entries?user_id={user}", "read:time_entries"),
    "/users/me": ("GET", "users/me", "read:users"),
    "/users": ("GET", "users", "admin:all"),
    "/reports/summary": (
        "GET",
        "reports/summary?start_date=2024-01-01&end_date=2024-01-31",
        "read:reports",
    ),
}
BODIES = {"POST": {"name": "New"}, "PUT": {"notes": "Changed"}, "GET": None}


def cells() -> list[Any]:
    """Each cell of the table: its token, its call and its verdict."""
    header, *rows = [
        [cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines()
    ]
    assert header[1:] == list(CALLS)
    return [
        pytest.param(row[0], call, verdict, id=f"{row[0]} {call}")
        for row in rows
        for call, verdict in zip(header[1:], row[1:], strict=True)
    ]


def caller(owner: User, token: str) -> tuple[APIClient, list[str]]:
    """A client with a token of the table, and the scopes that count."""
    if token == "none":
        return APIClient(), []
    if token in ("malformed", "unknown"):
        secret = "nonsense" if token == "malformed" else "tt_" + "0" * 32
        return APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}"), []
    kind, _, given = token.partition(": ")
    scopes = [scope for scope in given.split(", ") if scope != "no scope"]
    row, secret = issue_token(owner, "read:projects")
    now = timezone.now()
    lives: dict[str, dict[str, Any]] = {
        "expired": {"expires_at": now},
        "revoked": {"revoked_at": now},
        "inactive user": {},
    }
    ApiToken.objects.filter(pk=row.pk).update(**lives.get(kind, {"scopes": scopes}))
    User.objects.filter(pk=owner.pk).update(
        is_active=kind != "inactive user", is_superuser=kind == "admin", is_staff=kind == "staff"
    )
    counting = [] if kind in ("demoted", "staff") else scopes
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}"), counting


@pytest.mark.parametrize(("token", "call", "verdict"), cells())
def test_the_decision_table(
    owner: User, colleague: User, project: Project, token: str, call: str, verdict: str
) -> None:
    own, other = make_entry(owner, project), make_entry(colleague, project)
    api, counting = caller(owner, token)
    method, route, required = CALLS[call]
    url = f"/api/v1/{route.format(own=own.pk, other=other.pk, user=colleague.pk)}"
    response: HttpResponse = getattr(api, method.lower())(url, BODIES[method])
    assert response.status_code == int(verdict[:3])
    assert_answer(response, verdict, required, counting)
    changed = method == "PUT" and verdict == "200"
    assert TimeEntry.objects.get(pk=other.pk).notes == ("Changed" if changed else "")
    assert Project.objects.filter(name="New").exists() is (verdict == "201")
    if call == "GET own entry" and verdict == "200":
        assert response.json()["time_entry"]["id"] == own.pk  # type: ignore[attr-defined]
    if call == "?user_id=other" and verdict == "200":
        listed = response.json()["time_entries"]  # type: ignore[attr-defined]
        assert [entry["id"] for entry in listed] == [other.pk]


def assert_answer(
    response: HttpResponse, verdict: str, required: str, counting: list[str]
) -> None:
    """Compare the answer with what a verdict of the table means."""
    if verdict == "401":
        assert response["WWW-Authenticate"].startswith('Bearer realm="timetracker"')
        assert error_of(response)["error_code"] == "unauthorized"
    elif verdict == "403":
        assert error_of(response) == {
            "error": "Insufficient permissions",
            "message": f"This endpoint requires the '{required}' scope",
            "error_code": "forbidden",
            "required_scope": required,
            "available_scopes": counting,
        }
    elif verdict == "403 owner":
        assert error_of(response) == {
            "error": "Access denied",
            "message": "You can only access your own time entries.",
            "error_code": "forbidden",
        }
    elif verdict.endswith("data"):
        entries = {"200 own data": 1, "200 all data": 2}[verdict]
        summary = response.json()["summary"]  # type: ignore[attr-defined]
        assert summary["total_entries"] == entries


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_a_missing_entry_is_404_to_who_has_the_scope_and_403_to_others(
    owner: User, method: str
) -> None:
    missing = "/api/v1/time-entries/999999"
    assert getattr(api_as(owner, "write:time_entries"), method)(missing).status_code == 404
    assert getattr(api_as(owner, "write:tasks"), method)(missing).status_code == 403


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_anothers_entry_stays_as_it_is(
    owner: User, colleague: User, project: Project, method: str
) -> None:
    entry = make_entry(colleague, project)
    api = api_as(owner, "write:time_entries")
    response = getattr(api, method)(f"/api/v1/time-entries/{entry.pk}", {"notes": "Mine"})
    assert response.status_code == 403
    assert error_of(response)["error"] == "Access denied"
    assert TimeEntry.objects.get().notes == ""


def test_lists_and_reports_show_only_ones_own(
    owner: User, colleague: User, project: Project
) -> None:
    own = make_entry(owner, project)
    make_entry(colleague, project)
    api = api_as(owner, "read:time_entries", "read:reports")
    listed = api.get("/api/v1/time-entries").json()
    assert [entry["id"] for entry in listed["time_entries"]] == [own.pk]
    assert listed["pagination"]["total"] == 1
    own_id = api.get(f"/api/v1/time-entries?user_id={owner.pk}").json()
    assert own_id == listed
    response = api.get(f"/api/v1/reports/summary?user_id={colleague.pk}")
    assert response.status_code == 403
    assert error_of(response)["error"] == "Access denied"


def test_an_unknown_user_in_a_filter_is_403_as_well(owner: User) -> None:
    response = api_as(owner, "read:time_entries").get("/api/v1/time-entries?user_id=999999")
    assert response.status_code == 403


def test_a_denied_scope_is_logged_without_the_secret(
    owner: User, caplog: pytest.LogCaptureFixture
) -> None:
    token, secret = issue_token(owner, "read:tasks")
    with caplog.at_level(logging.WARNING, "timetracker.security"):
        APIClient(HTTP_X_API_KEY=secret).get("/api/v1/projects")
    records = [record for record in caplog.records if record.name == "timetracker.security"]
    assert [record.getMessage() for record in records] == ["Scope denied"]
    assert (
        records[0].__dict__.items()
        >= {
            "prefix": token.prefix,
            "scope": "read:projects",
        }.items()
    )
    assert secret not in str(records[0].__dict__)


class ForgottenView(ApiView):
    """A view whose author forgot its scope_resource."""

    def get(self, request: Request) -> Response:
        return Response({"secret": "data"})

    def post(self, request: Request) -> Response:
        return Response({"secret": "data"})


class PlainForgottenView(APIView):
    """The same, on DRF's own class."""

    def get(self, request: Request) -> Response:
        return Response({"secret": "data"})


class EmptyResourceView(ForgottenView):
    """A view with an empty scope_resource."""

    scope_resource = ""


class ForgottenAdministratorsView(ForgottenView):
    """A view for administrators that names no resource."""

    administrators_only = True


class UnknownResourceView(ForgottenView):
    """A view for a resource that no scope is about."""

    scope_resource = "rockets"


urlpatterns = [
    path("api/v1/forgotten", ForgottenView.as_view()),
    path("api/v1/plain", PlainForgottenView.as_view()),
    path("api/v1/empty", EmptyResourceView.as_view()),
    path("api/v1/administrators", ForgottenAdministratorsView.as_view()),
    path("api/v1/unknown", UnknownResourceView.as_view()),
]
handler500 = urls.handler500


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("route", ["forgotten", "plain", "empty", "administrators", "unknown"])
def test_a_view_that_names_no_scope_fails_closed(administrator: User, route: str) -> None:
    api = api_as(administrator, "*", "admin:all", "read:*", "write:*")
    api.raise_request_exception = False
    response = api.get(f"/api/v1/{route}")
    assert response.status_code == 500
    assert error_of(response)["error_code"] == "internal_error"
    nobody = APIClient(raise_request_exception=False).get(f"/api/v1/{route}")
    assert nobody.status_code == 401


@pytest.mark.parametrize("view", [ForgottenView, EmptyResourceView, ForgottenAdministratorsView])
def test_the_scope_of_a_view_that_names_none_is_a_mistake(view: type[ApiView]) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"needs a scope_resource\.$"):
        required_scope(view, "GET")


def test_the_scope_of_an_unknown_resource_is_a_mistake() -> None:
    with pytest.raises(ImproperlyConfigured, match="read:rockets"):
        required_scope(UnknownResourceView, "GET")


@pytest.mark.parametrize(
    ("method", "scope"),
    [
        ("GET", "read:tasks"),
        ("HEAD", "read:tasks"),
        ("POST", "write:tasks"),
        ("PUT", "write:tasks"),
        ("PATCH", "write:tasks"),
        ("DELETE", "write:tasks"),
        ("ANYTHING", "write:tasks"),
    ],
)
def test_a_method_reads_or_writes(method: str, scope: str) -> None:
    class TaskView(ApiView):
        scope_resource = "tasks"

    assert required_scope(TaskView, method) == scope


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_what_is_for_administrators_needs_admin_all(method: str) -> None:
    class AdministratorsView(ApiView):
        scope_resource = "users"
        administrators_only = True

    assert required_scope(AdministratorsView, method) == "admin:all"
