"""CONTRIBUTING's recipes, carried out word for word on a copy of this checkout."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.servers import ROOT
from tests.support.trees import attempt, copy_of_this, run

SCHEMA = ("manage.py", "spectacular", "--validate", "--fail-on-warn", "--file", "schema.yml")
OF_ALL_ROUTES = (
    *("tests/test_every_endpoint.py", "tests/test_query_budget.py", "tests/test_schema.py"),
    *("tests/test_authorisation.py", "tests/test_architecture.py"),
)
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
BLOCK = re.compile(r"^```(\w+) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PACKAGE = "expenses"
KEY = '            external_id_once("expense_external_id_once_per_user"),\n'


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


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return copy_of_this(tmp_path / "tree")


def ask(tree: Path, *asked: str) -> str:
    """Run tests in a copy; return pytest's last lines."""
    return run(tree, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "-rs", *asked)


def moved(tree: Path) -> str:
    """The description of an expense that has been exported and imported, as CSV has it."""
    expense = "project_id=1, description='Train to Bristol', amount='84.50', spent_on='2024-01-15'"
    script = f"from expenses.models import Expense; Expense(id=7, {expense}).save()"
    run(tree, "manage.py", "shell", "-c", script)
    for command in ("export_data before", "flush --noinput", "import_data before"):
        run(tree, "manage.py", *command.split())
    run(tree, "manage.py", "export_data", "after")
    for name in ("expenses.jsonl", "expenses.csv"):
        assert (tree / "before" / name).read_bytes() == (tree / "after" / name).read_bytes()
    _, row = (tree / "after" / "expenses.csv").read_text().splitlines()
    return next(cell for cell in row.split(",") if "Bristol" in cell)


@pytest.mark.slow
def test_a_new_resource_is_one_folder(tree: Path) -> None:
    carry_out(tree, "Add a resource")
    for package in (PACKAGE, f"{PACKAGE}/migrations"):
        (tree / package).mkdir(exist_ok=True)
        (tree / package / "__init__.py").touch()
    run(tree, "manage.py", "makemigrations", PACKAGE, "-n", "initial")
    run(tree, "manage.py", "migrate")
    run(tree, "manage.py", "check", "--fail-level", "WARNING")
    run(tree, *SCHEMA)
    run(tree, "-m", "ruff", "check", "--fix", f"{PACKAGE}/migrations")
    run(tree, "-m", "ruff", "format", f"{PACKAGE}/migrations")
    run(tree, "-m", "ruff", "check", PACKAGE)
    run(tree, "-m", "ruff", "format", "--check", PACKAGE)
    run(tree, "manage.py", "seed_demo", "--entries", "20")
    assert moved(tree) == '"Train to Bristol"'
    said = ask(tree, "tests/test_every_resource.py", "-k", PACKAGE)
    assert re.search(r"\b(\d+) passed, \d+ deselected", said), said
    said = ask(tree, *OF_ALL_ROUTES, "-k", f"{PACKAGE} or know or names or package")
    assert " passed" in said


@pytest.mark.slow
def test_a_new_field_is_a_line_in_three_files(tree: Path) -> None:
    carry_out(tree, "Add a field")
    run(tree, "manage.py", "makemigrations", "timeentries", "-n", "location")
    run(tree, "manage.py", "migrate")
    run(tree, "manage.py", "check", "--fail-level", "WARNING")
    run(tree, *SCHEMA)
    run(tree, "-m", "ruff", "check", "timeentries")
    # As `serve --demo` of a fresh clone.
    run(tree, "manage.py", "seed_demo")
    script = (
        "from timeentries.models import *; print({*TimeEntry.objects.values_list('location')})"
    )
    assert "{('',)}" in run(tree, "manage.py", "shell", "-c", script)
    assert " passed" in ask(tree, "tests/test_every_resource.py", "-k", "time_entries")
    assert " passed" in ask(tree, "tests/test_schema.py")


def remove_file(tree: Path) -> None:
    (tree / PACKAGE / "admin.py").unlink()


def cut(name: str, line: str) -> Callable[[Path], None]:
    """Leave out a line of a file of the recipe."""

    def omit(tree: Path) -> None:
        path = tree / PACKAGE / name
        text = path.read_text()
        assert text.count(line) == 1
        path.write_text(text.replace(line, ""))

    return omit


@pytest.mark.slow
@pytest.mark.parametrize(
    ("omit", "said"),
    [
        pytest.param(
            cut("apps.py", '        "write:expenses": "Create, update and delete expenses",\n'),
            ("timetracker.E013", "Add it to `scopes` in expenses/apps.py."),
            id="a scope",
        ),
        pytest.param(
            remove_file,
            ("timetracker.E016", "Register a ModelAdmin in expenses/admin.py."),
            id="the admin",
        ),
        pytest.param(
            cut(
                "models.py", '            external_id_once("expense_external_id_once_per_user"),\n'
            ),
            (
                "timetracker.E018",
                "Add external_id_once(…) to Meta.constraints in expenses/models.py.",
            ),
            id="the constraint of external ids",
        ),
    ],
)
def test_what_is_left_out_is_named(
    tree: Path, omit: Callable[[Path], None], said: tuple[str, str]
) -> None:
    carry_out(tree, "Add a resource")
    (tree / PACKAGE / "__init__.py").touch()
    omit(tree)
    checked = attempt(tree, "manage.py", "check")
    assert checked.returncode == 1
    assert "Traceback" not in checked.stdout
    assert all(text in checked.stdout for text in said), checked.stdout
