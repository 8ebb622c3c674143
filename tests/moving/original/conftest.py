"""Databases of the original, on the database that the tests use."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from tests.support.original import Tables, make_postgresql, make_sqlite

SCHEMA = "original"


@dataclass
class Imported:
    """What an import said and wrote down."""

    output: str
    folder: Path

    @property
    def notes(self) -> list[tuple[str, ...]]:
        """The lines of changes.csv: table, id, what, reason, field, before and after."""
        return self._lines("changes.csv")

    @property
    def reasons(self) -> list[str]:
        """Why rows are not as they were."""
        return [reason for _, _, _, reason, *_ in self.notes]

    @property
    def sums(self) -> list[tuple[str, ...]]:
        """The lines of sums.csv."""
        return self._lines("sums.csv")

    def _lines(self, name: str) -> list[tuple[str, ...]]:
        with (self.folder / name).open(newline="") as file:
            return [tuple(line) for line in csv.reader(file)][1:]


MakeSource = Callable[..., str]
Import = Callable[..., Imported]


@pytest.fixture
def make_source(tmp_path: Path) -> Iterator[MakeSource]:
    """Make a source of the same kind as the database of the tests, and return its address."""

    def make(tables: Tables, *, without: Sequence[str] = ()) -> str:
        if connection.vendor == "sqlite":
            path = tmp_path / f"original-{len([*tmp_path.iterdir()])}.db"
            make_sqlite(path, tables, without=without)
            return str(path)
        with psycopg.connect(_url(), autocommit=True) as server:
            server.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())
            server.execute(f"CREATE SCHEMA {SCHEMA}".encode())
        make_postgresql(_url(SCHEMA), tables, without=without)
        return _url(SCHEMA)

    yield make
    if connection.vendor == "postgresql":
        with psycopg.connect(_url(), autocommit=True) as server:
            server.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())


@pytest.fixture
def run_import(make_source: MakeSource, tmp_path: Path) -> Import:
    """Import tables, with options of the command; `--yes` is one unless it is a dry run."""

    def run(tables: Tables, *options: str, without: Sequence[str] = ()) -> Imported:
        output, folder = StringIO(), tmp_path / f"report-{len([*tmp_path.iterdir()])}"
        source = make_source(tables, without=without)
        call_command(
            "import_timetracker", source, "--report", str(folder), *options, stdout=output
        )
        return Imported(output.getvalue(), folder)

    return run


def _url(schema: str = "public") -> str:
    settings: dict[str, Any] = connection.settings_dict
    named = {
        "host": settings["HOST"],
        "port": settings["PORT"],
        "user": settings["USER"],
        "password": settings["PASSWORD"],
        "dbname": settings["NAME"],
        "options": f"-csearch_path={schema}",
    }
    return "postgresql://?" + urlencode({name: value for name, value in named.items() if value})
