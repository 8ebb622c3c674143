"""What is true of tasks when others book on them at the same time."""

from collections.abc import Iterator
from functools import partial

import pytest

from tasks.models import Task
from tests.support.factories import api_as, make_project, make_task, make_user
from tests.support.racing import at_once
from timeentries.models import TimeEntry

PATH = "/api/v1/tasks"


@pytest.fixture(autouse=True)
def _entries_go_first(transactional_db: None) -> Iterator[None]:
    """Delete the entries: the flush after a test empties SQLite's tables in any order.

    The key from entries to tasks is judged at once, unlike Django's own.
    """
    yield
    TimeEntry.objects.all().delete()


def test_a_task_that_moves_while_it_is_booked_on_ends_up_with_its_entries() -> None:
    owner = make_user()
    home, elsewhere = make_project("Home"), make_project("Elsewhere")
    for number in range(24):
        task = make_task(home, f"Task {number}")
        mover = api_as(owner, "write:tasks")
        booker = api_as(owner, "write:time_entries")
        entry = {
            "project_id": home.pk,
            "task_id": task.pk,
            "start_time": "2024-01-15T09:00:00Z",
            "end_time": "2024-01-15T10:00:00Z",
        }
        responses = at_once(
            [
                partial(mover.patch, f"{PATH}/{task.pk}", {"project_id": elsewhere.pk}),
                partial(booker.post, "/api/v1/time-entries", entry),
            ]
        )
        outcome = tuple(response.status_code for response in responses)
        # SQLite does not name the broken key, so that a lost race is 409 there and 400 else.
        assert outcome in {(409, 201), (200, 400), (200, 409)}
        task.refresh_from_db()
        assert task.project == (home if outcome[0] == 409 else elsewhere)
        assert TimeEntry.objects.filter(task=task).count() == (1 if outcome[0] == 409 else 0)


def test_racing_delete_and_first_entry_leave_no_entry_without_its_task() -> None:
    owner, project = make_user(), make_project()
    for number in range(24):
        task = make_task(project, f"Task {number}")
        deleter = api_as(owner, "write:tasks")
        booker = api_as(owner, "write:time_entries")
        entry = {
            "project_id": project.pk,
            "task_id": task.pk,
            "start_time": "2024-01-15T09:00:00Z",
            "end_time": "2024-01-15T10:00:00Z",
        }
        responses = at_once(
            [
                partial(deleter.delete, f"{PATH}/{task.pk}"),
                partial(booker.post, "/api/v1/time-entries", entry),
            ]
        )
        outcome = tuple(response.status_code for response in responses)
        assert outcome in {(409, 201), (200, 400), (200, 409)}
        assert Task.objects.filter(pk=task.pk).exists() == (outcome[0] == 409)
