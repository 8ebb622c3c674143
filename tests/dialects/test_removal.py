"""Whoever deletes the folder of the dialects has nothing else to do."""

import re
import shutil
from pathlib import Path

import pytest

from tests.support.servers import ROOT
from tests.support.trees import copy_of_this, run

FOLDER = "timetracker/dialects"
IMPORT = re.compile(r"^\s*(?:from|import) timetracker\.dialects\b", re.MULTILINE)
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
ASKED = (
    *("tests/dialects", "tests/logins", "tests/test_architecture.py"),
    *("tests/apitokens/test_admin_form.py", "tests/apitokens/test_authentication.py"),
    *("tests/apitokens/test_life.py", "tests/timetracker/test_system.py"),
)


def test_nobody_imports_the_dialects() -> None:
    files = [path.relative_to(ROOT) for path in ROOT.glob("*/**/*.py")]
    importing = {
        path.as_posix()
        for path in files
        if path.parts[0] not in {".venv", "data"} and IMPORT.search((ROOT / path).read_text())
    }
    assert importing
    assert not [
        name for name in importing if not name.startswith((f"{FOLDER}/", "tests/dialects/"))
    ]


@pytest.mark.slow
def test_without_the_folder_all_else_works(tmp_path: Path) -> None:
    tree = copy_of_this(tmp_path / "tree")
    shutil.rmtree(tree / FOLDER)
    run(tree, "manage.py", "check", "--fail-level", "WARNING")
    run(tree, "manage.py", "makemigrations", "--check", "--dry-run")
    run(tree, "-c", LINT)
    said = run(tree, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", *ASKED)
    assert re.search(r"\[100%\]", said), said
