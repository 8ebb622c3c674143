"""The backend for PostgreSQL: values come back as they were, kept connections mend."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import NotSupportedError, connection, models, transaction
from django.db.backends.postgresql import base
from psycopg.pq import Format
from pytest_django import Settings

from apitokens.models import ApiToken
from clients.models import Client
from database.postgresql.base import InstantLoader
from projects.models import Project
from tasks.models import Task
from tests.support.factories import NINE, api_as, issue_token, make_client
from timeentries.models import TimeEntry
from users.models import User

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL"),
    pytest.mark.django_db,
]


@pytest.mark.parametrize(
    "instant",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2200, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2024, 2, 29, 12, 0, 0, 120_000, tzinfo=UTC),
        datetime(2024, 7, 1, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    ],
)
def test_an_instant_comes_back_as_utc(instant: datetime) -> None:
    client = make_client()
    Client.objects.filter(pk=client.pk).update(updated_at=instant)
    client.refresh_from_db()
    assert client.updated_at == instant
    assert client.updated_at.tzinfo is UTC


def test_instants_are_read_in_c() -> None:
    with connection.cursor() as cursor:
        assert cursor.adapters.get_loader(base.TIMESTAMPTZ_OID, Format.TEXT) is InstantLoader


def test_a_connection_of_another_zone_reads_instants_in_it() -> None:
    other = connection.copy()
    other.settings_dict["TIME_ZONE"] = "Asia/Tokyo"
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT '2024-01-15 09:00:00+00'::timestamptz")
            assert str(cursor.fetchone()[0].tzinfo) == "Asia/Tokyo"
    finally:
        other.close()


TASKS: list[dict[str, Any]] = [
    {"name": "Draft", "description": "", "priority": 1, "due_date": date(2024, 2, 29)},
    {"name": 'a "b" %s \\ é \U0001f600', "description": "\t\n{}[]null\x7f", "priority": 4},
    {"name": "null", "estimated_hours": Decimal("12345678.90"), "external_id": ""},
    {"name": "1", "estimated_hours": Decimal("0.05")},
    {"name": "Done", "status": "done", "completed_at": NINE.replace(microsecond=7)},
]


def test_rows_that_are_inserted_together_are_as_those_inserted_alone(project: Project) -> None:
    together = Task.objects.bulk_create([Task(project=project, **fields) for fields in TASKS])

    assert [task.pk for task in together] == sorted(task.pk for task in together)
    for task, fields in zip(together, TASKS, strict=True):
        given = {name: getattr(task, name) for name in fields}
        task.refresh_from_db()
        assert {name: getattr(task, name) for name in fields} == given == fields


def test_values_of_another_type_are_taken_as_in_a_row_alone(owner: User, project: Project) -> None:
    rows: list[dict[str, Any]] = [
        {"start_time": "2024-01-15T09:00:00Z", "notes": "5", "billable": 0},
        {"start_time": NINE, "end_time": NINE.astimezone(timezone(timedelta(hours=-8)))},
    ]
    rows[1]["end_time"] += timedelta(hours=1)
    entries = TimeEntry.objects.bulk_create(
        [TimeEntry(user_id=owner.pk, project_id=str(project.pk), **row) for row in rows]
    )

    assert [entry.duration_seconds for entry in entries] == [None, 3600]
    assert list(
        TimeEntry.objects.order_by("pk").values_list(
            "start_time", "notes", "billable", "project_id"
        )
    ) == [(NINE, "5", False, project.pk), (NINE, "", True, project.pk)]


def test_a_time_without_a_zone_is_warned_of_and_taken_as_the_services(
    owner: User, project: Project, settings: Settings
) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    naive = {"start_time": NINE.replace(tzinfo=None), "user": owner, "project": project}
    with pytest.warns(RuntimeWarning, match="naive datetime"):
        TimeEntry.objects.bulk_create([TimeEntry(**naive, end_time=NINE) for _ in range(2)])
    starts = TimeEntry.objects.values_list("start_time", flat=True)
    assert [*starts] == [NINE - timedelta(hours=9)] * 2


def test_rows_with_other_columns_are_inserted_together_too(owner: User) -> None:
    token, _ = issue_token(owner, "read:projects")
    copies = [
        ApiToken(**{**_columns(token), "id": None, "digest": digest, "name": digest})
        for digest in ("a" * 64, "b" * 64)
    ]
    ApiToken.objects.bulk_create(copies)

    assert {copy.pk for copy in copies} < set(ApiToken.objects.values_list("pk", flat=True))


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_ended_is_not_used_again() -> None:
    connection.ensure_connection()
    assert connection.is_usable()
    assert connection.connection is not None
    with psycopg.connect(**_elsewhere(), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid]
        )
    assert not connection.is_usable()
    connection.close()
    assert not connection.is_usable()
    connection.ensure_connection()
    assert connection.is_usable()


@contextmanager
def another_type_of_names() -> Iterator[None]:
    """Another connection has given projects' names another type, until the end."""
    other, kind = connection.copy(), Project._meta.get_field("name").db_type(connection)
    alter = "ALTER TABLE projects_project ALTER COLUMN name TYPE "
    try:
        with other.cursor() as cursor:
            cursor.execute(f"{alter} text")
            yield
    finally:
        with other.cursor() as cursor:
            cursor.execute(f"{alter} {kind}")
        other.close()


@pytest.mark.django_db(transaction=True)
def test_reading_goes_on_when_a_column_has_changed_its_type(owner: User, project: Project) -> None:
    api, kept = api_as(owner, "read:projects"), connection.connection
    urls = ["/api/v1/projects", f"/api/v1/projects/{project.pk}"]
    before = [api.get(url).content for url in urls * 3]
    with another_type_of_names():
        assert [api.get(url).content for url in urls * 3] == before
    assert [api.get(url).content for url in urls * 3] == before
    assert connection.connection is kept


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_meets_a_changed_type_is_to_be_tried_again(
    owner: User, project: Project
) -> None:
    api, kept = api_as(owner, "read:projects", "write:projects"), connection.connection

    def rename(name: str) -> Any:
        return api.patch(f"/api/v1/projects/{project.pk}", {"name": name})

    assert [rename(name).status_code for name in ("a", "b", "c")] == [200] * 3
    with another_type_of_names():
        response = rename("d")
        assert (response.status_code, response["Retry-After"]) == (503, "1")
        project.refresh_from_db()
        assert project.name == "c"
        assert [rename(name).status_code for name in ("e", "f", "g")] == [200] * 3
    assert connection.connection is kept


def test_what_the_server_cannot_do_is_no_outage() -> None:
    with pytest.raises(NotSupportedError), transaction.atomic():
        connection.cursor().execute("SELECT count(*) FROM projects_project FOR UPDATE")


def test_what_is_not_prepared_needs_no_cursor_of_ours() -> None:
    other = connection.copy()
    other.settings_dict["OPTIONS"] = {"server_side_binding": False}
    assert other.get_connection_params()["cursor_factory"] is base.Cursor


def _columns(row: models.Model) -> dict[str, Any]:
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if not field.generated
    }


def _elsewhere() -> dict[str, Any]:
    names = ("host", "port", "user", "password")
    parameters = connection.get_connection_params()
    return {name: parameters[name] for name in names if name in parameters} | {
        "dbname": "postgres"
    }
