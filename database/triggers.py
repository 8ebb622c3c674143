"""Triggers that are made after each migration: a table that SQLite rebuilds loses them.

All names of a set begin with the name of the app that they belong to. On SQLite, a trigger must
not name another table that migrations rebuild, unless they drop the trigger first. On PostgreSQL,
the columns of `UPDATE OF` or `WHEN` cannot be altered.
"""

from collections.abc import Mapping

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from database.briefly import briefly


def make_on_postgresql(
    connection: BaseDatabaseWrapper,
    app: str,
    functions: Mapping[str, tuple[str, str]],
    triggers: Mapping[tuple[str, str], str],
) -> bool:
    """Create missing or outdated ones; return whether there were any.

    `functions` are results and bodies by name, `triggers` definitions by table and name. Writers
    wait while a trigger is made, and it waits for them: both only briefly.
    """
    return briefly(connection, lambda: _make(connection, app, functions, triggers))


def _make(
    connection: BaseDatabaseWrapper,
    app: str,
    functions: Mapping[str, tuple[str, str]],
    triggers: Mapping[tuple[str, str], str],
) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT proname, prosrc FROM pg_proc WHERE proname LIKE %s", [rf"{app}\_%"])
        bodies = dict(cursor.fetchall())
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgname LIKE %s",
            [rf"{app}\_%"],
        )
        same = bodies == {name: body for name, (_, body) in functions.items()}
        if same and set(cursor.fetchall()) == set(triggers):
            return False
        for name, (returned, body) in functions.items():
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS {returned} LANGUAGE plpgsql"
                f" AS ${app}${body}${app}$"
            )
        for (_, name), definition in triggers.items():
            cursor.execute(f"CREATE OR REPLACE TRIGGER {name} {definition}")
    return True


def make_on_sqlite(connection: BaseDatabaseWrapper, app: str, triggers: Mapping[str, str]) -> bool:
    """Create missing or outdated ones, statements by name; return whether there were any."""
    with connection.cursor() as cursor:
        found = _on_sqlite(cursor, app)
        if found == triggers:
            return False
        for name in found:
            cursor.execute(f"DROP TRIGGER {name}")
        for statement in triggers.values():
            cursor.execute(statement)
    return True


def columns_of(cursor: CursorWrapper, table: str) -> set[str]:
    """Return the columns of a table as it is now.

    Django's introspection cannot read what SQLite says of a table with a generated column.
    """
    cursor.execute(f"SELECT * FROM {table} LIMIT 0")
    return {column[0] for column in cursor.description}


def drop(connection: BaseDatabaseWrapper, app: str) -> None:
    """Drop an app's triggers; they are made again after the migrations."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for name in _on_sqlite(cursor, app):
                cursor.execute(f"DROP TRIGGER {name}")
            return
        cursor.execute("SELECT proname FROM pg_proc WHERE proname LIKE %s", [rf"{app}\_%"])
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP FUNCTION {name}() CASCADE")


def _on_sqlite(cursor: CursorWrapper, app: str) -> dict[str, str]:
    cursor.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name GLOB %s",
        [f"{app}_*"],
    )
    return dict(cursor.fetchall())
