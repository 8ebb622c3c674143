"""The triggers that count: whatever writes a row, be it COPY, a cascade or a shell, is counted.

See docs/decisions/0006-exact-totals.md for the reasons and costs.
"""

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from database.triggers import make_on_postgresql, make_on_sqlite
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
    with transaction.atomic(using=using):
        if _made(connection):
            with connection.cursor() as cursor:
                cursor.execute(ADD_WRITES_TO_ALL, [1])
            rebuild(using=using)


def _has_columns(connection: BaseDatabaseWrapper) -> bool:
    """Return whether the table has the columns of this version; after a downgrade it does not."""
    with connection.cursor() as cursor:
        description = connection.introspection.get_table_description(cursor, Tally._meta.db_table)
    return {column.name for column in description} == {f.column for f in Tally._meta.local_fields}


def _made(connection: BaseDatabaseWrapper) -> bool:
    if connection.vendor == "sqlite":
        return make_on_sqlite(connection, "tallies", sqlite.triggers())
    functions, triggers = postgresql.functions(), postgresql.triggers()
    return make_on_postgresql(connection, "tallies", functions, triggers)
