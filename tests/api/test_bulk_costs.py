"""What 500 operations cost that the database refuses: counted in statements."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.bulk import views as bulk
from api.bulk.views import MOST_FAILURES, NOT_ATTEMPTED
from projects.models import Project
from tests.api.test_bulk import HOUR, create, send
from tests.support.factories import NINE, make_entry, make_project, make_task
from timeentries.models import TimeEntry
from users.models import User

MOST_STATEMENTS = 60
Operations = Callable[[User, Project], list[Any]]


def ending_first(_: User, project: Project) -> list[Any]:
    return [create(project, end_time=HOUR["start_time"])] * 500


def lasting_too_long(_: User, project: Project) -> list[Any]:
    return [create(project, end_time="2025-01-15T09:00:01Z")] * 500


def with_ids_that_are_taken(owner: User, project: Project) -> list[Any]:
    for number in range(500):
        make_entry(owner, project, external_id=str(number), external_user=owner)
    return [create(project, external_id=str(number)) for number in range(500)]


def with_one_id(_: User, project: Project) -> list[Any]:
    return [create(project, external_id="x")] * 501


def timers(owner: User, project: Project) -> list[Any]:
    make_entry(owner, project, lasting=None)
    return [create(project, end_time=None)] * 500


def in_archived_projects(_: User, project: Project) -> list[Any]:
    return [create(make_project(f"Old {n}", status="archived")) for n in range(5)] * 100


@pytest.mark.parametrize(
    ("operations", "statuses"),
    [
        pytest.param(ending_first, {400}, id="ends first"),
        pytest.param(lasting_too_long, {400}, id="too long"),
        pytest.param(with_ids_that_are_taken, {409}, id="ids taken"),
        pytest.param(with_one_id, {201, 409}, id="one id"),
        pytest.param(timers, {409}, id="timers"),
        pytest.param(in_archived_projects, {409}, id="archived"),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_what_is_refused_is_not_tried_one_by_one(
    owner: User,
    project: Project,
    operations: Operations,
    statuses: set[int],
    dry_run: bool,  # noqa: FBT001
) -> None:
    sent = operations(owner, project)[:500]
    before = TimeEntry.objects.count()
    with CaptureQueriesContext(connection) as captured:
        results = send(owner, sent, mode="partial", dry_run=dry_run).json()["results"]
    assert {result["status"] for result in results} == statuses
    assert len(captured) < MOST_STATEMENTS
    created = 0 if dry_run else [result["status"] for result in results].count(201)
    assert TimeEntry.objects.count() == before + created


def test_the_others_are_in(owner: User, project: Project) -> None:
    """Each is told what a single request would be, and takes nothing from those that follow."""
    old = make_project("Old", status="archived")
    make_entry(owner, project, external_id="taken", external_user=owner)
    sent = [
        create(project, notes="0"),
        create(project, end_time=HOUR["start_time"], external_id="a"),
        create(old, external_id="b"),
        create(project, external_id="taken"),
        create(project, external_id="a", notes="4"),
        create(project, external_id="a"),
        create(project, end_time=None, external_id="b", notes="6"),
        create(project, end_time=None),
        create(project, notes="8"),
    ]
    results = send(owner, sent, mode="partial").json()["results"]
    codes = [result.get("error", {}).get("error_code") for result in results]
    assert codes == [
        None,
        "validation_error",
        "project_archived",
        "external_id_taken",
        None,
        "external_id_taken",
        None,
        "timer_already_running",
        None,
    ]
    assert [entry.notes for entry in TimeEntry.objects.order_by("pk")[1:]] == ["0", "4", "6", "8"]


def test_tasks_that_are_done_are_not_taken_for_broken(owner: User, project: Project) -> None:
    make_task(project, external_id="x", external_user=owner)
    sent = [
        {"op": "create", "data": {"name": "A", "project_id": project.pk, **fields}}
        for fields in ({"status": "done"}, {"external_id": "x"}, {"estimated_hours": 1})
    ]
    results = send(owner, sent, "/api/v1/tasks/bulk", mode="partial").json()["results"]
    assert [result["status"] for result in results] == [201, 409, 201]


def test_what_cannot_be_foreseen_is_found_up_to_a_bound(
    owner: User, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "foreseen", lambda rows: [None] * len(rows))
    few, many = [create(project)] * 500, ending_first(owner, project)
    few[77] = few[450] = many[0]
    results = send(owner, few, mode="partial").json()["results"]
    assert [result["status"] for result in results].count(400) == 2
    assert TimeEntry.objects.count() == 498

    with CaptureQueriesContext(connection) as captured:
        results = send(owner, many, mode="partial").json()["results"]
    assert len(captured) < 10 * MOST_FAILURES
    assert [result["status"] for result in results].count(424) > 400
    assert results[-1] == {"index": 499, "status": 424, "id": None, "error": NOT_ATTEMPTED}
    assert TimeEntry.objects.filter(start_time=NINE).count() == 498
