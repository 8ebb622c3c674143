"""One state of the database for many queries, while others write."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.transaction import TransactionManagementError

# SQLite's own transactions begin with the lock of the writer (the settings); this one takes none.
BEGIN = {
    "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "sqlite": "BEGIN DEFERRED",
}


@contextmanager
def snapshot(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Read what was committed before the first query, whatever is written in the meantime.

    Writers do not wait for it. Nothing may be written, and no transaction begun, within it.
    """
    connection = connections[using]
    if connection.in_atomic_block:
        raise TransactionManagementError("A snapshot cannot begin within a transaction.")
    with connection.cursor() as cursor:
        cursor.execute(BEGIN[connection.vendor])
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
