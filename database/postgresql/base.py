"""Django's PostgreSQL, with three things done at a fraction of their cost.

Connections keep their prepared statements, even while a migration alters tables.
"""

import select
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, Self

import psycopg
from django.db.backends.postgresql import base, operations
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Loader
from psycopg.errors import FeatureNotSupported
from psycopg.pq import TransactionStatus

from database.postgresql.commits import Connection
from database.timing import Timed


class InstantLoader(Loader):
    """An instant of a connection whose time zone is UTC, read in C.

    Django's own derives from psycopg's loader in Python, with regular expressions: most of what
    a page of 50 entries cost.
    """

    timezone = UTC  # where Django looks for the zone that a loader is for

    def load(self, data: Buffer) -> datetime:
        """Return the instant of a text such as `2024-01-15 14:30:00+00`."""
        return datetime.fromisoformat(bytes(data).decode())


class PreparingCursor(base.CursorMixin, psycopg.Cursor[object]):
    """Prepares statements again if the type of a selected column has changed."""

    def execute(self, *args: Any, **kwargs: Any) -> Self:
        """Execute a statement; OperationalError if its transaction has to be tried again.

        The server sees what has changed before it executes any of the statement.
        """
        try:
            return super().execute(*args, **kwargs)
        except FeatureNotSupported as error:
            if error.diag.source_function != "RevalidateCachedQuery":
                raise
            if self.connection.info.transaction_status is not TransactionStatus.IDLE:
                # To roll back forgets all that is prepared.
                raise psycopg.OperationalError(*error.args) from error
        self.connection.execute("DEALLOCATE ALL")
        return super().execute(*args, **kwargs)


class PostgresOperations(operations.DatabaseOperations):
    """Django's, with our way to insert many rows."""

    compiler_module = "database.postgresql.compiler"


def _psycopg() -> ModuleType:
    """Return psycopg, but for the class of its connections."""
    module = ModuleType("psycopg")
    vars(module).update(vars(psycopg), connect=Connection.connect)
    return module


class DatabaseWrapper(Timed, base.DatabaseWrapper):
    """PostgreSQL, by connections that each thread keeps."""

    Database = _psycopg()
    ops_class = PostgresOperations

    def get_connection_params(self) -> dict[str, object]:
        """Add our timestamp loader and cursor."""
        params = super().get_connection_params()
        params["context"] = adapters = AdaptersMap(params["context"])
        adapters.register_loader("timestamptz", InstantLoader)
        if self.features.uses_server_side_binding:  # or nothing is prepared
            params["cursor_factory"] = PreparingCursor
        return params

    def is_writable(self) -> bool:
        """Return whether the server is writable: neither a standby nor read-only."""
        with self.cursor() as cursor:
            cursor.execute("SELECT current_setting('transaction_read_only')")
            return bool(cursor.fetchone() == ("off",))

    def is_usable(self) -> bool:
        """Return whether a kept connection still stands, without asking the server.

        Between requests a server says nothing but that it ends the connection.
        """
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)
