"""Every call that the documents show, as they show it."""

import shlex
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer
from rest_framework.test import APIClient

from clients.models import Client
from projects.models import Project
from tasks.models import Task
from tests.support.factories import issue_token, make_entry
from timeentries.models import TimeEntry
from users.models import User

DOMAIN = "https://your-domain.com"
PLACEHOLDERS = ("YOUR_API_TOKEN", "YOUR_TOKEN", "tt_your_token_here", "TOKEN")


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
