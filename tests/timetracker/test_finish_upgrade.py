"""`manage.py finish_upgrade`: what servers of the previous release wrote is completed."""

import io
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection

from clients.models import Client
from projects.models import Project
from tasks.models import Task
from tests.support.factories import make_client, make_entry, make_project, make_task, make_user
from timeentries.models import TimeEntry

pytestmark = pytest.mark.django_db


def finish() -> str:
    """What the command prints."""
    output = io.StringIO()
    call_command("finish_upgrade", stdout=output)
    return output.getvalue()


def write_as_before(table: str, changes: str) -> None:
    """Write past the code of this release."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {changes}")  # noqa: S608 - our own words


def test_texts_are_renewed_and_entries_priced() -> None:
    client = make_client(name="Fern")
    project = make_project(client=client, name="Site", hourly_rate=90)
    make_task(project)
    make_entry(make_user(), project)
    write_as_before("clients_client", "company = 'ACME', folded_company = NULL")
    write_as_before("projects_project", "name = 'Stra\u00dfe', folded_name = 'site'")
    write_as_before("tasks_task", "name = 'Plan', folded_name = NULL")
    unpriced = "rounded_seconds = NULL, hourly_rate = NULL, amount = NULL, currency = NULL"
    write_as_before(
        "timeentries_timeentry", f"notes = 'Cafe\u0301', folded_notes = NULL, {unpriced}"
    )
    assert finish() == "All texts can be searched. 1 time entries have been priced.\n"
    assert Client.objects.get().folded_company == "acme"
    assert Project.objects.get().folded_name == "strasse"
    assert Task.objects.get().folded_name == "plan"
    entry = TimeEntry.objects.get()
    assert (entry.notes, entry.folded_notes) == ("Caf\u00e9", "caf\u00e9")
    assert entry.version == 2
    assert entry.amount == Decimal(90) * (entry.duration_seconds or 0) / 3600


def test_what_is_complete_is_left_alone() -> None:
    make_entry(make_user(), make_project(client=make_client()))
    before = [list(model.objects.values()) for model in (Client, Project, TimeEntry)]
    assert finish() == "All texts can be searched. 0 time entries have been priced.\n"
    assert [list(model.objects.values()) for model in (Client, Project, TimeEntry)] == before


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite generates the column.")
def test_a_duration_is_what_the_times_say_whatever_is_written() -> None:
    make_entry(make_user(), make_project())
    write_as_before("timeentries_timeentry", "duration_seconds = 5")
    lasted = TimeEntry.objects.get()
    assert lasted.end_time
    assert lasted.duration_seconds == (lasted.end_time - lasted.start_time).total_seconds()
    write_as_before("timeentries_timeentry", "break_seconds = 60, duration_seconds = 5")
    assert TimeEntry.objects.get().duration_seconds == (lasted.duration_seconds or 0) - 60
