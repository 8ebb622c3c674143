import re
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import Settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient

from api.views import ApiView
from projects.models import Project
from tests.support.errors import error_of
from tests.support.factories import api_as, issue_token, make_client, make_entry, make_project
from timetracker import urls
from users.models import User

NO_TOKEN = {
    "error": "Authentication required",
    "message": "Send an API token: Authorization: Bearer tt_…",
    "error_code": "unauthorized",
}
BUG = {
    "error": "Internal server error",
    "message": "An unexpected error occurred. Quote the request_id when you report it.",
    "error_code": "internal_error",
}
AWAY = {
    "error": "Service unavailable",
    "message": "The service is temporarily unavailable. Try again.",
    "error_code": "unavailable",
}
FAILURES: dict[str, type[Exception]] = {
    "bug": ZeroDivisionError,
    "database": OperationalError,
    "connection": InterfaceError,
    "forbidden": PermissionDenied,
    "suspicious": SuspiciousOperation,
}


class FailingView(ApiView):
    """A view with a bug."""

    scope_resource = "projects"

    def get(self, request: Request, failure: str) -> Response:
        raise FAILURES[failure]("the secret cause")


def failing_page(request: HttpRequest, failure: str) -> HttpResponse:
    """Fail outside DRF."""
    raise FAILURES[failure]("the secret cause")


urlpatterns = [
    path("api/v1/failing/<failure>", FailingView.as_view()),
    path("api/outside/<failure>", failing_page),
    path("page/<failure>", failing_page),
]
handler400, handler403, handler404, handler500 = (
    urls.handler400,
    urls.handler403,
    urls.handler404,
    urls.handler500,
)
failing_urls = pytest.mark.urls(__name__)


@pytest.fixture
def api(owner: User) -> APIClient:
    """The owner, who may write projects."""
    client = api_as(owner, "write:projects")
    client.raise_request_exception = False
    return client


def test_without_a_token_401_says_how_to_send_one(client: Client) -> None:
    response = client.get("/api/v1/projects")
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="timetracker"'
    assert error_of(response) == NO_TOKEN


def test_a_bad_token_is_401_invalid_token(client: Client) -> None:
    response = client.get("/api/v1/projects", HTTP_AUTHORIZATION="Bearer nonsense")
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == ('Bearer realm="timetracker", error="invalid_token"')
    assert error_of(response) == {
        "error": "Invalid token",
        "message": "The provided API token is invalid or expired",
        "error_code": "unauthorized",
    }


def test_a_missing_scope_is_403_with_both_sides(owner: User) -> None:
    api = api_as(owner, "read:projects", "read:time_entries")
    response = api.post("/api/v1/projects", {"name": "New"})
    assert response.status_code == 403
    assert response["WWW-Authenticate"] == (
        'Bearer realm="timetracker", error="insufficient_scope", scope="write:projects"'
    )
    assert error_of(response) == {
        "error": "Insufficient permissions",
        "message": "This endpoint requires the 'write:projects' scope",
        "error_code": "forbidden",
        "required_scope": "write:projects",
        "available_scopes": ["read:projects", "read:time_entries"],
    }
    assert Project.objects.count() == 0


def test_anothers_entry_is_403_access_denied(
    owner: User, colleague: User, project: Project
) -> None:
    entry = make_entry(colleague, project)
    response = api_as(owner, "read:time_entries").get(f"/api/v1/time-entries/{entry.pk}")
    assert response.status_code == 403
    assert "WWW-Authenticate" not in response
    assert error_of(response) == {
        "error": "Access denied",
        "message": "You can only access your own time entries.",
        "error_code": "forbidden",
    }


def test_a_missing_row_is_404(api: APIClient) -> None:
    response = api.get("/api/v1/projects/999")
    assert response.status_code == 404
    assert error_of(response) == {
        "error": "Not found",
        "message": "There is no project with the id 999.",
        "error_code": "not_found",
    }


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        pytest.param("/api/", "See /api/docs.", id="the root"),
        pytest.param("/api/v1", "See /api/docs.", id="the version"),
        pytest.param("/api/v1/project", "See /api/docs.", id="a slip"),
        pytest.param("/api/v2/projects", "See /api/docs.", id="another version"),
        pytest.param("/api/v1/projects/abc", "See /api/docs.", id="a name for an id"),
        pytest.param("/api/v1/projects/-1", "See /api/docs.", id="a negative id"),
        pytest.param("/api/v1/projects/1.5", "See /api/docs.", id="half an id"),
        pytest.param("/api/v1/projects/1_0", "See /api/docs.", id="an underscore"),
        pytest.param("/api/v1/projects/" + "9" * 19, "See /api/docs.", id="19 digits"),
        pytest.param("/api/v1/projects.json", "See /api/docs.", id="a suffix"),
        pytest.param(
            "/api/v1/projects/",
            "Remove the trailing slash: /api/v1/projects",
            id="a slash too many",
        ),
        pytest.param(
            "/api/v1/projects/1/",
            "Remove the trailing slash: /api/v1/projects/1",
            id="a slash after an id",
        ),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_an_unknown_path_is_404_before_credentials(
    client: Client, method: str, asked: str, hint: str
) -> None:
    response = client.generic(method, asked, HTTP_AUTHORIZATION="Bearer nonsense")
    assert response.status_code == 404
    assert error_of(response) == {
        "error": "Not found",
        "message": f"No endpoint at {asked}. {hint}",
        "error_code": "not_found",
    }


@pytest.mark.parametrize(
    "escaped", ["%D9%A1", "1%0A", "%201", "1%00", "%2e%2e", "%ED%A0%80"], ids=str
)
def test_an_id_has_only_digits(api: APIClient, escaped: str) -> None:
    response = api.get(f"/api/v1/projects/{escaped}")
    assert response.status_code == 404
    assert error_of(response)["error_code"] == "not_found"


def test_the_largest_id_is_looked_up(api: APIClient) -> None:
    response = api.get("/api/v1/projects/" + "9" * 18)
    assert response.status_code == 404
    assert error_of(response)["message"] == "There is no project with the id 999999999999999999."


def test_another_page_keeps_djangos_404(client: Client) -> None:
    response = client.get("/nothing")
    assert response.status_code == 404
    assert response["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("asked", "method", "allow"),
    [
        ("/api/v1/projects", "DELETE", "GET, POST, HEAD, OPTIONS"),
        ("/api/v1/projects/1", "POST", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
        ("/api/v1/projects/1", "PROPFIND", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
    ],
)
def test_another_method_is_405_with_allow(
    api: APIClient, asked: str, method: str, allow: str
) -> None:
    response = api.generic(method, asked)
    assert response.status_code == 405
    assert response["Allow"] == allow
    assert error_of(response) == {
        "error": "Method not allowed",
        "message": f'Method "{method}" not allowed.',
        "error_code": "method_not_allowed",
    }


def test_a_bad_value_is_400_and_named(api: APIClient) -> None:
    response = api.post("/api/v1/projects", {"name": "", "hourly_rate": "much", "colour": 1})
    assert response.status_code == 400
    assert error_of(response)["error_code"] == "validation_error"
    assert list(error_of(response)["errors"]) == ["colour"]
    response = api.post("/api/v1/projects", {"name": "", "status": "gone"})
    assert error_of(response) == {
        "error": "name: This field may not be blank.",
        "message": "name: This field may not be blank.",
        "error_code": "validation_error",
        "errors": {
            "name": ["This field may not be blank."],
            "status": ["Must be one of: active, archived, on_hold."],
        },
    }


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        pytest.param("hourly_rat", "Unknown field. Did you mean 'hourly_rate'?", id="close"),
        pytest.param(
            "x",
            "Unknown field. Accepted: billable, client_id, client_name, created_at, description, "
            "estimated_hours, external_id, hourly_rate, id, name, rounding, status, updated_at, "
            "version.",
            id="far",
        ),
    ],
)
def test_an_unknown_field_is_400_with_what_was_meant(
    api: APIClient, name: str, sentence: str
) -> None:
    response = api.post("/api/v1/projects", {"name": "New", name: 1})
    assert response.status_code == 400
    assert error_of(response) == {
        "error": f"{name}: {sentence}",
        "message": f"{name}: {sentence}",
        "error_code": "validation_error",
        "errors": {name: [sentence]},
    }
    assert Project.objects.count() == 0


def test_a_broken_check_is_400_under_its_field(api: APIClient) -> None:
    response = api.post("/api/v1/projects", {"name": "New", "hourly_rate": -1})
    assert response.status_code == 400
    assert error_of(response) == {
        "error": "hourly_rate: The hourly rate cannot be negative.",
        "message": "hourly_rate: The hourly rate cannot be negative.",
        "error_code": "validation_error",
        "errors": {"hourly_rate": ["The hourly rate cannot be negative."]},
    }


def test_a_taken_name_is_409(api: APIClient) -> None:
    customer = make_client()
    site = make_project("Site", client=customer)
    response = api.post("/api/v1/projects", {"name": "Site", "client_id": customer.pk})
    assert response.status_code == 409
    assert error_of(response) == {
        "error": "This client already has a project with this name.",
        "message": "This client already has a project with this name.",
        "error_code": "conflict",
        "conflicting_id": site.pk,
    }


def test_a_conflict_may_have_its_own_code(owner: User) -> None:
    archived = make_project(status="archived")
    api = api_as(owner, "write:time_entries")
    response = api.post("/api/v1/timer/start", {"project_id": archived.pk})
    assert response.status_code == 409
    assert error_of(response) == {
        "error": "This project is archived. Set its status to active to add to it.",
        "message": "This project is archived. Set its status to active to add to it.",
        "error_code": "project_archived",
    }


def test_nothing_to_stop_is_400_with_its_own_code(owner: User) -> None:
    response = api_as(owner, "write:time_entries").post("/api/v1/timer/stop")
    assert response.status_code == 400
    assert error_of(response) == {
        "error": "There is no active timer to stop.",
        "message": "There is no active timer to stop.",
        "error_code": "no_active_timer",
    }


def test_an_unknown_host_is_400_in_json(client: Client) -> None:
    response = client.get("/api/v1/info", HTTP_HOST="evil.example")
    assert response.status_code == 400
    assert error_of(response) == {
        "error": "The Host header does not name this service.",
        "message": "The Host header does not name this service.",
        "error_code": "bad_request",
    }


def break_the_database(*_: object) -> Any:
    """Fail each statement as PostgreSQL's driver does when the server is gone."""
    raise OperationalError("server closed the connection unexpectedly")


@pytest.mark.parametrize(
    ("method", "data"), [("get", None), ("post", {"name": "New"})], ids=["reading", "writing"]
)
def test_without_its_database_the_api_is_503(
    api: APIClient, method: str, data: dict[str, str] | None
) -> None:
    with connection.execute_wrapper(break_the_database):
        response = getattr(api, method)("/api/v1/projects", data)
    assert response.status_code == 503
    assert response["Retry-After"] == "1"
    assert error_of(response) == AWAY


@failing_urls
@pytest.mark.parametrize("where", ["/api/v1/failing", "/api/outside"])
@pytest.mark.parametrize(
    ("failure", "status", "body"),
    [
        pytest.param("bug", 500, BUG, id="a bug"),
        pytest.param("database", 503, AWAY, id="the database away"),
        pytest.param("connection", 503, AWAY, id="the connection away"),
    ],
)
def test_a_failure_leaks_nothing_of_its_cause(
    api: APIClient, where: str, failure: str, status: int, body: dict[str, Any]
) -> None:
    response = api.get(f"{where}/{failure}")
    assert response.status_code == status
    assert error_of(response) == body
    assert response.get("Retry-After") == ("1" if status == 503 else None)


@failing_urls
def test_what_a_view_forbids_is_403(api: APIClient) -> None:
    inside, outside = api.get("/api/v1/failing/forbidden"), api.get("/api/outside/forbidden")
    assert (inside.status_code, outside.status_code) == (403, 403)
    assert error_of(inside)["error_code"] == "forbidden"
    assert error_of(outside) == {
        "error": "Access denied",
        "message": "You do not have permission to do this.",
        "error_code": "forbidden",
    }


@failing_urls
@pytest.mark.parametrize("where", ["/api/v1/failing", "/api/outside"])
def test_a_suspicious_request_is_400(api: APIClient, where: str) -> None:
    response = api.get(f"{where}/suspicious")
    assert response.status_code == 400
    assert error_of(response) == {
        "error": "The request could not be understood.",
        "message": "The request could not be understood.",
        "error_code": "bad_request",
    }


@failing_urls
@pytest.mark.parametrize(
    ("failure", "status"), [("bug", 500), ("forbidden", 403), ("suspicious", 400)]
)
def test_other_pages_keep_djangos_errors(client: Client, failure: str, status: int) -> None:
    client.raise_request_exception = False
    response = client.get(f"/page/{failure}")
    assert response.status_code == status
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert b"secret cause" not in response.content


@failing_urls
@pytest.mark.parametrize("failure", ["bug", "database", "forbidden"])
def test_every_answer_to_a_token_tells_its_limit(api: APIClient, failure: str) -> None:
    response = api.get(f"/api/v1/failing/{failure}")
    assert response.headers.get("X-RateLimit-Remaining") == "99"


@pytest.mark.parametrize(
    "sent",
    ["a", "8f14e45f-ceea-467a-9a36-dedd4bea2543", "Req_1.2", "x" * 64],
)
@pytest.mark.parametrize(
    ("asked", "status"),
    [("/api/v1/info", 200), ("/api/v1/projects", 401), ("/api/nothing", 404), ("/nothing", 404)],
)
def test_a_sane_request_id_comes_back(client: Client, asked: str, status: int, sent: str) -> None:
    response = client.get(asked, HTTP_X_REQUEST_ID=sent)
    assert (response.status_code, response["X-Request-ID"]) == (status, sent)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param("", id="empty"),
        pytest.param("x" * 65, id="too long"),
        pytest.param("two words", id="a space"),
        pytest.param("a,b", id="sent twice"),
        pytest.param("a\nSet-Cookie: x", id="a header of its own"),
        pytest.param("abc\n", id="newline at the end"),
        pytest.param("<script>", id="markup"),
        pytest.param("\u00e9", id="not ASCII"),
        pytest.param("\u0661", id="Arabic digit"),
        pytest.param("\x00", id="NUL"),
    ],
)
def test_another_request_id_is_replaced(client: Client, sent: str) -> None:
    response = client.get("/api/v1/projects", HTTP_X_REQUEST_ID=sent)
    assert re.fullmatch(r"[0-9a-f]{32}", response["X-Request-ID"])
    assert error_of(response) == NO_TOKEN


def test_every_request_has_an_id_of_its_own(client: Client) -> None:
    ids = {client.get("/api/v1/info")["X-Request-ID"] for _ in range(20)}
    assert len(ids) == 20


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*", "nonsense"])
def test_errors_are_json_whatever_is_accepted(client: Client, accept: str) -> None:
    response = client.get("/api/v1/projects", HTTP_ACCEPT=accept)
    assert response.status_code == 401
    assert error_of(response) == NO_TOKEN


def test_a_suffix_of_format_is_no_parameter(owner: User) -> None:
    response = api_as(owner, "read:projects").get("/api/v1/projects?format=xml")
    assert response.status_code == 400
    assert list(error_of(response)["errors"]) == ["format"]


@pytest.mark.usefixtures("clock")
def test_a_judgement_follows_its_order(owner: User, settings: Settings) -> None:
    """Each request has every later fault too; what is judged first is answered."""
    _, secret = issue_token(owner, "read:projects")
    unknown = {"HTTP_AUTHORIZATION": "Bearer nonsense"}
    reader = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
    writer = {"HTTP_AUTHORIZATION": f"Bearer {issue_token(owner, 'write:projects')[1]}"}
    client = Client()

    def status(method: str, asked: str, headers: dict[str, str], body: str = "{") -> int:
        answer = client.generic(method, asked, body, "application/json", **headers)  # type: ignore[arg-type]
        return answer.status_code

    assert status("TRACE", "/api/v1/nothing?x=1", unknown) == 404
    assert status("TRACE", "/api/v1/projects/999?x=1", unknown) == 401
    assert status("TRACE", "/api/v1/projects/999?x=1", reader) == 405
    assert status("PUT", "/api/v1/projects/999?x=1", reader) == 403
    assert status("PUT", "/api/v1/projects/999?x=1", writer) == 400
    assert status("PUT", "/api/v1/projects/999", writer) == 400
    assert status("PUT", "/api/v1/projects/999", writer, '{"name": ""}') == 404
    settings.RATE_LIMIT_PER_MINUTE = 1
    assert status("GET", "/api/v1/projects", reader, "") == 200
    assert status("TRACE", "/api/v1/projects/999?x=1", reader) == 429
