"""Django's PostgreSQL, with three things done at a fraction of their cost."""

import select
from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql import base, operations
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Loader


class InstantLoader(Loader):
    """An instant of a connection whose time zone is UTC, read in C.

    Django's own derives from psycopg's loader in Python, with regular expressions: most of what
    a page of 50 entries cost.
    """

    timezone = UTC  # where Django looks for the zone that a loader is for

    def load(self, data: Buffer) -> datetime:
        """Return the instant of a text such as `2024-01-15 14:30:00+00`."""
        return datetime.fromisoformat(bytes(data).decode())


class DatabaseOperations(operations.DatabaseOperations):
    """Django's, with our way to insert many rows."""

    compiler_module = "timetracker.postgresql.compiler"


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL, by connections that each thread keeps."""

    ops_class = DatabaseOperations

    def get_connection_params(self) -> dict[str, Any]:
        """Return what to connect with; instants are read by our loader."""
        params: dict[str, Any] = super().get_connection_params()
        params["context"] = adapters = AdaptersMap(params["context"])
        adapters.register_loader("timestamptz", InstantLoader)
        return params

    def is_usable(self) -> bool:
        """Return whether a kept connection still stands, without asking the server.

        Between requests a server says nothing but that it ends the connection.
        """
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)
