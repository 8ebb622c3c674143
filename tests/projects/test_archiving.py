"""An archived project takes nothing new, whoever is faster."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from projects.models import Project
from tasks.models import Task
from tests.support.answers import refusal
from tests.support.factories import api_as, make_entry, make_project, make_task, make_user
from tests.support.racing import at_once
from timeentries.models import TimeEntry
from users.models import User

ARCHIVED = "This project is archived. Set its status to active to add to it."
ENTRY = {"start_time": "2024-01-15T09:00:00Z", "end_time": "2024-01-15T10:00:00Z"}


@pytest.fixture
def archived(db: None) -> Project:
    """An archived project."""
    return make_project("Old site", status="archived")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/api/v1/time-entries", ENTRY, id="entry"),
        pytest.param("/api/v1/time-entries", {"start_time": ENTRY["start_time"]}, id="running"),
        pytest.param("/api/v1/timer/start", {}, id="timer"),
        pytest.param("/api/v1/tasks", {"name": "Draft"}, id="task"),
    ],
)
def test_archived_project_takes_no_new(
    owner: User, archived: Project, path: str, body: dict[str, Any]
) -> None:
    api = api_as(owner, "write:time_entries", "write:tasks")
    response = api.post(path, {"project_id": archived.pk, **body})
    assert response.status_code == 409
    assert response.json() == refusal(response, "project_archived", ARCHIVED)
    assert (TimeEntry.objects.count(), Task.objects.count()) == (0, 0)


@pytest.mark.parametrize("method", ["put", "patch"])
def test_archived_project_takes_no_moved_entry(
    owner: User, archived: Project, project: Project, method: str
) -> None:
    entry = make_entry(owner, project)
    api = api_as(owner, "write:time_entries")
    path = f"/api/v1/time-entries/{entry.pk}"
    response = getattr(api, method)(path, {"project_id": archived.pk})
    assert response.status_code == 409
    assert response.json() == refusal(response, "project_archived", ARCHIVED)
    assert TimeEntry.objects.get().project == project


@pytest.mark.parametrize("method", ["put", "patch"])
def test_archived_project_takes_no_moved_task(
    owner: User, archived: Project, project: Project, method: str
) -> None:
    task = make_task(project)
    api = api_as(owner, "write:tasks")
    response = getattr(api, method)(f"/api/v1/tasks/{task.pk}", {"project_id": archived.pk})
    assert response.status_code == 409
    assert response.json() == refusal(response, "project_archived", ARCHIVED)
    assert Task.objects.get().project == project


def test_archived_project_takes_no_reopened_timer(owner: User, archived: Project) -> None:
    entry = make_entry(owner, archived)
    api = api_as(owner, "write:time_entries")
    response = api.patch(f"/api/v1/time-entries/{entry.pk}", {"end_time": None})
    assert response.status_code == 409
    assert response.json() == refusal(response, "project_archived", ARCHIVED)
    assert TimeEntry.objects.get().end_time == entry.end_time


def test_what_an_archived_project_has_can_be_corrected(owner: User, archived: Project) -> None:
    task = make_task(archived)
    entry = make_entry(owner, archived, task=task)
    api = api_as(owner, "write:time_entries", "write:tasks")
    body = {"notes": "Corrected", "project_id": archived.pk}
    assert api.put(f"/api/v1/time-entries/{entry.pk}", body).status_code == 200
    body = {"name": "Corrected", "project_id": archived.pk}
    assert api.put(f"/api/v1/tasks/{task.pk}", body).status_code == 200
    assert TimeEntry.objects.get().notes == "Corrected"
    assert Task.objects.get().name == "Corrected"


def test_what_an_archived_project_has_can_move_out(
    owner: User, archived: Project, project: Project
) -> None:
    entry = make_entry(owner, archived)
    api = api_as(owner, "write:time_entries")
    path = f"/api/v1/time-entries/{entry.pk}"
    assert api.patch(path, {"project_id": project.pk}).status_code == 200
    assert TimeEntry.objects.get().project == project


def test_a_timer_in_an_archived_project_can_be_stopped(owner: User, archived: Project) -> None:
    make_entry(owner, archived, lasting=None)
    response = api_as(owner, "write:time_entries").post("/api/v1/timer/stop")
    assert response.status_code == 200
    assert TimeEntry.objects.get().end_time is not None


def test_a_project_on_hold_takes_entries(owner: User) -> None:
    project = make_project(status="on_hold")
    api = api_as(owner, "write:time_entries")
    response = api.post("/api/v1/time-entries", {"project_id": project.pk, **ENTRY})
    assert response.status_code == 201
    assert TimeEntry.objects.get().project == project


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("path", "body", "model"),
    [
        pytest.param("/api/v1/time-entries", ENTRY, TimeEntry, id="entries"),
        pytest.param("/api/v1/tasks", {"name": "Draft"}, Task, id="tasks"),
    ],
)
@pytest.mark.parametrize("archiving", ["delete", "put"])
def test_nothing_is_created_once_the_archiving_has_returned(
    settings: Settings,
    path: str,
    body: dict[str, Any],
    model: type[TimeEntry | Task],
    archiving: str,
) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 10_000
    owner, project = make_user(), make_project()
    archiver = api_as(owner, "write:projects")
    creators = [api_as(owner, "write:time_entries", "write:tasks") for _ in range(16)]

    def creating(api: Any) -> Callable[[], list[int]]:
        def until_refused() -> list[int]:
            statuses: list[int] = []
            while not statuses or statuses[-1] == 201:
                response = api.post(path, {"project_id": project.pk, **body})
                statuses.append(response.status_code)
                time.sleep(0.005)  # SQLite serves writers at random: let the archiver in
            return statuses

        return until_refused

    def archive() -> list[int]:
        while model.objects.count() < 8:
            time.sleep(0.001)
        response = getattr(archiver, archiving)(
            f"/api/v1/projects/{project.pk}", {"status": "archived"}
        )
        returned.append((timezone.now(), model.objects.count()))
        return [response.status_code]

    returned: list[tuple[Any, int]] = []
    archived, *created = at_once([archive, *map(creating, creators)])
    assert archived == [200]
    assert [statuses[-1] for statuses in created] == [409] * 16
    assert all(status == 201 for statuses in created for status in statuses[:-1])
    [(moment, count)] = returned
    assert model.objects.count() == count == sum(len(statuses) - 1 for statuses in created)
    assert not model.objects.filter(created_at__gt=moment).exists()
