"""The files of an export: exact, private, complete or not there."""

import csv
import json
import re
import stat
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from threading import Thread

import pytest
from django.core.management.base import CommandError
from django.db import connection, connections
from django.db.transaction import TransactionManagementError

from apitokens.models import ApiToken
from clients.models import Client
from database.snapshots import snapshot
from moving import exporting, rows
from moving.files import NewFile
from moving.kinds import unnamed
from moving.rows import Encoded, csv_lines
from tests.moving.conftest import exported
from tests.moving.world import HARD, make_everything, state
from tests.support.factories import make_client, make_user
from users.models import User
from webhooks.models import Webhook

CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)')


def cells(text: str) -> list[list[str | None]]:
    """The cells of a CSV file; what is not there at all is None, and never an empty text."""
    lines: list[list[str | None]] = [[]]
    for quoted, plain, end in CELL.findall(text):
        lines[-1].append(quoted.replace('""', '"') if quoted or not plain else plain)
        if end == "\r\n":
            lines.append([])
    return lines[:-1]


def test_csv_says_what_json_says(transactional_db: None, tmp_path: Path) -> None:
    make_everything()
    exported(tmp_path / "export")
    for name in state():
        of_json = [
            json.loads(line)
            for line in (tmp_path / "export" / f"{name}.jsonl").read_text().split("\n")[:-1]
        ]
        with (tmp_path / "export" / f"{name}.csv").open(newline="") as file:
            columns, *of_csv = csv.reader(file, strict=True)
        assert [columns] * len(of_json) == [[*row] for row in of_json]
        assert of_csv == [[as_cell(value) for value in row.values()] for row in of_json]


def as_cell(value: object) -> str:
    """The text of a cell for a value of JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        pytest.param(None, "", id="null"),
        pytest.param("", '""', id="an empty text"),
        pytest.param("5", '"5"', id="a text of digits"),
        pytest.param(5, "5", id="a number"),
        pytest.param('"', '""""', id="a quote"),
        pytest.param("a\r\nb", '"a\r\nb"', id="a line end"),
        pytest.param(True, "true", id="a flag"),
        pytest.param(Decimal("1E+2"), "100", id="a decimal"),
        pytest.param(Decimal("0.10"), "0.10", id="decimals"),
        pytest.param(date(2024, 1, 5), "2024-01-05", id="a day"),
        pytest.param(datetime(2024, 1, 5, tzinfo=UTC), "2024-01-05T00:00:00Z", id="an instant"),
        pytest.param(
            datetime(2024, 1, 5, 0, 0, 0, 1, tzinfo=UTC),
            "2024-01-05T00:00:00.000001Z",
            id="a microsecond",
        ),
        pytest.param(Encoded.of({"b": 1, "a": ["x"]}), '"{""a"":[""x""],""b"":1}"', id="JSON"),
    ],
)
def test_a_cell_is_exact(value: object, cell: str) -> None:
    assert csv_lines([[value, None]]) == f"{cell},\r\n".encode()


def test_texts_are_as_they_were_typed(transactional_db: None, tmp_path: Path) -> None:
    make_everything()
    exported(tmp_path / "export")
    [entry, *_] = (tmp_path / "export" / "time_entries.jsonl").read_text().split("\n")
    assert json.loads(entry)["notes"] == HARD
    assert (
        f'"{HARD.replace(chr(34), chr(34) * 2)}"'.encode()
        in (tmp_path / "export" / "time_entries.csv").read_bytes()
    )


def test_no_file_has_a_secret(transactional_db: None, tmp_path: Path) -> None:
    secret = make_everything()
    exported(tmp_path / "export")
    hook = Webhook.objects.get()
    secrets = [
        *(secret, hook.sealed_secret, hook.secret_hint, *hook.secrets_at(hook.created_at)),
        *ApiToken.objects.values_list("digest", flat=True),
        *User.objects.values_list("password", flat=True),
    ]
    assert all(len(each) > 4 for each in secrets)
    for path in (tmp_path / "export").iterdir():
        text = path.read_text()
        assert [each for each in secrets if each in text] == []


def test_each_table_is_exported_or_left_out_for_a_reason() -> None:
    """A table that nobody decided on would be lost, or its secrets would not."""
    assert unnamed() == []


def test_only_the_owner_can_read_it(transactional_db: None, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    exported(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_an_export_that_fails_leaves_nothing(
    transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_everything()
    write, written = NewFile.write, []

    def full(file: NewFile, data: bytes) -> None:
        written.append(data)
        if len(written) > 5:
            raise OSError(28, "No space left on device")
        write(file, data)

    monkeypatch.setattr(NewFile, "write", full)
    with pytest.raises(CommandError, match="cannot be written: No space left on device"):
        exported(tmp_path / "export")
    assert [*(tmp_path / "export").iterdir()] == []
    monkeypatch.undo()
    exported(tmp_path / "export")


def test_the_manifest_comes_last(
    transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    write = NewFile.write

    def noting(file: NewFile, data: bytes) -> None:
        seen.append((tmp_path / "export" / "manifest.json").exists())
        write(file, data)

    monkeypatch.setattr(NewFile, "write", noting)
    exported(tmp_path / "export")
    assert len(seen) > len(state())
    assert not any(seen)
    assert (tmp_path / "export" / "manifest.json").exists()


def test_what_is_written_in_the_meantime_is_not_in_it(
    transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_everything()
    before = {name: len(found) for name, found in state().items()}

    threads: list[Thread] = []

    def write() -> None:
        late = make_user("late")
        make_client("Late", external_user=late)
        Client.objects.filter(name="Idle").update(name="Busy")
        connections.close_all()

    def say(_: str) -> None:
        if not threads:
            threads.append(Thread(target=write))
            threads[0].start()
            threads[0].join(15)
            assert not threads[0].is_alive(), "the writer waits for the export"

    monkeypatch.setattr(rows, "AT_ONCE", 2)
    exporting.export_to(tmp_path / "export", say)
    manifest = json.loads((tmp_path / "export" / "manifest.json").read_text())
    assert {name: part["rows"] for name, part in manifest["parts"].items()} == before
    assert "Idle" in (tmp_path / "export" / "clients.jsonl").read_text()
    assert "late" not in (tmp_path / "export" / "users.jsonl").read_text()
    assert Client.objects.filter(name="Busy").exists()


def test_a_snapshot_is_no_part_of_a_transaction(db: None) -> None:
    assert connection.in_atomic_block
    with pytest.raises(TransactionManagementError), snapshot():
        pass
