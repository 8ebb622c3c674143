"""CONTRIBUTING's recipes, carried out word for word on a copy of this checkout."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import ROOT, SETTINGS

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
BLOCK = re.compile(r"^```(\w+) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PACKAGE = "expenses"


def blocks_of(heading: str) -> list[tuple[str, str, str]]:
    """The blocks under a heading that name a file: their language, the file, their text."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", CONTRIBUTING, re.M | re.S)
    return BLOCK.findall(section)


def carry_out(tree: Path, heading: str) -> None:
    """Write the files of a recipe, and add its lines after those that they stand under."""
    for language, name, text in blocks_of(heading):
        path = tree / name
        if language == "diff":
            insert(path, text)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def insert(path: Path, diff: str) -> None:
    """Add the lines that a diff adds, beside the lines that it shows around them."""
    before = "".join(line[1:] for line in diff.splitlines(keepends=True) if line[0] != "+")
    after = "".join(line[1:] for line in diff.splitlines(keepends=True))
    text = path.read_text()
    assert text.count(before) == 1, f"{path.name}: {before!r} must stand there once"
    path.write_text(text.replace(before, after))


def run(tree: Path, *command: str) -> str:
    """Run a command in a copy, with the settings of a first run; return what it prints."""
    environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=tree,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what git knows of this checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.slow
def test_a_new_resource_is_one_folder(tree: Path) -> None:
    carry_out(tree, "Add a resource")
    for package in (PACKAGE, f"{PACKAGE}/migrations"):
        (tree / package).mkdir(exist_ok=True)
        (tree / package / "__init__.py").touch()
    run(tree, "manage.py", "makemigrations", PACKAGE, "-n", "initial")
    run(tree, "manage.py", "migrate")
    run(tree, "manage.py", "check", "--fail-level", "WARNING")
    run(tree, "manage.py", "spectacular", "--validate", "--fail-on-warn", "--file", "schema.yml")
    run(tree, "-m", "ruff", "check", "--fix", f"{PACKAGE}/migrations")
    run(tree, "-m", "ruff", "format", f"{PACKAGE}/migrations")
    run(tree, "-m", "ruff", "check", PACKAGE)
    run(tree, "-m", "ruff", "format", "--check", PACKAGE)
    asked = ("tests/test_every_resource.py", "-k", PACKAGE)
    said = run(tree, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", *asked)
    assert re.search(r"\b11 passed", said), said
