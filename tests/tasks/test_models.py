"""Rules about tasks, asked of the database and of Django's own validation."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from projects.models import Project
from tasks.models import Task
from tests.support.factories import make_entry, make_project, make_task, make_user

pytestmark = pytest.mark.django_db

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"estimated_hours": Decimal("-0.01")}, id="negative hours"),
        pytest.param({"status": "done", "completed_at": None}, id="done without a time"),
        pytest.param({"status": "todo", "completed_at": NOON}, id="a time without being done"),
        pytest.param({"project": None}, id="no project"),
    ],
)
def test_database_refuses(project: Project, changes: dict[str, Any]) -> None:
    task = make_task(project)
    with pytest.raises(IntegrityError), transaction.atomic():
        Task.objects.filter(pk=task.pk).update(**changes)
    assert Task.objects.values("estimated_hours", "status", "completed_at", "project").get() == {
        "estimated_hours": None,
        "status": "todo",
        "completed_at": None,
        "project": project.pk,
    }


def test_validation_says_the_sentence_of_the_rule(project: Project) -> None:
    with pytest.raises(ValidationError) as caught:
        Task(name="Draft", project=project, estimated_hours=Decimal(-1)).full_clean()
    assert caught.value.messages == ["The estimated hours cannot be negative."]


def test_database_keeps_a_task_with_entries_in_its_project(project: Project) -> None:
    task = make_task(project)
    make_entry(make_user(), project, task=task)
    with pytest.raises(IntegrityError), transaction.atomic():
        Task.objects.update(project=make_project("Elsewhere"))
    assert Task.objects.get().project == project


def test_database_moves_a_task_without_entries(project: Project) -> None:
    make_task(project)
    elsewhere = make_project("Elsewhere")
    Task.objects.update(project=elsewhere)
    assert Task.objects.get().project == elsewhere


def test_an_assignee_who_is_deleted_leaves_the_task_to_anybody(project: Project) -> None:
    assignee = make_user()
    make_task(project, assignee=assignee)
    assignee.delete()
    assert Task.objects.get().assignee is None


@pytest.mark.parametrize("status", Task.Status.values)
def test_a_task_is_completed_exactly_when_it_is_done(project: Project, status: str) -> None:
    task = make_task(project, status=status)
    assert (task.completed_at is not None) == (status == "done")


def test_a_done_task_keeps_the_time_of_its_completion(project: Project) -> None:
    task = make_task(project, status="done")
    completed_at = task.completed_at
    task.save()
    assert Task.objects.get().completed_at == completed_at
