"""kill -9 in the middle of an export and of an import: nothing half-done passes for whole."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.moving.test_round_trip import files_in
from tests.support.databases import own_database
from tests.support.trees import attempt, copy_of_this, kill_at, run

pytestmark = pytest.mark.slow
ENTRIES = "20000"  # they are being read or written for a second, in which the kill comes


@dataclass(frozen=True)
class Installation:
    """A copy of this checkout with a database of its own, and an export of its demo data."""

    tree: Path
    settings: dict[str, str]

    @property
    def export(self) -> Path:
        """The export of the demo data."""
        return self.tree.parent / "export"

    def manage(self, *arguments: str | Path) -> str:
        """What a command prints that succeeds."""
        return run(self.tree, "manage.py", *arguments, **self.settings)

    def refusal(self, *arguments: str | Path) -> str:
        """What a command prints that fails."""
        done = attempt(self.tree, "manage.py", *arguments, **self.settings)
        assert done.returncode == 1, done.stdout
        return done.stdout

    def kill_at(self, said: str, *arguments: str | Path) -> None:
        """Kill a command when it prints a line that begins so."""
        kill_at(said, self.tree, "manage.py", *arguments, **self.settings)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation with demo data, and with an export of them."""
    folder = tmp_path_factory.mktemp("killed")
    with own_database("killed") as database:
        keys = {name: secrets.token_urlsafe(64) for name in ("SECRET_KEY", "TOKEN_PEPPER")}
        made = Installation(copy_of_this(folder / "tree"), {**database, **keys})
        made.manage("migrate")
        made.manage("seed_demo", "--entries", ENTRIES)
        made.manage("export_data", made.export)
        yield made


def test_a_killed_export_is_none(installation: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    installation.kill_at("rates:", "export_data", folder)
    assert (folder / "rates.jsonl").read_bytes() == files_in(installation.export)["rates.jsonl"]
    assert not (folder / "manifest.json").exists()
    assert "or one that was interrupted." in installation.refusal("import_data", folder)
    assert "is not empty." in installation.refusal("export_data", folder)
    installation.manage("export_data", tmp_path / "again")
    assert files_in(tmp_path / "again") == files_in(installation.export)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("rates:", id="while entries are written"),
        pytest.param("user_bounds:", id="while all is read back"),
    ],
)
def test_a_killed_import_was_none(installation: Installation, tmp_path: Path, said: str) -> None:
    installation.manage("flush", "--noinput")
    installation.kill_at(said, "import_data", installation.export)
    installation.manage("export_data", tmp_path / "empty")
    manifest = json.loads((tmp_path / "empty" / "manifest.json").read_text())
    rows = {name: part["rows"] for name, part in manifest["parts"].items()}
    assert rows == dict.fromkeys(rows, 0) | {"books": rows["books"]}
    installation.manage("import_data", installation.export)
    installation.manage("export_data", tmp_path / "again")
    assert files_in(tmp_path / "again") == files_in(installation.export)
