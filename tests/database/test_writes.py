"""A row that is inserted with a compiled statement is as Django inserts it."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import Value
from django.test.utils import CaptureQueriesContext

from clients.models import Client
from database.writes import insert_all
from projects.models import Project
from tasks.models import Task
from tests.support.factories import NINE, make_client, make_project
from timeentries.models import TimeEntry
from users.models import User

TASKS: list[dict[str, Any]] = [
    {"name": "Draft", "description": "", "priority": 1, "due_date": date(2024, 2, 29)},
    {"name": 'a "b" %s \\ é \U0001f600', "description": "\t\n{}[]null\x7f", "priority": 4},
    {"name": "null", "estimated_hours": Decimal("12345678.90"), "external_id": ""},
    {"name": "Done", "status": "done", "completed_at": NINE.replace(microsecond=7)},
]


def columns_of(row: Any) -> dict[str, Any]:
    """The columns of a row but its key and the instants of its writing."""
    shown = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return {name: shown[name] for name in shown.keys() - {"id", "created_at", "updated_at"}}


@pytest.mark.django_db
@pytest.mark.parametrize("fields", TASKS, ids=lambda fields: str(fields["name"]))
def test_a_task_is_stored_as_bulk_create_stores_it(
    project: Project, fields: dict[str, Any]
) -> None:
    task = Task(project=project, **fields)
    with CaptureQueriesContext(connection) as queries:
        insert_all([task])
    assert len(queries) == 1
    again = Task(project=project, **{**fields, "external_id": None})
    Task.objects.bulk_create([again])
    stored = Task.objects.get(pk=task.pk)
    assert columns_of(task) == columns_of(stored)
    assert columns_of(stored) == {
        **columns_of(Task.objects.get(pk=again.pk)),
        "external_id": fields.get("external_id"),
    }
    task.name = "Renamed"
    task.save()
    assert Task.objects.count() == 2


@pytest.mark.django_db
def test_what_the_database_computes_comes_back(owner: User, project: Project) -> None:
    end = NINE.replace(hour=11)
    entry = TimeEntry(user=owner, project=project, start_time=NINE, end_time=end)
    insert_all([entry])
    assert (entry.duration_seconds, entry.version) == (7200, 1)
    made = make_client("Åsa")
    client = Client(name="Åsa & Co")
    insert_all([client])
    assert client.sort_name == Client.objects.get(pk=client.pk).sort_name
    assert columns_of(made).keys() == columns_of(client).keys()


@pytest.mark.django_db
def test_a_key_and_an_expression_are_left_to_django(project: Project) -> None:
    numbered = Task(pk=4_000_000, project=project, name="Numbered")
    computed = Task(project=project, name="Computed", estimated_hours=Value(Decimal(3)))
    insert_all([numbered])
    insert_all([computed])
    assert Task.objects.get(name="Numbered").pk == 4_000_000
    assert Task.objects.get(name="Computed").estimated_hours == 3


@pytest.mark.django_db
def test_a_related_row_must_be_saved_first() -> None:
    with pytest.raises(ValueError, match="unsaved related object"):
        insert_all([Task(project=Project(name="New"), name="Draft")])


@pytest.mark.django_db
def test_a_related_row_that_was_saved_meanwhile_is_referred_to() -> None:
    project = Project(name="New")
    task = Task(project=project, name="Draft")
    project.save()
    insert_all([task])
    assert Task.objects.get().project == project


@pytest.mark.django_db
def test_no_rows_are_no_statement() -> None:
    make_project()
    with CaptureQueriesContext(connection) as queries:
        insert_all([])
    assert not queries.captured_queries
