"""An installation of 719bce3 with data, upgraded to this checkout, on the database of this leg."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest

from tests.support.answers import restricted
from tests.support.databases import own_database
from tests.support.servers import ROOT
from tests.support.trees import checkout_of, copy_of_this, environ_package, run

BEFORE = "719bce3"
ENTRIES = "3000"


@pytest.fixture
def database() -> Iterator[dict[str, str]]:
    """The settings of a database of its own; it is gone when the test ends."""
    with own_database("upgrade") as given:
        yield given


@pytest.mark.slow
def test_an_upgrade_keeps_what_was_there(tmp_path: Path, database: dict[str, str]) -> None:
    old, new = checkout_of(BEFORE, tmp_path / "old"), copy_of_this(tmp_path / "new")
    packages = environ_package(tmp_path / "before")
    answers = tmp_path / "answers.json"
    given = {
        **database,
        "DJANGO_SETTINGS_MODULE": "timetracker.settings",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "TOKEN_PEPPER": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "testserver",
        "LOG_LEVEL": "ERROR",
        "RATE_LIMIT_PER_MINUTE": "100000",
        "RATE_LIMIT_PER_HOUR": "100000",
    }
    script = ROOT / "tests/support/upgraded.py"
    in_old = {**given, "PYTHONPATH": f"{old}:{packages}"}
    run(old, "manage.py", "migrate", **in_old)
    run(old, "manage.py", "seed_demo", "--entries", ENTRIES, "--until", "2024-03-01", **in_old)
    run(old, script, answers, **in_old)
    before = json.loads(answers.read_text())

    if not database:
        (old / "data").rename(new / "data")
    in_new = {**given, "PYTHONPATH": str(new)}
    run(new, "manage.py", "migrate", **in_new)
    run(new, "manage.py", "rebuild_tallies", "--check", **in_new)
    run(new, script, answers, **in_new)
    after = json.loads(answers.read_text())

    assert len(before["lists"]["time-entries"]) > int(ENTRIES)
    assert same_rows(before["lists"], after["lists"])
    assert any(entry["amount"] for entry in after["lists"]["time-entries"])
    assert before["summary"] == restricted(after["summary"], before["summary"])
    # Written by the upgrade, by the calls above, and by a check above.
    written = (
        *("django_migrations", "django_content_type", "auth_permission"),
        *("apitokens_tokenusage", "tallies_tally"),
    )
    kept = {name: rows for name, rows in before["tables"].items() if name not in written}
    assert kept == {name: rows for name, rows in after["tables"].items() if name in kept}
    assert after["changes"] == []
    assert [(kind, op) for kind, _, op in after["written"]] == [("client", "upsert")]
    assert set(after["admin"].values()) == {200}
    assert len(after["admin"]) > 12


def same_rows(before: dict[str, Any], after: dict[str, Any]) -> bool:
    for name, rows in before.items():
        found = {row["id"]: row for row in after[name]}
        assert [*found] == [row["id"] for row in rows], name
        for row in rows:
            now = found[row["id"]]
            assert renewed(row, now) == restricted(now, row), name
    return True


def renewed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """A row as it is since texts are in Unicode's normal form; of which it is a new version."""
    texts = {name: value for name, value in before.items() if isinstance(value, str)}
    changed = {
        name: normalize("NFC", text)
        for name, text in texts.items()
        if normalize("NFC", text) != text
    }
    if any(not name.endswith("_name") for name in changed):  # that of a row that it refers to
        changed |= {"version": before["version"] + 1, "updated_at": after["updated_at"]}
    return before | changed
