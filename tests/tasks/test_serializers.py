"""What a task's fields take, and what they refuse."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from projects.models import Project
from resources.refusals import Vanished
from tasks.models import Task
from tasks.serializers import TaskSerializer
from tests.support.answers import invalid
from tests.support.factories import api_as, make_task
from users.models import User

STRING = "Must be a string."
NULL = "This field may not be null."
STATUS = "Must be one of: todo, in_progress, review, done, cancelled."
NUMBER = "Must be a number such as 75.5."
ID = "Must be an id: a whole number."
PRIORITY = "Must be one of: 1 (low), 2 (medium), 3 (high), 4 (urgent)."
DATE = "Must be a date such as 2024-01-15."


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        pytest.param("name", 5, STRING, id="number for name"),
        pytest.param("name", None, NULL, id="null for name"),
        pytest.param("name", "", "This field may not be blank.", id="empty name"),
        pytest.param("description", ["x"], STRING, id="array for description"),
        pytest.param("project_id", None, NULL, id="null for project"),
        pytest.param("project_id", 1.5, ID, id="fraction for project"),
        pytest.param("project_id", "site", ID, id="word for project"),
        pytest.param(
            "project_id", 999999, "There is no project with the id 999999.", id="no such project"
        ),
        pytest.param("status", "open", STATUS, id="unknown status"),
        pytest.param("status", 0, STATUS, id="number for status"),
        pytest.param("priority", 0, PRIORITY, id="priority 0"),
        pytest.param("priority", 5, PRIORITY, id="priority 5"),
        pytest.param("priority", 1.5, PRIORITY, id="fraction for priority"),
        pytest.param("priority", True, PRIORITY, id="boolean for priority"),
        pytest.param("priority", "highest", PRIORITY, id="unknown priority"),
        pytest.param("priority", "1", PRIORITY, id="text of a number for priority"),
        pytest.param("priority", [1], PRIORITY, id="array for priority"),
        pytest.param("priority", None, NULL, id="null for priority"),
        pytest.param("assignee_id", 1.5, ID, id="fraction for assignee"),
        pytest.param("assignee_id", "olga", ID, id="name for assignee"),
        pytest.param(
            "assignee_id", 999999, "There is no user with the id 999999.", id="no such assignee"
        ),
        pytest.param("due_date", "15.1.2024", DATE, id="another notation of a date"),
        pytest.param("due_date", "2024-02-30", DATE, id="a day that does not exist"),
        pytest.param("due_date", "2024-01-15T09:00:00Z", DATE, id="an instant for a date"),
        pytest.param(
            "due_date", 20240115, "Must be a string such as 2024-01-15.", id="number for a date"
        ),
        pytest.param("estimated_hours", "NaN", "A valid number is required.", id="NaN for hours"),
        pytest.param("estimated_hours", True, NUMBER, id="boolean for hours"),
        pytest.param(
            "estimated_hours", -0.5, "The estimated hours cannot be negative.", id="negative hours"
        ),
        pytest.param("asignee_id", 1, "Unknown field. Did you mean 'assignee_id'?", id="a slip"),
    ],
)
def test_field_refuses(
    owner: User, project: Project, field: str, value: Any, sentence: str
) -> None:
    body = {"name": "Draft", "project_id": project.pk, field: value}
    response = api_as(owner, "write:tasks").post("/api/v1/tasks", body)
    assert response.status_code == 400
    assert response.json() == invalid(response, **{field: sentence})
    assert Task.objects.count() == 0


def test_name_and_project_are_required(owner: User) -> None:
    response = api_as(owner, "write:tasks").post("/api/v1/tasks", {})
    assert response.status_code == 400
    required = "This field is required."
    assert response.json() == invalid(response, name=required, project_id=required)


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        pytest.param("description", " as\n it is ", " as\n it is ", id="description as it is"),
        pytest.param("status", "in_progress", "in_progress", id="status"),
        pytest.param("priority", 4, 4, id="priority"),
        pytest.param("priority", "low", 1, id="priority low"),
        pytest.param("priority", "medium", 2, id="priority medium"),
        pytest.param("priority", "high", 3, id="priority high"),
        pytest.param("priority", "urgent", 4, id="priority urgent"),
        pytest.param("assignee_id", None, None, id="no assignee"),
        pytest.param("due_date", "2024-02-29", date(2024, 2, 29), id="due date"),
        pytest.param("due_date", None, None, id="no due date"),
        pytest.param("estimated_hours", 1.5, Decimal("1.50"), id="hours"),
        pytest.param("estimated_hours", None, None, id="no hours"),
    ],
)
def test_field_takes(owner: User, project: Project, field: str, value: Any, stored: Any) -> None:
    body = {"name": "Draft", "project_id": project.pk, field: value}
    response = api_as(owner, "write:tasks").post("/api/v1/tasks", body)
    assert response.status_code == 201
    assert getattr(Task.objects.get(), field) == stored


@pytest.mark.parametrize("kind", [int, str])
def test_an_id_may_be_a_number_or_a_string_of_digits(
    owner: User, project: Project, kind: type
) -> None:
    body = {"name": "Draft", "project_id": kind(project.pk), "assignee_id": kind(owner.pk)}
    response = api_as(owner, "write:tasks").post("/api/v1/tasks", body)
    assert response.status_code == 201
    task = Task.objects.get()
    assert (task.project, task.assignee) == (project, owner)


def test_kanban_column_is_accepted_and_ignored(owner: User, project: Project) -> None:
    body = {"name": "Draft", "project_id": project.pk, "kanban_column": "Doing"}
    response = api_as(owner, "write:tasks").post("/api/v1/tasks", body)
    assert response.status_code == 201
    assert Task.objects.get().status == "todo"
    assert "kanban_column" not in response.json()["task"]


def test_update_leaves_a_racing_change_to_another_column_alone(project: Project) -> None:
    stale = make_task(project)
    racing = Task.objects.get()
    racing.status, racing.priority = "done", 4
    racing.save()
    serializer = TaskSerializer(stale, data={"description": "New"}, partial=True)
    assert serializer.is_valid()
    serializer.save()
    changed = Task.objects.get()
    assert (changed.status, changed.priority, changed.description) == ("done", 4, "New")
    assert changed.completed_at == racing.completed_at


def test_update_of_a_row_deleted_meanwhile_is_not_found(project: Project) -> None:
    stale = make_task(project)
    Task.objects.all().delete()
    serializer = TaskSerializer(stale, data={"status": "done"}, partial=True)
    assert serializer.is_valid()
    with pytest.raises(Vanished, match="It has been deleted in the meantime"):
        serializer.save()
    assert Task.objects.count() == 0
