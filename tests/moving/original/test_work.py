"""Clients, projects, tasks and rates of the original."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from clients.models import Client
from projects.models import FavoriteProject, Project
from rates.models import Rate
from tasks.models import Task
from tests.moving.original.conftest import Import
from tests.support.original import entry_row
from timeentries.models import TimeEntry

pytestmark = pytest.mark.django_db

FERN = {"name": "Fern", "default_hourly_rate": 60}
SITE = {"name": "Site"}


def test_a_client_is_what_it_was(run_import: Import) -> None:
    row = {
        "id": 5,
        "name": " Łąka ",
        "email": "a@example.com",
        "phone": "1",
        "address": "Row 1",
        "default_hourly_rate": 65.5,
        "status": "inactive",
        "updated_at": "2024-07-01 12:00:00",
    }
    imported = run_import({"clients": [row]})
    client = Client.objects.get()
    assert (client.pk, client.name, client.folded_name) == (5, "Łąka", "łąka")
    assert (client.email, client.phone, client.address) == ("a@example.com", "1", "Row 1")
    assert (client.default_hourly_rate, client.status) == (Decimal("65.50"), "inactive")
    assert client.updated_at.isoformat() == "2024-07-01T12:00:00+00:00"
    assert imported.notes == []
    client.full_clean()


def test_clients_whose_names_differ_in_case_only_become_different(run_import: Import) -> None:
    names = ["Straße", "STRASSE", "strasse", "Moss"]
    imported = run_import({"clients": [{"name": name} for name in names]})
    found = [*Client.objects.order_by("pk").values_list("name", flat=True)]
    assert found == ["Straße", "STRASSE (2)", "strasse (3)", "Moss"]
    reason = "Names of clients are unique here, without regard to case."
    assert imported.notes == [
        ("clients", "2", "renamed", reason, "name", "STRASSE", "STRASSE (2)"),
        ("clients", "3", "renamed", reason, "name", "strasse", "strasse (3)"),
    ]


def test_what_has_no_place_is_kept_in_the_report(run_import: Import) -> None:
    clients = [{**FERN, "contact_person": "Ms Fern", "description": "Ferns"}]
    projects = [{**SITE, "code": "SITE", "budget_amount": 900, "billing_ref": "B1"}]
    imported = run_import({"clients": clients, "projects": projects})
    left_out = {note[4]: note[5] for note in imported.notes}
    assert Decimal(left_out.pop("budget_amount")) == 900
    assert left_out == {
        "description": "Ferns",
        "contact_person": "Ms Fern",
        "code": "SITE",
        "billing_ref": "B1",
    }
    assert {note[2] for note in imported.notes} == {"left out"}


@pytest.mark.parametrize(
    ("fields", "expected", "reasons"),
    [
        pytest.param({"status": "inactive"}, {"status": "on_hold"}, [], id="inactive"),
        pytest.param({"status": "archived"}, {"status": "archived"}, [], id="archived"),
        pytest.param(
            {"status": "closed"},
            {"status": "on_hold"},
            ["This word is not known here."],
            id="another status",
        ),
        pytest.param(
            {"client_id": 9}, {"client_id": None}, ["Its client does not exist."], id="no client"
        ),
        pytest.param(
            {"estimated_hours": 12.345}, {"estimated_hours": Decimal("12.34")}, [], id="estimate"
        ),
        pytest.param(
            {"estimated_hours": -1},
            {"estimated_hours": None},
            ["The number is negative or too large, and was left out."],
            id="a negative estimate",
        ),
        pytest.param({"hourly_rate": 0}, {"hourly_rate": None}, [], id="no rate"),
        pytest.param({"name": " "}, {"name": "(without a name)"}, [], id="no name"),
    ],
)
def test_a_project(
    run_import: Import, fields: dict[str, Any], expected: dict[str, Any], reasons: list[str]
) -> None:
    imported = run_import({"clients": [FERN], "projects": [SITE | fields]})
    project = Project.objects.get()
    assert {name: getattr(project, name) for name in expected} == expected
    assert imported.reasons == reasons
    project.full_clean()


def test_open_projects_of_a_client_have_names_of_their_own(run_import: Import) -> None:
    statuses = ["active", "inactive", "archived", "active"]
    projects = [{**SITE, "status": status} for status in statuses]
    projects[-1]["client_id"] = "2"
    run_import({"clients": [FERN, {"name": "Moss"}], "projects": projects})
    found = [*Project.objects.order_by("pk").values_list("name", flat=True)]
    assert found == ["Site", "Site (2)", "Site", "Site"]


@pytest.mark.parametrize(
    ("fields", "expected", "reasons"),
    [
        pytest.param({"priority": "urgent"}, {"priority": 4}, [], id="urgent"),
        pytest.param({"priority": "1"}, {"priority": 1}, [], id="a number"),
        pytest.param(
            {"priority": "p0"}, {"priority": 2}, ["This word is not known here."], id="another"
        ),
        pytest.param(
            {"status": "blocked"},
            {"status": "in_progress", "completed_at": None},
            ["This word is not known here."],
            id="a column of a board",
        ),
        pytest.param(
            {"status": "shipped"},
            {"status": "done"},
            ["This word is not known here."],
            id="a column where tasks are done",
        ),
        pytest.param(
            {"assigned_to": 9},
            {"assignee_id": None},
            ["This user does not exist."],
            id="of nobody that exists",
        ),
        pytest.param(
            {"due_date": date(1900, 1, 1)},
            {"due_date": None},
            ["This is not a date of the years 1970 to 2200."],
            id="due long ago",
        ),
        pytest.param(
            {"due_date": date(2024, 2, 1), "assigned_to": 1},
            {"due_date": date(2024, 2, 1), "assignee_id": 1},
            [],
            id="due",
        ),
        pytest.param(
            {"completed_at": "2024-01-02 10:00:00"}, {"completed_at": None}, [], id="not done"
        ),
    ],
)
def test_a_task(
    run_import: Import, fields: dict[str, Any], expected: dict[str, Any], reasons: list[str]
) -> None:
    tables = {
        "users": [{"username": "olga", "role": "admin"}],
        "clients": [FERN],
        "projects": [SITE],
        "tasks": [{"name": "Draft"} | fields],
        "kanban_columns": [{"key": "shipped", "is_complete_state": True}],
    }
    imported = run_import(tables)
    task = Task.objects.get()
    assert {name: getattr(task, name) for name in expected} == expected
    assert imported.reasons == reasons
    task.full_clean()


def test_a_task_of_no_project_is_left_out(run_import: Import) -> None:
    imported = run_import({"tasks": [{"name": "Draft", "project_id": 9}]})
    assert Task.objects.count() == 0
    assert imported.notes == [
        ("tasks", "1", "left out", "Its project does not exist.", "name", "Draft", "")
    ]


PRICED: dict[str, Any] = {
    "users": [{"username": "olga", "role": "admin"}, {"username": "carl", "role": "admin"}],
    "clients": [FERN],
    "projects": [SITE, {"name": "Shop", "hourly_rate": 80}],
    "rate_overrides": [
        {"project_id": 2, "hourly_rate": 90, "effective_from": date(2024, 3, 1)},
        {
            "project_id": 2,
            "hourly_rate": 95,
            "effective_from": date(2024, 4, 1),
            "effective_to": date(2024, 4, 30),
        },
        {"project_id": 1, "user_id": 2, "hourly_rate": 120},
        {"project_id": 7, "hourly_rate": 1},
    ],
}


def test_rates_are_those_of_the_original_by_their_days(run_import: Import) -> None:
    imported = run_import(PRICED)
    rates = Rate.objects.order_by("pk").values_list(
        "user_id", "client_id", "project_id", "hourly_rate", "valid_from", "valid_until"
    )
    first, day = date(1970, 1, 1), date
    expected: list[tuple[Any, ...]] = [
        (None, 1, None, 60, first, None),
        (None, None, 2, 80, first, day(2024, 2, 29)),
        (None, None, 2, 90, day(2024, 3, 1), day(2024, 3, 31)),
        (None, None, 2, 95, day(2024, 4, 1), day(2024, 4, 30)),
        (None, None, 2, 90, day(2024, 5, 1), None),
        (2, None, 1, 120, first, None),
    ]
    assert [*rates] == expected
    assert [project.hourly_rate for project in Project.objects.order_by("pk")] == [None, 90]
    reason = "Its project or its user does not exist."
    assert imported.notes == [("rate_overrides", "4", "left out", reason, "", "", "")]


@pytest.mark.parametrize(
    ("month", "fields", "amount"),
    [
        pytest.param("01", {"project_id": 1}, 60, id="the client's"),
        pytest.param("01", {"project_id": 2}, 80, id="the project's"),
        pytest.param("03", {"project_id": 2}, 90, id="from a day on"),
        pytest.param("04", {"project_id": 2}, 95, id="the newer of two"),
        pytest.param("05", {"project_id": 2}, 90, id="after the newer has ended"),
        pytest.param("01", {"project_id": 1, "user_id": 2}, 120, id="the user's in the project"),
        pytest.param("01", {"project_id": 1, "billable": False}, None, id="not billable"),
    ],
)
def test_entries_are_priced_by_the_rates_of_their_day(
    run_import: Import, month: str, fields: dict[str, Any], amount: int | None
) -> None:
    row = entry_row(f"2024-{month}-15 09:00", f"2024-{month}-15 10:00", 3600, **fields)
    run_import({**PRICED, "time_entries": [row]})
    entry = TimeEntry.objects.get()
    assert (entry.amount, entry.currency, entry.rounded_seconds) == (amount, "USD", 3600)
    assert entry.hourly_rate == amount


def test_favorites_are_those_of_the_original(run_import: Import) -> None:
    favorites = [
        {"user_id": 1, "project_id": 2, "created_at": "2024-05-01 10:00:00"},
        {"user_id": 2, "project_id": 2},
        {"user_id": 1, "project_id": 2},
        {"user_id": 9, "project_id": 2},
        {"user_id": 1, "project_id": 9},
    ]
    imported = run_import({**PRICED, "rate_overrides": [], "user_favorite_projects": favorites})
    found = FavoriteProject.objects.values_list("id", "user_id", "project_id")
    assert [*found] == [(1, 1, 2), (2, 2, 2)]
    first = FavoriteProject.objects.earliest("pk")
    assert first.created_at.isoformat() == "2024-05-01T10:00:00+00:00"
    absent = "Its project or its user does not exist."
    assert imported.reasons == ["It is there twice.", absent, absent]
