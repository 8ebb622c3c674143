"""Task and project stay together, and the database counts seconds as Python does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projects.models import Project
from tests.support.answers import invalid
from tests.support.expected import hour
from tests.support.factories import NINE, api_as, make_entry, make_project, make_task
from timeentries.models import TimeEntry
from timeentries.serializers import duration_seconds
from users.models import User

PATH = "/api/v1/time-entries"
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"project": "ELSEWHERE"}, id="the project alone"),
        pytest.param({"task": "THEIRS"}, id="the task alone"),
    ],
)
def test_database_keeps_task_and_project_together(
    owner: User, project: Project, change: dict[str, Any]
) -> None:
    elsewhere = make_project("Elsewhere")
    rows = {"ELSEWHERE": elsewhere, "THEIRS": make_task(elsewhere)}
    task = make_task(project)
    make_entry(owner, project, task=task)
    with pytest.raises(IntegrityError), transaction.atomic():
        TimeEntry.objects.update(**{field: rows[name] for field, name in change.items()})
    entry = TimeEntry.objects.get()
    assert (entry.project, entry.task) == (project, task)


def test_database_refuses_to_insert_a_task_of_another_project(
    owner: User, project: Project
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_entry(owner, project, task=make_task(make_project("Elsewhere")))
    assert TimeEntry.objects.count() == 0


def test_task_and_project_may_move_together(owner: User, project: Project) -> None:
    make_entry(owner, project, task=make_task(project))
    elsewhere = make_project("Elsewhere")
    task = make_task(elsewhere)
    TimeEntry.objects.update(project=elsewhere, task=task)
    assert TimeEntry.objects.get().task == task


def test_validation_refuses_a_task_of_another_project(owner: User, project: Project) -> None:
    task = make_task(make_project("Elsewhere"))
    entry = TimeEntry(user=owner, project=project, task=task, start_time=NINE)
    with pytest.raises(ValidationError) as caught:
        entry.full_clean()
    assert caught.value.message_dict == {"task": ["This task belongs to another project."]}


def test_validation_takes_an_entry_without_a_task(owner: User, project: Project) -> None:
    TimeEntry(user=owner, project=project, start_time=NINE).full_clean()


@settings(
    max_examples=200,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    start=st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
    lasting=st.one_of(
        st.integers(1, 3_000_000),
        st.integers(1, 366 * 86_400).map(lambda seconds: seconds * 1_000_000),
        st.integers(1, 366 * 86_400 * 1_000_000),
    ).map(lambda microseconds: timedelta(microseconds=microseconds)),
)
def test_the_database_counts_the_same_seconds_as_python(
    owner: User, project: Project, start: datetime, lasting: timedelta
) -> None:
    entry = make_entry(owner, project, start, lasting)
    entry.refresh_from_db()
    assert entry.end_time == start + lasting
    shown = duration_seconds(entry.start_time, entry.end_time, now=NINE)
    assert entry.duration_seconds == lasting // SECOND == shown


@pytest.mark.parametrize("method", ["post", "put", "patch"])
def test_a_task_of_another_project_is_refused(owner: User, project: Project, method: str) -> None:
    elsewhere = make_project("Elsewhere")
    body = {"task_id": make_task(elsewhere).pk}
    api = api_as(owner, "write:time_entries")
    if method == "post":
        response = api.post(PATH, hour(project) | body)
    else:
        response = getattr(api, method)(f"{PATH}/{make_entry(owner, project).pk}", body)
    assert response.status_code == 400
    assert response.json() == invalid(
        response, task_id=f"This task belongs to project {elsewhere.pk}."
    )
    assert not TimeEntry.objects.exclude(task=None).exists()


def test_an_entry_does_not_move_without_its_task(owner: User, project: Project) -> None:
    entry = make_entry(owner, project, task=make_task(project))
    api = api_as(owner, "write:time_entries")
    body = {"project_id": make_project("Elsewhere").pk}
    response = api.patch(f"{PATH}/{entry.pk}", body)
    assert response.status_code == 400
    assert response.json() == invalid(
        response, task_id=f"This task belongs to project {project.pk}."
    )
    assert TimeEntry.objects.get().project == project


@pytest.mark.parametrize("with_task", [False, True], ids=["no task", "a task there"])
def test_an_entry_moves_with_its_task_cleared_or_replaced(
    owner: User, project: Project, *, with_task: bool
) -> None:
    entry = make_entry(owner, project, task=make_task(project))
    elsewhere = make_project("Elsewhere")
    task = make_task(elsewhere) if with_task else None
    body = {"project_id": elsewhere.pk, "task_id": task and task.pk}
    response = api_as(owner, "write:time_entries").patch(f"{PATH}/{entry.pk}", body)
    assert response.status_code == 200
    moved = TimeEntry.objects.get()
    assert (moved.project, moved.task) == (elsewhere, task)


def test_a_task_can_be_taken_off(owner: User, project: Project) -> None:
    entry = make_entry(owner, project, task=make_task(project))
    api = api_as(owner, "write:time_entries")
    response = api.put(f"{PATH}/{entry.pk}", {"task_id": None})
    assert response.status_code == 200
    assert TimeEntry.objects.get().task is None
