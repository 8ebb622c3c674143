"""Every body and every answer that the documents show, as they show it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from apitokens.models import ApiToken
from clients.models import Client
from projects.models import Project
from tests.support.answers import restricted
from tests.support.errors import error_of
from tests.support.factories import api_as, issue_token, make_entry, make_project
from users.models import User
from values.credentials import digest_of

EXAMPLE_TOKEN = "tt_abc123def456ghi789jkl012mno345pq"


@pytest.mark.parametrize(
    ("path", "scope", "body"),
    [
        pytest.param(
            "projects",
            "write:projects",
            """{
  "name": "New Project",
  "description": "Project description",
  "client_id": 5,
  "hourly_rate": 75.00,
  "estimated_hours": 100,
  "status": "active"
}""",
            id="a project",
        ),
        pytest.param(
            "clients",
            "write:clients",
            """{
  "name": "Acme Corp",
  "email": "contact@acme.com",
  "company": "Acme Corporation",
  "phone": "+1-555-0123"
}""",
            id="a client",
        ),
    ],
)
def test_a_documented_body_is_stored(
    owner: User, request: pytest.FixtureRequest, path: str, scope: str, body: str
) -> None:
    if path == "projects":
        request.getfixturevalue("client_5")
    assert_stored(owner, path, scope, body)


@pytest.mark.parametrize(
    ("path", "scope", "body"),
    [
        pytest.param(
            "time-entries",
            "write:time_entries",
            """{
  "project_id": 1,
  "task_id": 5,
  "start_time": "2024-01-15T09:00:00Z",
  "end_time": "2024-01-15T17:00:00Z",
  "notes": "Worked on feature X",
  "tags": "development,frontend",
  "billable": true
}""",
            id="a time entry",
        ),
        pytest.param(
            "timer/start",
            "write:time_entries",
            """{
  "project_id": 1,
  "task_id": 5
}""",
            id="a timer",
        ),
    ],
)
@pytest.mark.usefixtures("task_5")
def test_a_documented_body_about_project_1_and_task_5_is_stored(
    owner: User, path: str, scope: str, body: str
) -> None:
    assert_stored(owner, path, scope, body)


@pytest.mark.usefixtures("project_1")
def test_the_documented_body_of_a_task_is_stored(owner: User) -> None:
    body = """{
  "name": "Implement login feature",
  "description": "Add user authentication",
  "project_id": 1,
  "status": "todo",
  "priority": 1
}"""
    assert_stored(owner, "tasks", "write:tasks", body)


def assert_stored(owner: User, path: str, scope: str, body: str) -> None:
    """Post a body; the answer and what a later GET returns must agree with it."""
    api = api_as(owner, scope)
    response = api.post(f"/api/v1/{path}", body, content_type="application/json")
    assert response.status_code == 201
    (key,) = set(response.json()) - {"message"}
    assert response.json()[key].items() >= json.loads(body).items()
    (stored,) = api.get(response["Location"]).json().values()
    assert stored.items() >= json.loads(body).items()


@pytest.mark.usefixtures("project_1")
def test_without_an_end_a_time_entry_is_an_active_timer(owner: User) -> None:
    api = api_as(owner, "write:time_entries")
    started = {"project_id": 1, "start_time": "2024-01-15T09:00:00Z"}
    entry = api.post("/api/v1/time-entries", started).json()["time_entry"]
    assert (entry["active"], entry["end_time"]) == (True, None)
    status = api.get("/api/v1/timer/status").json()
    assert (status["active"], status["timer"]["id"]) == (True, entry["id"])


def test_the_documented_list_of_projects(owner: User, client_5: Client) -> None:
    make_project(
        "Website Redesign",
        pk=1,
        description="Complete website overhaul",
        client=client_5,
        hourly_rate=75,
        estimated_hours=120,
    )
    Project.objects.update(created_at=datetime(2024, 1, 1, 10, tzinfo=UTC))
    response = api_as(owner, "read:projects").get("/api/v1/projects")
    (project,) = response.json()["projects"]
    example = json.loads("""{
  "id": 1,
  "name": "Website Redesign",
  "description": "Complete website overhaul",
  "client_id": 5,
  "hourly_rate": 75.00,
  "estimated_hours": 120,
  "status": "active",
  "created_at": "2024-01-01T10:00:00Z"
}""")
    assert project.items() >= example.items()


def test_the_documented_page_of_150(owner: User) -> None:
    Project.objects.bulk_create([Project(name=f"P{number:03}") for number in range(150)])
    response = api_as(owner, "read:projects").get("/api/v1/projects")
    assert len(response.json()["projects"]) == 50
    pagination = response.json()["pagination"]
    assert pagination.pop("next_cursor")  # ours, beside what is documented
    assert pagination == json.loads("""{
  "page": 1,
  "per_page": 50,
  "total": 150,
  "pages": 3,
  "has_next": true,
  "has_prev": false,
  "next_page": 2,
  "prev_page": null
}""")


def test_the_documented_summary(owner: User, project_1: Project) -> None:
    other = make_project("Shop")
    lengths = [1.0] * 44 + [41.5]  # 85.5 hours, 45 entries
    for day, hours in enumerate(lengths):
        start = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=12 * day)
        make_entry(owner, project_1, start, timedelta(hours=hours))
    for hours, billable in [(15.5, False), (21.5, True)] + [(1.0, True)] * 38:
        last = datetime(2024, 1, 31, 23, 59, 59, tzinfo=UTC)
        make_entry(owner, other, last, timedelta(hours=hours), billable=billable)
    make_entry(owner, other, datetime(2024, 2, 1, tzinfo=UTC))
    response = api_as(owner, "read:reports").get(
        "/api/v1/reports/summary?start_date=2024-01-01&end_date=2024-01-31"
    )
    example = json.loads("""{
  "summary": {
    "start_date": "2024-01-01T00:00:00Z",
    "end_date": "2024-01-31T23:59:59Z",
    "total_hours": 160.5,
    "billable_hours": 145.0,
    "total_entries": 85,
    "by_project": [
      {
        "project_id": 1,
        "project_name": "Website Redesign",
        "hours": 85.5,
        "entries": 45
      }
    ]
  }
}""")
    example["summary"]["by_project"].append(
        {"project_id": other.pk, "project_name": "Shop", "hours": 75.0, "entries": 40}
    )
    assert restricted(response.json(), example) == example


def test_the_documented_info(db: None) -> None:
    info = APIClient().get("/api/v1/info").json()
    example = json.loads("""{
  "api_version": "v1",
  "app_version": "1.0.0",
  "documentation_url": "/api/docs",
  "endpoints": {
    "projects": "/api/v1/projects",
    "time_entries": "/api/v1/time-entries",
    "tasks": "/api/v1/tasks",
    "clients": "/api/v1/clients"
  }
}""")
    endpoints = example.pop("endpoints")
    example["app_version"] = settings.APP_VERSION  # the documents show that of their day
    assert info.items() >= example.items()
    assert info["endpoints"].items() >= endpoints.items()


def test_the_documented_scope_error(owner: User) -> None:
    api = api_as(owner, "read:projects", "read:time_entries")
    response = api.post("/api/v1/projects", {"name": "New Project"})
    assert response.status_code == 403
    assert error_of(response) == json.loads("""{
  "error": "Insufficient permissions",
  "message": "This endpoint requires the 'write:projects' scope",
  "required_scope": "write:projects",
  "available_scopes": ["read:projects", "read:time_entries"]
}""") | {"error_code": "forbidden"}


def test_the_documented_token_error(db: None) -> None:
    api = APIClient(HTTP_AUTHORIZATION=f"Bearer {EXAMPLE_TOKEN}")
    response = api.get("/api/v1/projects")
    assert response.status_code == 401
    assert error_of(response) == json.loads("""{
  "error": "Invalid token",
  "message": "The provided API token is invalid or expired"
}""") | {"error_code": "unauthorized"}


def test_the_documented_example_of_a_token_is_well_formed(owner: User) -> None:
    token, _ = issue_token(owner, "read:projects")
    ApiToken.objects.filter(pk=token.pk).update(digest=digest_of(EXAMPLE_TOKEN))
    api = APIClient(HTTP_AUTHORIZATION=f"Bearer {EXAMPLE_TOKEN}")
    assert api.get("/api/v1/projects").status_code == 200


def test_the_documented_limits_are_in_the_headers(owner: User) -> None:
    response = api_as(owner, "read:projects").get("/api/v1/projects")
    assert response["X-RateLimit-Limit"] == "100"
    assert response["X-RateLimit-Remaining"] == "99"
    assert int(response["X-RateLimit-Reset"]) > datetime.now(UTC).timestamp()


@pytest.mark.parametrize(
    "text", ["2024-01-15T14:30:00", "2024-01-15T14:30:00Z"], ids=["without Z", "with Z"]
)
@pytest.mark.usefixtures("project_1")
def test_the_documented_formats_of_a_time_are_read(owner: User, text: str) -> None:
    body = {"project_id": 1, "start_time": text, "end_time": "2024-01-15T15:30:00Z"}
    response = api_as(owner, "write:time_entries").post("/api/v1/time-entries", body)
    assert response.status_code == 201
    assert response.json()["time_entry"]["start_time"] == "2024-01-15T14:30:00Z"


def test_the_documented_deletion_of_a_project_archives_it(owner: User, project_1: Project) -> None:
    response = api_as(owner, "write:projects").delete("/api/v1/projects/1")
    assert (response.status_code, response.json()) == (
        200,
        {"message": "Project archived successfully"},
    )
    project_1.refresh_from_db()
    assert project_1.status == "archived"
