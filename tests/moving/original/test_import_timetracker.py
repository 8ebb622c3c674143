"""The command: wholly or not at all, into an empty database, with a report."""

import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, connection
from django.test import Client as HttpClient
from pytest_django import Settings

from apitokens.models import ApiToken
from billing.models import Bill
from journal.models import Change
from moving.errors import CannotMove
from moving.original import importing
from projects.models import Project
from tallies.rebuilding import differences
from tests.logins.logging_in import app_of, log_in
from tests.moving.original.conftest import Import, MakeSource
from tests.support.factories import close_books, make_client, make_project, make_user
from tests.support.original import (
    NEEDED_BY_NOBODY,
    SECRET,
    believable,
    entry_row,
    make_sqlite,
    token_row,
)
from timeentries.models import TimeEntry
from timetracker import settings as ours
from users.models import User
from values.credentials import digest_of

pytestmark = pytest.mark.django_db

SMALL: dict[str, Any] = {
    "users": [
        {"username": "ada", "role": "admin"},
        {"username": "olga", "two_factor_enabled": True},
        {"username": "carl", "password_change_required": True},
        {"username": "iris", "is_active": False, "two_factor_enabled": True},
    ],
    "user_clients": [{"user_id": 2, "client_id": 1}],
    "clients": [{"name": "Fern", "default_hourly_rate": 60}],
    "projects": [{"name": "Site", "id": 40}],
    "time_entries": [
        entry_row("2024-01-15 09:00", "2024-01-15 10:00", 3600, user_id=2, project_id=40),
        entry_row("2024-01-31 23:30", "2024-02-01 00:30", 3600, user_id=2, project_id=40),
        entry_row("2024-02-01 09:00", "2024-02-01 10:00", 4500, user_id=3, project_id=40),
    ],
    "api_tokens": [token_row(SECRET, user_id=2, scopes="write:time_entries,read:projects")],
}


def test_people_log_in_and_apps_go_on_as_before(run_import: Import, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ours.PASSWORD_HASHERS
    run_import(SMALL, "--yes")
    assert log_in("olga", "pass-word-2").status_code == 401
    assert log_in("iris").status_code == 401
    entries = app_of("Olga").get("/api/v1/time-entries").json()["time_entries"]
    assert [(entry["id"], entry["amount"]) for entry in entries] == [(2, 60.0), (1, 60.0)]
    api = HttpClient(headers={"Authorization": f"Bearer {SECRET}"})
    assert [entry["id"] for entry in api.get("/api/v1/time-entries").json()["time_entries"]] == [
        2,
        1,
    ]
    started = api.post("/api/v1/timer/start", {"project_id": 40}, content_type="application/json")
    assert started.status_code == 201, started.content
    assert started.json()["timer"]["id"] == 4  # ids go on after the highest
    assert ApiToken.objects.get(pk=1).digest == digest_of(SECRET)
    summary = api.get("/api/v1/reports/summary")
    assert summary.status_code == 403  # as there: no scope for it


def test_the_report_has_the_sums_of_each_user_and_month(run_import: Import) -> None:
    imported = run_import(SMALL, "--yes")
    assert imported.sums == [
        ("2", "olga", "2024-01", "2", "2", "7200", "7200", "0"),
        ("3", "carl", "2024-02", "1", "1", "4500", "4500", "0"),
    ]
    assert "Months of users with other sums: 0 of 2 (sums.csv)." in imported.output
    assert "Finished entries before: 3, 11,700 seconds." in imported.output
    assert "Finished entries after: 3, 11,700 seconds." in imported.output
    text = (imported.folder / "report.txt").read_text()
    assert text in imported.output.replace("Checking references and sums …\n", "")
    for name in ("report.txt", "changes.csv", "sums.csv"):
        assert stat.S_IMODE((imported.folder / name).stat().st_mode) == 0o600


def rows_of_everything() -> dict[str, int]:
    return {
        model._meta.label: model._default_manager.count()
        for model in apps.get_models()
        if model._meta.managed and model._meta.app_label != "tallies"
    }


def test_a_dry_run_reports_the_same_and_writes_nothing(run_import: Import) -> None:
    before = rows_of_everything()
    dry = run_import(SMALL, "--dry-run")
    assert rows_of_everything() == before
    assert dry.output.splitlines()[-2] == "This was a dry run: nothing was written."
    real = run_import(SMALL, "--yes")
    assert dry.notes == real.notes
    assert dry.sums == real.sums
    told = [out.output.splitlines()[:-2] for out in (dry, real)]
    assert told[0] == told[1]
    assert User.objects.get(username="ada").pk == 1


def test_what_more_people_would_see_is_said_first(run_import: Import, tmp_path: Path) -> None:
    refused = "Nothing was written. Read the lines above that begin with ATTENTION"
    with pytest.raises(CommandError, match=refused):
        run_import(SMALL)
    assert User.objects.count() == 0
    assert [*tmp_path.glob("report*/*")] == []
    dry = run_import(SMALL, "--dry-run")
    assert [line for line in dry.output.splitlines() if line.startswith("ATTENTION")] == [
        (
            "ATTENTION: All 2 active users who are not administrators will see all 1 clients, with"
            " their email addresses, telephone numbers, postal addresses and hourly rates, all 1"
            " projects and all 0 tasks. The original showed them only some of these."
        ),
        "ATTENTION: Until now these saw only the clients assigned to them: olga.",
        (
            "ATTENTION: There is no second factor here: a password alone will open the accounts of"
            " olga."
        ),
        (
            "ATTENTION: Nobody is asked here to change a password at the next login, as the"
            " original would have asked carl."
        ),
        (
            "ATTENTION: Here a scope such as write:projects includes read:projects. These tokens"
            " will read more than they could: Script of olga."
        ),
    ]


def test_nothing_is_asked_where_nobody_sees_more(run_import: Import) -> None:
    imported = run_import({"users": [{"username": "ada", "role": "admin"}], "clients": []})
    assert "ATTENTION" not in imported.output


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(make_user, id="user"),
        pytest.param(make_client, id="client"),
        pytest.param(make_project, id="project"),
        pytest.param(lambda: close_books("2024-01-31"), id="closed books"),
    ],
)
def test_a_database_that_is_in_use_is_refused(run_import: Import, make: Any) -> None:
    make()
    before = rows_of_everything()
    with pytest.raises(CommandError, match="an import needs an empty one"):
        run_import(SMALL, "--yes")
    assert rows_of_everything() == before


def test_a_second_run_is_refused(run_import: Import) -> None:
    run_import(SMALL, "--yes")
    with pytest.raises(CommandError, match="already contains users"):
        run_import(SMALL, "--yes")
    assert User.objects.count() == 4


@pytest.mark.parametrize(
    ("without", "sentence"),
    [
        pytest.param(
            ["api_tokens"], "it has no table api_tokens. Update the original", id="table"
        ),
        pytest.param(["users"], "it has no table users", id="users"),
        pytest.param(
            ["time_entries.paid", "time_entries.client_id"],
            "time_entries has no column client_id, paid",
            id="columns",
        ),
    ],
)
def test_a_source_of_before_version_5_is_refused(
    run_import: Import, without: list[str], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        run_import(SMALL, "--yes", without=without)
    assert User.objects.count() == 0


@pytest.mark.parametrize("table", NEEDED_BY_NOBODY)
def test_a_table_that_nothing_depends_on_may_be_absent(run_import: Import, table: str) -> None:
    run_import(SMALL, "--yes", without=[table])
    assert TimeEntry.objects.count() == 3


@pytest.mark.parametrize(
    ("settings_row", "options", "sentence"),
    [
        pytest.param(
            {"timezone": "Mars/Olympus"},
            [],
            "The time zone in the settings of the source is 'Mars/Olympus', which is unknown.",
            id="zone",
        ),
        pytest.param(
            {}, ["--time-zone", "CET+1"], "The time zone in --time-zone is 'CET.1'", id="option"
        ),
        pytest.param(
            {"currency": "EUR"},
            [],
            "The original counts in EUR, and this service in USD. Set CURRENCY=EUR here",
            id="currency",
        ),
    ],
)
def test_settings_that_mean_something_else_here_are_refused(
    run_import: Import, settings_row: dict[str, Any], options: list[str], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        run_import({**SMALL, "settings": [settings_row]}, "--yes", *options)
    assert User.objects.count() == 0


def test_without_settings_the_zone_has_to_be_said(run_import: Import) -> None:
    with pytest.raises(CommandError, match="Start again with --time-zone"):
        run_import({**SMALL, "settings": []}, "--yes")
    run_import({**SMALL, "settings": []}, "--yes", "--time-zone", "Europe/Rome")
    assert TimeEntry.objects.count() == 3


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        pytest.param("nowhere.db", "There is no file nowhere.db.", id="no file"),
        pytest.param("sqlite:///nowhere.db", "There is no file nowhere.db.", id="SQLAlchemy's"),
        pytest.param("postgresql://[", "The source must be a URL such as", id="no URL"),
        pytest.param(
            "postgresql+psycopg2://x:secret@127.0.0.1:1/x", "cannot be opened", id="no server"
        ),
    ],
)
def test_a_source_that_cannot_be_opened_is_refused(source: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence) as refused:
        call_command("import_timetracker", source, stdout=StringIO())
    assert "secret" not in str(refused.value)


def test_a_sqlite_file_moves_into_either_database(tmp_path: Path) -> None:
    make_sqlite(tmp_path / "original.db", SMALL)
    source, report = f"sqlite:///{tmp_path / 'original.db'}", str(tmp_path / "report")
    call_command("import_timetracker", source, "--yes", "--report", report, stdout=StringIO())
    assert [entry.duration_seconds for entry in TimeEntry.objects.order_by("pk")] == [
        *(3600, 3600, 4500),
    ]


def test_a_database_without_tables_is_refused(
    run_import: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise CannotMove("The database is not up to date. Run manage.py migrate first.")

    monkeypatch.setattr(importing, "refuse_unless_migrated", refuse)
    with pytest.raises(CommandError, match=r"Run manage.py migrate first\."):
        run_import(SMALL, "--yes")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Not a database, and long enough to be looked at as one. " * 20)
    with pytest.raises(CommandError, match="cannot be read as a SQLite file"):
        call_command("import_timetracker", str(path), stdout=StringIO())


def test_a_report_is_not_written_over(make_source: MakeSource, tmp_path: Path) -> None:
    source, report = make_source(SMALL), tmp_path / "kept"
    report.mkdir()
    (report / "changes.csv").write_text("mine")
    with pytest.raises(CommandError, match=r"changes.csv cannot be written: File exists."):
        call_command("import_timetracker", source, "--report", str(report), stdout=StringIO())
    assert (report / "changes.csv").read_text() == "mine"


def test_what_fails_leaves_nothing_behind(
    run_import: Import, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise IntegrityError

    monkeypatch.setattr(importing, "check_references", fail)
    before = rows_of_everything()
    with pytest.raises(IntegrityError):
        run_import(SMALL, "--yes")
    assert rows_of_everything() == before
    assert [*tmp_path.glob("report*/*")] == []


def test_ids_go_on_after_the_highest(run_import: Import) -> None:
    run_import({**SMALL, "time_entries": []}, "--yes")
    assert Project.objects.create(name="New").pk == 41
    assert make_user("mara").pk == 5


def test_the_journal_says_nothing_and_old_cursors_expire(run_import: Import) -> None:
    run_import(SMALL, "--yes")
    assert Change.objects.count() == 0


def test_an_installation_of_all_kinds_of_rows_obeys_our_rules(run_import: Import) -> None:
    run_import(believable(users=20, entries=3000), "--yes")
    assert TimeEntry.objects.count() == 3000
    assert differences() == []
    connection.check_constraints()
    for model in (User, Project, ApiToken):
        for row in model._default_manager.all():
            row.full_clean()
    for entry in TimeEntry.objects.filter(bill=None).order_by("pk")[::10]:
        entry.full_clean()
    assert {bill.reference for bill in Bill.objects.all()} <= {f"INV-{n}" for n in range(7)}
    assert Bill.objects.exists()
