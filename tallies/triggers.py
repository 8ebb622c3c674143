"""The triggers that count: whatever writes a row, be it COPY, a cascade or a shell, is counted.

See docs/decisions/0006-exact-totals.md for the reasons and costs.
"""

from contextlib import nullcontext
from functools import partial

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from database.briefly import briefly
from database.triggers import columns_of, make_on_postgresql, make_on_sqlite
from tallies import postgresql, sqlite
from tallies.models import Tally
from tallies.rebuilding import rebuild
from tallies.registered import counted, written
from tallies.statements import ADD_WRITES_TO_ALL, UNCOUNTED


def install(using: str) -> None:
    """Create missing or outdated triggers, and count the existing rows.

    On SQLite, a migration that rebuilds a table drops its triggers; PostgreSQL keeps them.
    """
    connection = connections[using]
    with transaction.atomic(using=using) if connection.vendor == "sqlite" else nullcontext():
        if make(connection):
            count(using)


def make(connection: BaseDatabaseWrapper) -> bool:
    """Create missing or outdated triggers, and note that the rows before them are not counted.

    Return whether they are there: not before all tables are, and after a downgrade not.
    """
    if not _is_complete(connection):
        return False
    briefly(connection, partial(_make, connection))
    return True


def count(using: str) -> None:
    """Count the rows that were there before the triggers, if that is still to do.

    What is written in the meantime is counted by the triggers: nobody waits.
    """
    uncounted = Tally.objects.using(using).filter(kind=UNCOUNTED)
    if uncounted.exists():
        with transaction.atomic(using=using):
            rebuild(using=using)
            uncounted.delete()


def stop_folding(connection: BaseDatabaseWrapper) -> None:
    """Let PostgreSQL's triggers of an older version only add rows, until `make`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_proc WHERE proname = 'tallies_fold'")
        if cursor.fetchone():
            cursor.execute(
                "CREATE OR REPLACE FUNCTION tallies_fold() RETURNS void LANGUAGE plpgsql"
                " AS 'BEGIN END'"
            )


def _make(connection: BaseDatabaseWrapper) -> None:
    if _made(connection):
        with connection.cursor() as cursor:
            cursor.execute(ADD_WRITES_TO_ALL, [1])
            cursor.execute(
                "INSERT INTO tallies_tally (kind, fresh) VALUES (%s, true)", [UNCOUNTED]
            )


def _is_complete(connection: BaseDatabaseWrapper) -> bool:
    """Return whether all is there that the triggers name, and the tallies are of this version."""
    named = {table: {*filter(None, seen.split(", "))} for table, seen in written().values()}
    named[counted().table] = set()
    with connection.cursor() as cursor:
        if not {Tally._meta.db_table, *named} <= {*connection.introspection.table_names(cursor)}:
            return False
        tallied = {field.column for field in Tally._meta.local_fields}
        return columns_of(cursor, Tally._meta.db_table) == tallied and all(
            columns <= columns_of(cursor, table) for table, columns in named.items()
        )


def _made(connection: BaseDatabaseWrapper) -> bool:
    if connection.vendor == "sqlite":
        return make_on_sqlite(connection, "tallies", sqlite.triggers())
    functions, triggers = postgresql.functions(), postgresql.triggers()
    return make_on_postgresql(connection, "tallies", functions, triggers)
