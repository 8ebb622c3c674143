"""Each write of a resource counts its version up by one, whoever else writes."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from projects.models import Project
from tests.support.factories import (
    NINE,
    api_as,
    make_client,
    make_entry,
    make_project,
    make_task,
    make_user,
)
from tests.support.racing import at_once
from timeentries.timer import stop
from users.models import User

WRITERS = 8

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("fields", [None, ["name"], ["name", "version"]], ids=str)
def test_a_save_counts(fields: list[str] | None) -> None:
    for resource in (make_client(), make_project(), make_task(make_project())):
        resource.name = "Another"
        resource.save(update_fields=fields)
        assert resource.version == 2
        resource.refresh_from_db()
        assert resource.version == 2


def test_a_save_counts_from_what_is_stored_without_reading_it() -> None:
    project = make_project()
    stale = Project.objects.get()
    project.name, stale.name = "One", "Two"
    project.save()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        stale.save(update_fields=["name"])
    statements = [query["sql"].split()[0] for query in queries]
    assert (statements.count("UPDATE"), statements.count("SELECT")) == (1, 0)
    assert stale.version == Project.objects.get().version == 3


def test_a_save_of_what_is_stored_writes_nothing() -> None:
    for resource in (make_client(), make_project(), make_task(make_project())):
        with CaptureQueriesContext(connection) as queries:
            resource.save()
        assert (len(queries), resource.version) == (0, 1)


def test_the_time_of_a_change_moves_on_though_the_clock_was_set_back() -> None:
    later = timezone.now() + timedelta(hours=1)
    after = [later + timedelta(microseconds=number) for number in (1, 2)]
    for resource in (make_client(), make_project(), make_task(make_project())):
        type(resource).objects.filter(pk=resource.pk).update(updated_at=later)
        stored = type(resource).objects.get(pk=resource.pk)
        stored.name = "Another"
        stored.save()
        again = type(resource).objects.get(pk=resource.pk)
        assert stored.updated_at == again.updated_at == after[0]
    project = Project.objects.earliest("pk")
    project.archive()
    project.refresh_from_db()
    assert (project.status, project.updated_at) == ("archived", after[1])


def test_stopping_counts(owner: User, project: Project) -> None:
    timer = make_entry(owner, project, lasting=None)
    assert stop(owner, now=NINE + timedelta(hours=1)).version == 2
    timer.refresh_from_db()
    assert timer.version == 2


def test_archiving_counts_once() -> None:
    project = make_project()
    project.archive()
    project.archive()
    project.refresh_from_db()
    assert project.version == 2


def test_a_row_that_is_gone_is_not_written() -> None:
    project = make_project()
    Project.objects.all().delete()
    project.name = "Another"
    with pytest.raises(DatabaseError):
        project.save(update_fields=["name"])


@pytest.mark.django_db(transaction=True)
def test_racing_updates_have_consecutive_versions() -> None:
    owner, project = make_user(), make_project()
    api = [api_as(owner, "write:projects") for _ in range(WRITERS)]
    writes: list[Callable[[], Any]] = [
        partial(api[number].patch, f"/api/v1/projects/{project.pk}", {"name": f"Site {number}"})
        for number in range(WRITERS)
    ]
    answers = [response.json()["project"] for response in at_once(writes)]
    assert sorted(answer["version"] for answer in answers) == list(range(2, WRITERS + 2))
    project.refresh_from_db()
    last = max(answers, key=lambda answer: answer["version"])
    assert (project.version, project.name) == (WRITERS + 1, last["name"])
