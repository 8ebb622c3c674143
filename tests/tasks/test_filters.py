"""What narrows a list of tasks, and what it refuses."""

from datetime import UTC, datetime

import pytest

from projects.models import Project
from tasks.models import Task
from tests.support.answers import invalid
from tests.support.factories import api_as, make_project, make_task
from users.models import User

MARCH = datetime(2024, 3, 1, tzinfo=UTC)
STATUS = (
    "Must be one or more of: todo, in_progress, review, done, cancelled, active, open; separated"
    " by commas."
)


@pytest.fixture
def _six_tasks(project: Project, owner: User, colleague: User) -> None:
    make_task(project, "a", assignee=owner)
    make_task(project, "b", status="in_progress", assignee=colleague)
    make_task(project, "c", status="review", description="The Login page")
    make_task(project, "d", status="done")
    make_task(project, "e", status="cancelled")
    make_task(make_project("Elsewhere"), "login", assignee=owner)
    Task.objects.update(updated_at=MARCH.replace(month=2))
    Task.objects.filter(name="d").update(updated_at=MARCH)


@pytest.mark.usefixtures("_six_tasks")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param({}, ["a", "b", "c", "d", "e", "login"], id="nothing: every status"),
        pytest.param({"status": "todo"}, ["a", "login"], id="todo"),
        pytest.param({"status": "in_progress"}, ["b"], id="in progress"),
        pytest.param({"status": "review"}, ["c"], id="review"),
        pytest.param({"status": "done"}, ["d"], id="done"),
        pytest.param({"status": "cancelled"}, ["e"], id="cancelled"),
        pytest.param({"status": "done,review"}, ["c", "d"], id="done or review"),
        pytest.param({"status": "done,done"}, ["d"], id="one status twice"),
        pytest.param({"status": "open"}, ["a", "b", "c", "login"], id="open"),
        pytest.param({"status": "active"}, ["a", "b", "c", "login"], id="active"),
        pytest.param({"status": "open,done"}, ["a", "b", "c", "d", "login"], id="open or done"),
        pytest.param({"project_id": "PROJECT"}, ["a", "b", "c", "d", "e"], id="project"),
        pytest.param({"project_id": "999999"}, [], id="a project that is not there"),
        pytest.param({"assignee_id": "OWNER"}, ["a", "login"], id="assignee"),
        pytest.param({"assignee_id": "COLLEAGUE"}, ["b"], id="a colleague as assignee"),
        pytest.param({"search": "LOGIN"}, ["c", "login"], id="name and description"),
        pytest.param({"search": "site"}, [], id="the project's name is not searched"),
        pytest.param({"updated_since": "2024-03-01T00:00:00Z"}, ["d"], id="since"),
        pytest.param({"updated_since": "2024-03-01T00:00:00.000001Z"}, [], id="since just later"),
        pytest.param({"project_id": "PROJECT", "assignee_id": "OWNER"}, ["a"], id="two filters"),
    ],
)
def test_list_keeps(
    owner: User,
    colleague: User,
    project: Project,
    query: dict[str, str],
    names: list[str],
) -> None:
    ids = {"PROJECT": project.pk, "OWNER": owner.pk, "COLLEAGUE": colleague.pk}
    query = {name: str(ids.get(text, text)) for name, text in query.items()}
    response = api_as(owner, "read:tasks").get("/api/v1/tasks", query)
    assert response.status_code == 200
    assert [task["name"] for task in response.json()["tasks"]] == names


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        pytest.param({"status": "finished"}, STATUS, id="status"),
        pytest.param({"status": "todo,finished"}, STATUS, id="one of two statuses"),
        pytest.param({"project_id": "1,2"}, "Must be an id: a whole number.", id="two projects"),
        pytest.param({"project_id": "site"}, "Must be an id: a whole number.", id="project"),
        pytest.param({"assignee_id": "me"}, "Must be an id: a whole number.", id="assignee"),
        pytest.param(
            {"updated_since": "soon"},
            "Must be a date and time such as 2024-01-15T14:30:00Z.",
            id="updated_since",
        ),
        pytest.param(
            {"project": "1"}, "Unknown parameter. Did you mean 'project_id'?", id="a slip"
        ),
        pytest.param(
            {"priority": "1"},
            "Unknown parameter. Accepted: assignee_id, cursor, external_id, page, "
            "perPage, per_page, "
            "project_id, search, status, updated_since.",
            id="priority is no filter",
        ),
    ],
)
def test_list_refuses(owner: User, query: dict[str, str], sentence: str) -> None:
    response = api_as(owner, "read:tasks").get("/api/v1/tasks", query)
    assert response.status_code == 400
    assert response.json() == invalid(response, **dict.fromkeys(query, sentence))
