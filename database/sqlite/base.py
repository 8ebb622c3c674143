"""Django's SQLite, with a LIKE that knows the case of every letter."""

import functools
import re
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from sqlite3 import Connection

from django.core.management.color import Style
from django.db import OperationalError
from django.db.backends.sqlite3 import base, features, operations

from database.timing import Timed
from values.folding import folded

PRIMARY_CODE = 0xFF  # of SQLite's result codes; the rest says more about it


class SqliteFeatures(features.DatabaseFeatures):
    """Django's, which rebuilds a table for each column that goes: triggers may name the column."""

    can_alter_table_drop_column = False


class SqliteOperations(operations.DatabaseOperations):
    """Django's, which empties tables in any order and reads instants at half of the cost."""

    def convert_datetimefield_value(
        self, value: object, expression: object, connection: object
    ) -> object:
        """Return a stored instant with its zone, for which Django asks the settings each time."""
        if isinstance(value, datetime) and value.tzinfo is None:
            return value.replace(tzinfo=self.connection.timezone)
        return super().convert_datetimefield_value(value, expression, connection)

    def sql_flush(
        self,
        style: Style,
        tables: Sequence[str],
        *,
        reset_sequences: bool = False,
        allow_cascade: bool = False,
    ) -> list[str]:
        """Judge references at the end: Django defers its own, but not a constraint of ours.

        By name, so that the books are empty before the entries that they would keep closed.
        """
        statements = super().sql_flush(
            style, sorted(tables), reset_sequences=reset_sequences, allow_cascade=allow_cascade
        )
        return ["PRAGMA defer_foreign_keys = ON", *statements] if statements else []


class DatabaseWrapper(Timed, base.DatabaseWrapper):
    """SQLite's own LIKE ignores the case of A to Z only: `müller` would not find `MÜLLER`.

    Nothing stored depends on it, so other programs can open the file.
    """

    ops_class = SqliteOperations
    features_class = SqliteFeatures

    def get_new_connection(self, conn_params: dict[str, object]) -> Connection:
        """Return a connection that compares with our LIKE."""
        connection: Connection = super().get_new_connection(conn_params)
        for arguments in (2, 3):
            connection.create_function("like", arguments, like, deterministic=True)
        return connection

    def is_writable(self) -> bool:
        """Return whether the file is writable; a concurrent writer means that it is."""
        self.ensure_connection()
        (patience,) = self.connection.execute("PRAGMA busy_timeout").fetchone()
        self.connection.execute("PRAGMA busy_timeout = 0")
        try:
            with self.cursor() as cursor:
                cursor.execute("UPDATE django_migrations SET id = id WHERE FALSE")
        except OperationalError as error:
            code = getattr(error.__cause__, "sqlite_errorcode", 0) & PRIMARY_CODE
            if code not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY):
                raise
            return code == sqlite3.SQLITE_BUSY
        finally:
            self.connection.execute(f"PRAGMA busy_timeout = {patience}")
        return True


def like(pattern: str | None, text: object, escape: str = "") -> bool | None:
    """Return whether `text LIKE pattern ESCAPE escape`, ignoring case; NULL for NULL."""
    if pattern is None or text is None:
        return None
    return _expression(pattern, escape).fullmatch(folded(str(text))) is not None


@functools.lru_cache(maxsize=256)
def _expression(pattern: str, escape: str) -> re.Pattern[str]:
    """Return an expression that takes no time for any text.

    Atomic groups `(?>…)` prevent backtracking between two `%`.
    """
    parts, literal, characters = [""], "", iter(pattern)
    for character in characters:
        if character == escape:
            literal += next(characters, "")
        elif character in "%_":
            parts[-1] += re.escape(folded(literal))
            literal = ""
            if character == "_":
                parts[-1] += "."
            else:
                parts.append("")
        else:
            literal += character
    first, *others = [*parts[:-1], parts[-1] + re.escape(folded(literal))]
    between = "".join(f"(?>.*?{part})" for part in others[:-1])
    end = "".join(f".*?{part}" for part in others[-1:])
    return re.compile(f"{first}{between}{end}", re.DOTALL)
