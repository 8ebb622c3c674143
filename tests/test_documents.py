"""Every call that the documents show, as they show it."""

import json
import shlex
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer
from rest_framework.test import APIClient

from apitokens.models import ApiToken, digest_of
from clients.models import Client
from projects.models import Project
from tasks.models import Task
from tests.errors import error_of
from tests.factories import api_as, issue_token, make_client, make_entry, make_project, make_task
from timeentries.models import TimeEntry
from users.models import User

DOMAIN = "https://your-domain.com"
PLACEHOLDERS = ("YOUR_API_TOKEN", "YOUR_TOKEN", "tt_your_token_here", "TOKEN")
EXAMPLE_TOKEN = "tt_abc123def456ghi789jkl012mno345pq"


def curl(command: str, secret: str) -> Any:
    """Send what a curl command of the documents sends, with our token for its placeholder."""
    placeholder = next(word for word in PLACEHOLDERS if f'{word}"' in command)
    text = command.replace(placeholder, secret).replace("\\\n", " ")
    program, *words = shlex.split(text)
    assert program == "curl"
    method, data, url = "GET", "", ""
    headers: dict[str, str] = {}
    while words:
        match words.pop(0):
            case "-X":
                method = words.pop(0)
            case "-H":
                name, _, value = words.pop(0).partition(": ")
                headers[name] = value
            case "-d":
                data = words.pop(0)
            case address:
                url = address
    assert url.startswith(DOMAIN)
    content_type = headers.pop("Content-Type", "application/octet-stream")
    path = url.removeprefix(DOMAIN)
    return APIClient().generic(method, path, data, content_type, headers=headers)


@pytest.fixture
def client_5(db: None) -> Client:
    """The client of the examples."""
    return make_client("Fern & Sons", pk=5)


@pytest.fixture
def project_1(client_5: Client) -> Project:
    """The project of the examples."""
    return make_project("Website Redesign", pk=1, client=client_5)


@pytest.fixture
def task_5(project_1: Project) -> Task:
    """The task of the examples."""
    return make_task(project_1, pk=5)


@pytest.mark.parametrize(
    ("command", "scope", "keys"),
    [
        pytest.param(
            r"""curl -H "Authorization: Bearer YOUR_API_TOKEN" \
https://your-domain.com/api/v1/projects""",
            "read:projects",
            ["projects", "pagination"],
            id="method 1: bearer token",
        ),
        pytest.param(
            r"""curl -H "X-API-Key: YOUR_API_TOKEN" \
https://your-domain.com/api/v1/projects""",
            "read:projects",
            ["projects", "pagination"],
            id="method 2: API key header",
        ),
        pytest.param(
            r'''curl -H "Authorization: Bearer YOUR_TOKEN" \
"https://your-domain.com/api/v1/projects?status=active&per_page=20"''',
            "read:projects",
            ["projects", "pagination"],
            id="list projects",
        ),
        pytest.param(
            r'''curl -H "Authorization: Bearer YOUR_TOKEN" \
"https://your-domain.com/api/v1/time-entries?project_id=1&start_date=2024-01-01"''',
            "read:time_entries",
            ["time_entries", "pagination"],
            id="list time entries",
        ),
        pytest.param(
            r"""curl -H "Authorization: Bearer tt_your_token_here" \
https://your-domain.com/api/v1/projects""",
            "read:projects",
            ["projects", "pagination"],
            id="cURL: list projects",
        ),
        pytest.param(
            r"""curl -H "Authorization: Bearer YOUR_TOKEN" \
https://your-domain.com/api/v1/projects""",
            "read:projects",
            ["projects", "pagination"],
            id="read:projects",
        ),
        pytest.param(
            r'''curl -H "Authorization: Bearer YOUR_TOKEN" \
"https://your-domain.com/api/v1/time-entries?start_date=2024-01-01"''',
            "read:time_entries",
            ["time_entries", "pagination"],
            id="read:time_entries",
        ),
        pytest.param(
            r'''curl -H "Authorization: Bearer YOUR_TOKEN" \
"https://your-domain.com/api/v1/tasks?project_id=1&status=todo"''',
            "read:tasks",
            ["tasks", "pagination"],
            id="read:tasks",
        ),
        pytest.param(
            r"""curl -H "Authorization: Bearer YOUR_TOKEN" \
https://your-domain.com/api/v1/clients""",
            "read:clients",
            ["clients", "pagination"],
            id="read:clients",
        ),
        pytest.param(
            r'''curl -H "Authorization: Bearer YOUR_TOKEN" \
"https://your-domain.com/api/v1/reports/summary?start_date=2024-01-01&end_date=2024-01-31"''',
            "read:reports",
            ["summary"],
            id="read:reports",
        ),
        pytest.param(
            r"""curl -H "Authorization: Bearer YOUR_TOKEN" \
https://your-domain.com/api/v1/users/me""",
            "read:users",
            ["user"],
            id="read:users",
        ),
    ],
)
@pytest.mark.usefixtures("task_5")
def test_a_documented_curl_reads(owner: User, command: str, scope: str, keys: list[str]) -> None:
    make_entry(owner, Project.objects.get(), task_id=5)
    response = curl(command, issue_token(owner, scope)[1])
    assert response.status_code == 200
    assert list(response.json()) == keys
    rows = response.json()[keys[0]]
    assert len(rows) == 1 or "id" in rows or rows["total_entries"] == 1


def test_the_documented_curl_of_an_administrator_lists_users(administrator: User) -> None:
    response = curl(
        r"""curl -H "Authorization: Bearer YOUR_TOKEN" \
https://your-domain.com/api/v1/users""",
        issue_token(administrator, "admin:all")[1],
    )
    assert response.status_code == 200
    assert [user["username"] for user in response.json()["users"]] == ["ada"]


def test_the_documented_curl_makes_a_project(owner: User) -> None:
    response = curl(
        r"""curl -X POST https://your-domain.com/api/v1/projects \
-H "Authorization: Bearer YOUR_TOKEN" \
-H "Content-Type: application/json" \
-d '{"name": "New Project", "status": "active"}'""",
        issue_token(owner, "write:projects")[1],
    )
    assert response.status_code == 201
    project = Project.objects.get()
    assert (project.name, project.status, project.client) == ("New Project", "active", None)
    assert response["Location"] == f"/api/v1/projects/{project.pk}"


@pytest.mark.usefixtures("project_1")
def test_the_documented_curl_starts_a_timer(owner: User) -> None:
    response = curl(
        r"""curl -X POST https://your-domain.com/api/v1/timer/start \
-H "Authorization: Bearer YOUR_TOKEN" \
-H "Content-Type: application/json" \
-d '{"project_id": 1}'""",
        issue_token(owner, "write:time_entries")[1],
    )
    assert response.status_code == 201
    assert list(response.json()) == ["message", "timer"]
    timer = TimeEntry.objects.get()
    assert (timer.user, timer.project_id, timer.end_time) == (owner, 1, None)


@pytest.mark.usefixtures("project_1")
def test_the_documented_curl_makes_a_task(owner: User) -> None:
    response = curl(
        r"""curl -X POST https://your-domain.com/api/v1/tasks \
-H "Authorization: Bearer YOUR_TOKEN" \
-H "Content-Type: application/json" \
-d '{"name": "New Task", "project_id": 1, "status": "todo"}'""",
        issue_token(owner, "write:tasks")[1],
    )
    assert response.status_code == 201
    task = Task.objects.get()
    assert (task.name, task.project_id, task.status) == ("New Task", 1, "todo")


def test_the_documented_curl_makes_a_client(owner: User) -> None:
    response = curl(
        r"""curl -X POST https://your-domain.com/api/v1/clients \
-H "Authorization: Bearer YOUR_TOKEN" \
-H "Content-Type: application/json" \
-d '{"name": "New Client", "email": "client@example.com"}'""",
        issue_token(owner, "write:clients")[1],
    )
    assert response.status_code == 201
    customer = Client.objects.get()
    assert (customer.name, customer.email) == ("New Client", "client@example.com")


@pytest.mark.usefixtures("project_1")
def test_the_documented_curl_makes_a_time_entry(owner: User) -> None:
    response = curl(
        r"""curl -X POST \
-H "Authorization: Bearer tt_your_token_here" \
-H "Content-Type: application/json" \
-d '{"project_id":1,"start_time":"2024-01-15T09:00:00Z","end_time":"2024-01-15T17:00:00Z"}' \
https://your-domain.com/api/v1/time-entries""",
        issue_token(owner, "write:time_entries")[1],
    )
    assert response.status_code == 201
    entry = TimeEntry.objects.get()
    assert (entry.user, entry.project_id, entry.duration_seconds) == (owner, 1, 8 * 3600)
    assert entry.start_time == datetime(2024, 1, 15, 9, tzinfo=UTC)


def test_the_documented_trial_of_scopes(owner: User) -> None:
    _, secret = issue_token(owner, "read:projects")
    should_work = curl(
        r"""curl -H "Authorization: Bearer TOKEN" \
https://your-domain.com/api/v1/projects""",
        secret,
    )
    should_fail = curl(
        r"""curl -X POST https://your-domain.com/api/v1/projects \
-H "Authorization: Bearer TOKEN" \
-H "Content-Type: application/json" \
-d '{"name": "Test"}'""",
        secret,
    )
    assert (should_work.status_code, should_fail.status_code) == (200, 403)
    assert Project.objects.count() == 0


PYTHON_EXAMPLE = """
import requests

API_TOKEN = "tt_your_token_here"
BASE_URL = "https://your-domain.com/api/v1"

headers = {
    "Authorization": f"Bearer {API_TOKEN}",
    "Content-Type": "application/json"
}

# List projects
response = requests.get(f"{BASE_URL}/projects", headers=headers)
projects = response.json()

# Create time entry
time_entry = {
    "project_id": 1,
    "start_time": "2024-01-15T09:00:00Z",
    "end_time": "2024-01-15T17:00:00Z",
    "notes": "Development work",
    "billable": True
}
response = requests.post(f"{BASE_URL}/time-entries", json=time_entry, headers=headers)
"""


def test_the_documented_python_runs(
    live_server: LiveServer, owner: User, project_1: Project
) -> None:
    _, secret = issue_token(owner, "read:projects", "write:time_entries")
    example = PYTHON_EXAMPLE.replace("tt_your_token_here", secret).replace(DOMAIN, live_server.url)
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 - the text of the document
    assert [project["name"] for project in names["projects"]["projects"]] == ["Website Redesign"]
    assert names["response"].status_code == 201
    entry = TimeEntry.objects.get()
    assert (entry.user, entry.project) == (owner, project_1)
    assert (entry.notes, entry.billable, entry.duration_seconds) == (
        "Development work",
        True,
        28_800,
    )


@pytest.mark.usefixtures("task_5")
def test_the_documented_javascript_calls_are_answered(owner: User) -> None:
    """Axios sends the content type with a GET, too."""
    _, secret = issue_token(owner, "read:projects", "write:time_entries")
    api = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
    listed = api.get("/api/v1/projects", CONTENT_TYPE="application/json")
    started = api.post("/api/v1/timer/start", {"project_id": 1, "task_id": 5})
    assert (listed.status_code, started.status_code) == (200, 201)
    timer = TimeEntry.objects.get()
    assert (timer.project_id, timer.task_id, timer.end_time) == (1, 5, None)


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
    assert response.json() == example


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
