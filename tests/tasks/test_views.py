"""The tasks' endpoints: whole answers, then the row."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from projects.models import Project
from tasks.models import Task
from tests.support.answers import instant, page_of, refusal
from tests.support.factories import api_as, make_entry, make_project, make_task, make_user
from users.models import User

PATH = "/api/v1/tasks"


def task_json(task: Task) -> dict[str, Any]:
    """A task as the API shows it."""
    hours = task.estimated_hours
    return {
        "id": task.pk,
        "name": task.name,
        "description": task.description,
        "project_id": task.project_id,
        "project_name": task.project.name,
        "status": task.status,
        "priority": task.priority,
        "priority_name": {1: "low", 2: "medium", 3: "high", 4: "urgent"}[task.priority],
        "assignee_id": task.assignee_id,
        "due_date": task.due_date and task.due_date.isoformat(),
        "estimated_hours": None if hours is None else float(hours),
        "completed_at": instant(task.completed_at),
        "created_at": instant(task.created_at),
        "updated_at": instant(task.updated_at),
        "version": task.version,
        "external_id": None,
    }


def test_list_is_ordered_by_priority_due_date_and_id(owner: User, project: Project) -> None:
    medium, later_medium = make_task(project, "z"), make_task(project, "a")
    urgent_some_day = make_task(project, "a", priority=4)
    urgent_in_may = make_task(project, "b", priority=4, due_date=date(2024, 5, 1))
    urgent_in_march = make_task(project, "c", priority=4, due_date=date(2024, 3, 1))
    low = make_task(project, "d", priority=1, due_date=date(2024, 1, 1), status="done")
    response = api_as(owner, "read:tasks").get(PATH)
    assert response.status_code == 200
    order = [urgent_in_march, urgent_in_may, urgent_some_day, medium, later_medium, low]
    assert response.json() == page_of("tasks", [task_json(task) for task in order])


def test_list_costs_the_same_for_one_and_for_twenty(
    owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    api = api_as(owner, "read:tasks")
    make_task(make_project("Project 0"), assignee=make_user("user0"))
    api.get(PATH)
    with django_assert_num_queries(4):  # token, tag, count, page
        assert len(api.get(PATH).json()["tasks"]) == 1
    for number in range(1, 20):
        make_task(make_project(f"Project {number}"), assignee=make_user(f"user{number}"))
    with django_assert_num_queries(4):
        assert len(api.get(PATH).json()["tasks"]) == 20


def test_get_returns_all_fields(owner: User, colleague: User, project: Project) -> None:
    task = make_task(
        project,
        "Implement login feature",
        description="Add user authentication",
        status="done",
        priority=3,
        assignee=colleague,
        due_date=date(2024, 2, 29),
        estimated_hours=Decimal("7.5"),
    )
    response = api_as(owner, "read:tasks").get(f"{PATH}/{task.pk}")
    assert response.status_code == 200
    assert task.completed_at is not None
    assert response.json() == {
        "task": {
            "id": task.pk,
            "name": "Implement login feature",
            "description": "Add user authentication",
            "project_id": project.pk,
            "project_name": "Site",
            "status": "done",
            "priority": 3,
            "priority_name": "high",
            "assignee_id": colleague.pk,
            "due_date": "2024-02-29",
            "estimated_hours": 7.5,
            "completed_at": instant(task.completed_at),
            "created_at": instant(task.created_at),
            "updated_at": instant(task.updated_at),
            "version": 1,
            "external_id": None,
        }
    }


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_a_missing_task_is_not_found(owner: User, method: str) -> None:
    response = getattr(api_as(owner, "write:tasks"), method)(f"{PATH}/999999")
    assert response.status_code == 404
    assert response.json() == refusal(
        response, "not_found", "There is no task with the id 999999."
    )


def test_create_as_documented(owner: User, project: Project) -> None:
    body = {
        "name": "Implement login feature",
        "description": "Add user authentication",
        "project_id": project.pk,
        "status": "todo",
        "priority": 1,
    }
    response = api_as(owner, "write:tasks").post(PATH, body)
    assert response.status_code == 201
    task = Task.objects.get()
    assert response.json() == {
        "message": "Task created successfully",
        "task": {
            "id": task.pk,
            **body,
            "project_name": "Site",
            "priority_name": "low",
            "assignee_id": None,
            "due_date": None,
            "estimated_hours": None,
            "completed_at": None,
            "created_at": instant(task.created_at),
            "updated_at": instant(task.updated_at),
            "version": 1,
            "external_id": None,
        },
    }
    assert response["Location"] == f"{PATH}/{task.pk}"
    assert task_json(task) == response.json()["task"]


def test_a_new_task_is_to_do_with_medium_priority(owner: User, project: Project) -> None:
    body = {"name": "Draft", "project_id": project.pk}
    response = api_as(owner, "write:tasks").post(PATH, body)
    assert response.status_code == 201
    task = Task.objects.get()
    assert (task.status, task.priority, task.description) == ("todo", 2, "")
    assert response.json()["task"] == task_json(task)


@pytest.mark.parametrize("method", ["put", "patch"])
def test_update_changes_what_was_sent_and_nothing_else(
    owner: User, colleague: User, project: Project, method: str
) -> None:
    task = make_task(project, description="Old", assignee=owner, due_date=date(2024, 5, 1))
    api = api_as(owner, "write:tasks")
    body = {"assignee_id": colleague.pk, "priority": "urgent"}
    response = getattr(api, method)(f"{PATH}/{task.pk}", body)
    assert response.status_code == 200
    changed = Task.objects.get()
    expected = task_json(task) | {
        "assignee_id": colleague.pk,
        "priority": 4,
        "priority_name": "urgent",
        "updated_at": instant(changed.updated_at),
        "version": 2,
        "external_id": None,
    }
    assert response.json() == {"message": "Task updated successfully", "task": expected}
    assert task_json(changed) == expected


def test_a_task_is_completed_when_it_becomes_done_and_open_again_later(
    owner: User, project: Project
) -> None:
    task = make_task(project)
    api = api_as(owner, "write:tasks")
    response = api.patch(f"{PATH}/{task.pk}", {"status": "done"})
    assert response.status_code == 200
    done = Task.objects.get()
    assert done.completed_at is not None
    assert done.completed_at >= task.updated_at
    assert response.json()["task"] == task_json(done)
    response = api.patch(f"{PATH}/{task.pk}", {"status": "review"})
    assert response.status_code == 200
    reopened = Task.objects.get()
    assert (reopened.status, reopened.completed_at) == ("review", None)
    assert response.json()["task"] == task_json(reopened)


def test_what_get_returns_can_be_put_back(owner: User, project: Project) -> None:
    task = make_task(project, status="done", priority=4, estimated_hours=Decimal("1.25"))
    api = api_as(owner, "write:tasks")
    body = api.get(f"{PATH}/{task.pk}").json()["task"]
    response = api.put(f"{PATH}/{task.pk}", body)
    assert response.status_code == 200
    assert response.json()["task"] == body


def test_read_only_fields_are_ignored(owner: User, project: Project) -> None:
    task = make_task(project)
    body = {
        "id": 7,
        "project_name": 5,
        "priority_name": "urgent",
        "completed_at": "2024-01-15T09:00:00Z",
        "created_at": "never",
        "updated_at": 0,
        "version": 9,
        "external_id": None,
        "description": "New",
    }
    response = api_as(owner, "write:tasks").patch(f"{PATH}/{task.pk}", body)
    assert response.status_code == 200
    changed = Task.objects.get()
    assert task_json(changed) == task_json(task) | {
        "description": "New",
        "updated_at": instant(changed.updated_at),
        "version": 2,
        "external_id": None,
    }


def test_a_task_without_entries_moves_to_another_project(owner: User, project: Project) -> None:
    task, elsewhere = make_task(project), make_project("Elsewhere")
    response = api_as(owner, "write:tasks").patch(
        f"{PATH}/{task.pk}", {"project_id": elsewhere.pk}
    )
    assert response.status_code == 200
    moved = Task.objects.get()
    assert moved.project == elsewhere
    assert response.json() == {"message": "Task updated successfully", "task": task_json(moved)}


def test_a_task_with_entries_stays_in_its_project(owner: User, project: Project) -> None:
    task, elsewhere = make_task(project), make_project("Elsewhere")
    make_entry(owner, project, task=task)
    response = api_as(owner, "write:tasks").patch(
        f"{PATH}/{task.pk}", {"project_id": elsewhere.pk}
    )
    assert response.status_code == 409
    assert response.json() == refusal(response, "in_use", "This task is used by 1 time entry.")
    assert Task.objects.get().project == project


def test_delete_removes_the_task(owner: User, project: Project) -> None:
    task, other = make_task(project), make_task(project)
    response = api_as(owner, "write:tasks").delete(f"{PATH}/{task.pk}")
    assert response.status_code == 200
    assert response.json() == {"message": "Task deleted successfully"}
    assert list(Task.objects.all()) == [other]


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        pytest.param(1, "This task is used by 1 time entry.", id="one entry"),
        pytest.param(2, "This task is used by 2 time entries.", id="two entries"),
    ],
)
def test_a_task_with_entries_cannot_be_deleted(
    owner: User, project: Project, entries: int, sentence: str
) -> None:
    task = make_task(project)
    for _ in range(entries):
        make_entry(owner, project, task=task)
    response = api_as(owner, "write:tasks").delete(f"{PATH}/{task.pk}")
    assert response.status_code == 409
    assert response.json() == refusal(response, "in_use", sentence)
    assert Task.objects.get() == task
