"""Many writes in one request, some of them in a closed period."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from projects.models import Project
from tests.api.test_bulk import create, send
from tests.api.test_bulk_costs import MOST_STATEMENTS
from tests.books.test_periods import REFUSAL, THROUGH
from tests.support.factories import NINE, close_books, make_entry
from timeentries.models import TimeEntry
from users.models import User

OPEN = {"start_time": "2024-01-16T09:00:00Z", "end_time": "2024-01-16T10:00:00Z"}
MOVED = {"start_time": NINE.isoformat(), "end_time": (NINE + timedelta(hours=1)).isoformat()}


def refused(index: int, pk: int | None = None) -> dict[str, Any]:
    return {"index": index, "status": 409, "id": pk, "error": REFUSAL}


def test_the_others_are_written(owner: User, project: Project) -> None:
    kept, gone = make_entry(owner, project), make_entry(owner, project)
    free = make_entry(owner, project, NINE + timedelta(days=1))
    close_books(THROUGH)
    operations = [
        create(project),
        create(project, **OPEN),
        {"op": "update", "id": kept.pk, "data": {"notes": "Late"}},
        {"op": "update", "id": free.pk, "data": MOVED},
        {"op": "update", "id": free.pk, "data": {"notes": "In time"}},
        {"op": "delete", "id": gone.pk},
        create(project),
    ]
    answer = send(owner, operations, mode="partial").json()
    new = TimeEntry.objects.latest("pk")
    assert answer == {
        "committed": True,
        "results": [
            refused(0),
            {"index": 1, "status": 201, "id": new.pk},
            refused(2, kept.pk),
            refused(3, free.pk),
            {"index": 4, "status": 200, "id": free.pk},
            refused(5, gone.pk),
            refused(6),
        ],
    }
    assert list(TimeEntry.objects.order_by("pk")) == [kept, gone, free, new]
    assert list(TimeEntry.objects.filter(notes="In time", start_time__gt=NINE)) == [free]


def test_all_or_nothing_is_nothing(owner: User, project: Project) -> None:
    close_books(THROUGH)
    answer = send(owner, [create(project, **OPEN), create(project)]).json()
    assert answer["committed"] is False
    assert [result["status"] for result in answer["results"]] == [424, 409]
    assert answer["results"][1] == refused(1)
    assert not TimeEntry.objects.exists()


@pytest.mark.parametrize("mode", ["atomic", "partial"])
def test_many_that_are_refused_are_not_tried_one_by_one(
    owner: User, project: Project, mode: str
) -> None:
    close_books(THROUGH)
    operations = [create(project, **OPEN), create(project)] * 250
    with CaptureQueriesContext(connection) as captured:
        results = send(owner, operations, mode=mode).json()["results"]
    assert [result["status"] for result in results].count(409) == 250
    assert len(captured) < MOST_STATEMENTS
    assert TimeEntry.objects.count() == (250 if mode == "partial" else 0)


def test_a_dry_run_says_so(owner: User, project: Project) -> None:
    close_books(THROUGH)
    answer = send(owner, [create(project)], dry_run=True).json()
    assert answer["results"] == [refused(0)]
