"""The database of an original TimeTracker, read in one snapshot and never written."""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from moving.errors import CannotMove

# What SQLAlchemy, and so the original, writes before the colon.
POSTGRESQL = re.compile(r"postgres(?:ql)?(?:\+\w+)?://")
SQLITE = re.compile(r"sqlite:(?:///)?")
AT_ONCE = 5_000
# Without these it is another database, or one of before version 5. Columns that came during
# version 5, or that nothing depends on, may be absent.
NEEDED = {
    "settings": ("timezone", "currency"),
    "users": ("id", "username", "email", "full_name", "role", "is_active", "password_hash"),
    "clients": ("id", "name", "email", "phone", "address", "default_hourly_rate", "status"),
    "projects": ("id", "name", "client_id", "description", "billable", "hourly_rate", "status"),
    "tasks": ("id", "name", "project_id", "status", "priority", "assigned_to", "due_date"),
    "time_entries": (
        *("id", "user_id", "project_id", "client_id", "task_id", "start_time", "end_time"),
        *("duration_seconds", "notes", "tags", "billable", "paid", "invoice_number"),
    ),
    "api_tokens": ("id", "user_id", "name", "token_hash", "token_prefix", "scopes", "is_active"),
}

Stored = Any  # a value as a driver returns it: SQLite's columns take values of every type
Row = tuple[Stored, ...]


class Source:
    """Tables of the original; absent columns are null."""

    def __init__(self, vendor: str, rows_of: Callable[[str], Iterator[Row]]) -> None:
        self.vendor = vendor
        self._rows_of = rows_of
        self._columns: dict[str, set[str]] = {}

    def has(self, table: str, *columns: str) -> bool:
        """Return whether a table is there, with some columns."""
        if table not in self._columns:
            self._columns[table] = self._columns_of(table)
        return bool(self._columns[table]) and self._columns[table].issuperset(columns)

    def rows(
        self, table: str, columns: Sequence[str], *, where: str = "true", order: str = "id"
    ) -> Iterator[Row]:
        """Yield the rows of a table, in the order of their ids; none if it is absent."""
        if not self.has(table):
            return iter(())
        listed = ", ".join(name if self.has(table, name) else "NULL" for name in columns)
        return self.ask(f"SELECT {listed} FROM {table} WHERE {where} ORDER BY {order}")

    def ask(self, query: str) -> Iterator[Row]:
        """Yield the rows of a query, a few at a time."""
        try:
            yield from self._rows_of(query)
        except (psycopg.Error, sqlite3.Error) as error:
            raise CannotMove(f"The source could not be read: {_first_line(error)}") from error

    def one(self, query: str) -> Stored:
        """Return the only value of a query."""
        return next(self.ask(query))[0]

    def _columns_of(self, table: str) -> set[str]:
        if self.vendor == "sqlite":
            return {name for _, name, *_ in self.ask(f"PRAGMA table_info({table})")}
        return {
            name
            for (name,) in self.ask(
                "SELECT attname FROM pg_attribute"
                f" WHERE attrelid = to_regclass('{table}') AND attnum > 0 AND NOT attisdropped"
            )
        }


@contextmanager
def opened(address: str) -> Iterator[Source]:
    """Open a source, and check that it is one; CannotMove says why it is not."""
    if POSTGRESQL.match(address):
        opening = _postgresql(POSTGRESQL.sub("postgresql://", address, count=1))
    else:
        opening = _sqlite(Path(SQLITE.sub("", address, count=1)))
    with opening as source:
        _check(source)
        yield source


@contextmanager
def _postgresql(address: str) -> Iterator[Source]:
    try:
        connection = psycopg.connect(address, connect_timeout=10)
    except psycopg.ProgrammingError:
        # Not chained: libpq's error repeats the address, which may contain a password.
        raise CannotMove(
            "The source must be a URL such as postgresql://user@host/timetracker, or the path of"
            " a SQLite file. The URL is not shown because it may contain a password."
        ) from None
    except psycopg.Error as error:
        raise CannotMove(f"The source cannot be opened: {_first_line(error)}") from None
    with closing(connection):
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True

        def rows_of(query: str) -> Iterator[Row]:
            with connection.cursor("rows") as cursor:  # with a name it is the server's
                cursor.itersize = AT_ONCE
                yield from cursor.execute(query.encode())

        yield Source("postgresql", rows_of)


@contextmanager
def _sqlite(path: Path) -> Iterator[Source]:
    if not path.is_file():
        raise CannotMove(
            f"There is no file {path}. The source must be the path of a SQLite file, or a URL such"
            " as postgresql://user@host/timetracker."
        )
    try:
        connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)
        connection.text_factory = lambda text: text.decode(errors="replace")
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise CannotMove(f"{path} cannot be read as a SQLite file: {error}.") from error
    with closing(connection):
        yield Source("sqlite", lambda query: iter(connection.execute(query)))


def _check(source: Source) -> None:
    """Refuse a database that is not of version 5, with what is missing."""
    for table, columns in NEEDED.items():
        if not source.has(table):
            raise CannotMove(_not_of_version_5(f"it has no table {table}"))
        missing = [name for name in columns if not source.has(table, name)]
        if missing:
            raise CannotMove(_not_of_version_5(f"{table} has no column {', '.join(missing)}"))


def _not_of_version_5(reason: str) -> str:
    return (
        f"The source is not the database of a TimeTracker 5: {reason}. Update the original to"
        " version 5 first."
    )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def listed(ids: Iterable[int]) -> str:
    """Return ids as a list in SQL."""
    return ", ".join(str(int(each)) for each in ids) or "NULL"
