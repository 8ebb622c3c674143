"""The triggers that count: whatever writes a row, be it COPY, a cascade or a shell, is counted.

See docs/decisions/0006-exact-totals.md for the reasons and costs.
"""

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from tallies import postgresql, sqlite
from tallies.models import Tally
from tallies.rebuilding import rebuild
from tallies.registered import counted, written
from tallies.statements import ADD_WRITES_TO_ALL


def install(using: str) -> None:
    """Create missing or outdated triggers, and count the existing rows.

    On SQLite, a migration that rebuilds a table drops its triggers; PostgreSQL keeps them.
    """
    connection = connections[using]
    needed = {counted().table, *(table for table, _ in written().values())}
    if not (needed <= set(connection.introspection.table_names()) and _has_columns(connection)):
        return
    install_missing = {"postgresql": _on_postgresql, "sqlite": _on_sqlite}[connection.vendor]
    with transaction.atomic(using=using):
        if install_missing(connection):
            with connection.cursor() as cursor:
                cursor.execute(ADD_WRITES_TO_ALL, [1])
            rebuild(using=using)


def _has_columns(connection: BaseDatabaseWrapper) -> bool:
    """Return whether the table has the columns of this version; after a downgrade it does not."""
    with connection.cursor() as cursor:
        description = connection.introspection.get_table_description(cursor, Tally._meta.db_table)
    return {column.name for column in description} == {f.column for f in Tally._meta.local_fields}


def _on_postgresql(connection: BaseDatabaseWrapper) -> bool:
    functions, triggers = postgresql.functions(), postgresql.triggers()
    with connection.cursor() as cursor:
        cursor.execute("SELECT proname, prosrc FROM pg_proc WHERE proname LIKE 'tallies%'")
        bodies = dict(cursor.fetchall())
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgname LIKE 'tallies%'"
        )
        same = bodies == {name: body for name, (_, body) in functions.items()}
        if same and set(cursor.fetchall()) == set(triggers):
            return False
        for name, (returned, body) in functions.items():
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS {returned} LANGUAGE plpgsql"
                f" AS $tallies${body}$tallies$"
            )
        for (_, name), definition in triggers.items():
            cursor.execute(f"CREATE OR REPLACE TRIGGER {name} {definition}")
    return True


def _on_sqlite(connection: BaseDatabaseWrapper) -> bool:
    triggers = sqlite.triggers()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name GLOB 'tallies_*'"
        )
        found = dict(cursor.fetchall())
        if found == triggers:
            return False
        for name in found:
            cursor.execute(f"DROP TRIGGER {name}")
        for statement in triggers.values():
            cursor.execute(statement)
    return True
