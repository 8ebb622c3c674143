"""What is refused, by which sentence; nothing is imported then."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management.base import CommandError
from django.db import connection
from pytest_django import Settings

from journal.models import Change
from moving import importing, rows
from tests.moving.conftest import exported, imported
from tests.moving.world import make_everything, state
from tests.support.factories import make_client, make_user

Damage = Callable[[Path], object]


def refused(folder: Path) -> str:
    """Why an export is refused; the database is still empty."""
    with pytest.raises(CommandError) as error:
        imported(folder)
    assert {name for name, rows in state().items() if rows} == set()
    return str(error.value)


def sign(folder: Path) -> None:
    """Make all checksums right, as somebody who edits an export could."""
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["sha256"]
    for part in manifest["parts"].values():
        for name, contents in part["files"].items():
            data = (folder / name).read_bytes()
            contents |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    whole = orjson.dumps(manifest, option=orjson.OPT_SORT_KEYS)
    manifest["sha256"] = hashlib.sha256(whole).hexdigest()
    (folder / "manifest.json").write_bytes(orjson.dumps(manifest))


def in_manifest(change: Callable[[dict[str, Any]], object]) -> Damage:
    """Change the manifest, with a right checksum."""

    def damage(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        change(manifest)
        (folder / "manifest.json").write_text(json.dumps(manifest))
        sign(folder)

    return damage


def in_line(name: str, line: int, /, **values: object) -> Damage:
    """Change values of a line, with right checksums."""

    def damage(folder: Path) -> None:
        path = folder / f"{name}.jsonl"
        lines = path.read_bytes().splitlines(keepends=True)
        changed = {**orjson.loads(lines[line - 1]), **values}
        lines[line - 1] = orjson.dumps(changed, option=orjson.OPT_APPEND_NEWLINE)
        path.write_bytes(b"".join(lines))
        sign(folder)

    return damage


def one_byte(name: str, before: bytes = b"2024", after: bytes = b"2025") -> Damage:
    """Change a digit, so that the file can still be read."""

    def damage(folder: Path) -> None:
        data = (folder / name).read_bytes()
        assert before in data
        (folder / name).write_bytes(data.replace(before, after, 1))

    return damage


def twice(folder: Path) -> None:
    path = folder / "clients.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, lines[-1]]))
    sign(folder)


def not_json(folder: Path) -> None:
    (folder / "clients.jsonl").write_text("{}}\n")
    sign(folder)


def without_last_line(folder: Path) -> None:
    path = folder / "tasks.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    sign(folder)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        pytest.param(
            lambda folder: (folder / "manifest.json").unlink(),
            "{} has no manifest.json: it is not an export, or one that was interrupted.",
            id="no manifest",
        ),
        pytest.param(
            lambda folder: (folder / "manifest.json").write_text("{"),
            "{}/manifest.json cannot be read: ",
            id="half a manifest",
        ),
        pytest.param(
            lambda folder: (folder / "manifest.json").write_text("[]"),
            "{}/manifest.json is not the manifest of an export.",
            id="another manifest",
        ),
        pytest.param(
            one_byte("manifest.json", b'"rows": 3', b'"rows": 4'),
            "manifest.json has been changed: its own checksum is wrong.",
            id="a changed byte of the manifest",
        ),
        pytest.param(
            in_manifest(lambda found: found.update(format=2, app_version="9.8.7")),
            "This export has format 2, and this version of TimeTracker reads format 1. "
            "Use TimeTracker 9.8.7 or later.",
            id="a newer format",
        ),
        pytest.param(
            in_manifest(lambda found: found["settings"].update(TIME_ZONE="Europe/Rome")),
            "The export was made with TIME_ZONE=Europe/Rome, and here it is UTC: rows without a "
            "value of their own would get another meaning. Set TIME_ZONE=Europe/Rome.",
            id="another time zone",
        ),
        pytest.param(
            in_manifest(lambda found: found["settings"].update(CURRENCY="CHF")),
            "The export was made with CURRENCY=CHF, and here it is USD",
            id="another currency",
        ),
        pytest.param(
            in_manifest(lambda found: found["parts"]["users"]["columns"].append("shoe_size")),
            "The export has other tables or columns than this version of TimeTracker: shoe_size "
            "of users (unknown here). Import it with TimeTracker ",
            id="an unknown column",
        ),
        pytest.param(
            in_manifest(lambda found: found["parts"]["users"]["columns"].remove("email")),
            "columns than this version of TimeTracker: email of users (missing there). Import",
            id="a missing column",
        ),
        pytest.param(
            in_manifest(lambda found: found["parts"].update(shoes=found["parts"]["users"])),
            "columns than this version of TimeTracker: shoes (unknown here). Import",
            id="an unknown table",
        ),
        pytest.param(
            lambda folder: (folder / "tasks.jsonl").unlink(),
            "{}/tasks.jsonl cannot be read: No such file or directory.",
            id="a missing file",
        ),
        pytest.param(
            lambda folder: (folder / "tasks.csv").unlink(),
            "{}/tasks.csv cannot be read: No such file or directory.",
            id="a missing CSV file",
        ),
        pytest.param(
            one_byte("time_entries.jsonl"),
            "{}/time_entries.jsonl is not as it was exported: its checksum is wrong.",
            id="a changed byte",
        ),
        pytest.param(
            one_byte("time_entries.csv"),
            "{}/time_entries.csv is not as it was exported: its checksum is wrong.",
            id="a changed byte of CSV",
        ),
        pytest.param(
            without_last_line,
            "tasks.jsonl has 1 lines, and not 2 as the manifest says.",
            id="a missing line",
        ),
        pytest.param(
            in_line("clients", 1, shoe_size=43),
            "clients.jsonl, line 1: must be an object with the columns of the manifest, in their",
            id="an unknown column of a line",
        ),
        pytest.param(
            not_json,
            "clients.jsonl, line 1: ",
            id="a line that is not JSON",
        ),
        pytest.param(
            in_line("clients", 2, name=None),
            "clients.jsonl, line 2: name: must not be null.",
            id="null",
        ),
        pytest.param(
            in_line("clients", 2, name="x" * 201),
            "clients.jsonl, line 2: name: must have at most 200 characters.",
            id="a long text",
        ),
        pytest.param(
            in_line("clients", 2, name="a\0b"),
            "clients.jsonl, line 2: name: must be a text without null characters.",
            id="a null character",
        ),
        pytest.param(
            in_line("clients", 2, status="happy"),
            "clients.jsonl, line 2: status: must be one of active, inactive.",
            id="an unknown status",
        ),
        pytest.param(
            in_line("clients", 2, default_hourly_rate="a lot"),
            "clients.jsonl, line 2: default_hourly_rate: “a lot” value must be a decimal number.",
            id="no number",
        ),
        pytest.param(
            in_line("clients", 2, version=2.5),
            "clients.jsonl, line 2: version: must be a whole number from -",
            id="no whole number",
        ),
        pytest.param(
            in_line("time_entries", 3, billable=1),
            "time_entries.jsonl, line 3: billable: must be true or false.",
            id="no flag",
        ),
        pytest.param(
            in_line("time_entries", 3, amount="a lot"),
            "time_entries.jsonl, line 3: amount: cannot be 'a lot'.",
            id="no amount",
        ),
        pytest.param(
            in_line("time_entries", 2, start_time="2024-01-15T10:00:00"),
            "time_entries.jsonl, line 2: start_time: Must be a date and time such as "
            "2024-01-15T14:30:00Z.",
            id="an instant without an offset",
        ),
        pytest.param(
            in_line("tasks", 1, due_date=20240229),
            "tasks.jsonl, line 1: due_date: Must be a date such as 2024-01-15.",
            id="no date",
        ),
        pytest.param(
            in_line("time_entries", 1, end_time="2024-01-15T09:00:00Z"),
            "time_entries.jsonl, line 1: The end must be after the start.",
            id="a broken constraint",
        ),
        pytest.param(
            in_line("time_entries", 3, amount="1", hourly_rate=None),
            "time_entries.jsonl, line 3: An amount needs an end, a rate and billable time.",
            id="an amount without a rate",
        ),
        pytest.param(twice, "clients.jsonl, line 3: ", id="a line twice"),
        pytest.param(
            in_line("groups", 1, permissions=["reports.fly"]),
            "groups.jsonl, line 1: permissions: there is no permission reports.fly here.",
            id="an unknown permission",
        ),
        pytest.param(
            in_line("users", 2, groups=["Book-keepers, all"]),
            "users.jsonl, line 2: groups: must be a list of ids.",
            id="names instead of ids",
        ),
        pytest.param(
            in_line("time_entries", 1, duration_seconds=3601),
            'time_entries.jsonl, line 1: the database returns {{"id":',
            id="a duration that is not true",
        ),
        pytest.param(
            in_line("clients", 1, default_hourly_rate=75),
            'clients.jsonl, line 1: the database returns {{"id":',
            id="not as an export writes it",
        ),
    ],
)
def test_a_damaged_export_is_refused(export: Path, damage: Damage, sentence: str) -> None:
    damage(export)
    assert sentence.format(export) in refused(export)


@pytest.mark.parametrize("column", ["user_id", "project_id", "bill_id", "external_user_id"])
def test_a_reference_to_nothing_is_refused(export: Path, column: str) -> None:
    missing: object = "INV-0" if column == "bill_id" else 987_654
    in_line("time_entries", 3, task_id=None, **{column: missing})(export)
    sentence = {
        "postgresql": "time_entries.jsonl, line 3: refers to a row that is not there.",
        "sqlite": "of timeentries_timeentry refers to a row of ",
    }
    assert sentence[connection.vendor] in refused(export)


def test_the_line_is_found_in_a_later_batch(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "AT_ONCE", 4)
    monkeypatch.setattr(rows, "AT_ONCE", 2)
    in_line("time_entries", 6, break_seconds=-1)(export)
    assert refused(export) == "time_entries.jsonl, line 6: The break cannot be negative."


def test_a_manifest_of_an_edited_export_is_read(export: Path) -> None:
    """The tests above would prove nothing if what they write were refused anyway."""
    in_manifest(lambda found: found.update(made_at="2024-01-15T09:00:00Z"))(export)
    in_line("clients", 2, phone="+44 1")(export)
    imported(export)
    assert state()["clients"][1]["phone"] == "+44 1"


@pytest.mark.parametrize(
    ("make", "found"),
    [
        pytest.param(lambda: make_user("zoe"), "users", id="a user"),
        pytest.param(lambda: make_client("Moss"), "clients, changes", id="a client"),
        pytest.param(lambda: make_client("Moss").delete(), "changes", id="a past"),
    ],
)
def test_a_database_that_is_used_is_refused(
    export: Path, make: Callable[[], object], found: str
) -> None:
    make()
    before, changes = state(), Change.objects.count()
    with pytest.raises(CommandError) as error:
        imported(export)
    assert str(error.value) == (
        f"The database already contains {found}; an import needs an empty one. Use another "
        "database (DATABASE_URL), or delete all its data, including users and tokens, with: "
        "manage.py flush"
    )
    assert (state(), Change.objects.count()) == (before, changes)


def test_a_second_import_is_refused(export: Path) -> None:
    imported(export)
    before = state()
    with pytest.raises(CommandError, match="already contains groups, users, bills"):
        imported(export)
    assert state() == before


@pytest.mark.parametrize("command", [exported, imported])
def test_a_database_of_another_version_is_refused(
    transactional_db: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: Callable[[Path], str],
) -> None:
    exported(tmp_path / "export")
    monkeypatch.setattr(
        "moving.databases.MigrationExecutor.migration_plan", lambda *_: [("users", "0099_shoes")]
    )
    folder = tmp_path / ("export" if command is imported else "new")
    with pytest.raises(CommandError, match=r"not up to date\. Run manage\.py migrate first"):
        command(folder)
    assert not (tmp_path / "new").exists()


def test_settings_of_the_export_are_the_way_in(export: Path, settings: Settings) -> None:
    settings.TIME_ZONE = "Europe/Rome"
    assert "TIME_ZONE=UTC, and here it is Europe/Rome" in refused(export)


def test_a_folder_that_is_used_is_not_written_to(transactional_db: None, tmp_path: Path) -> None:
    make_everything()
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(CommandError) as error:
        exported(tmp_path)
    assert str(error.value) == f"{tmp_path} is not empty. Name a new or an empty directory."
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


def test_a_folder_below_nothing_is_not_made(transactional_db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written: No such file or directory"):
        exported(tmp_path / "missing" / "export")
