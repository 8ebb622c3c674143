"""End statements that wait for a server that has stopped answering.

A server that hangs (its disk, its host, a failover) enforces no timeout of its own, and its
kernel still acknowledges what is sent. So one thread of the process asks the servers for which a
statement has waited long whether they would accept a connection, and breaks the connections of
one that would not: their statements fail as if the server had died, and the next connection may
find another host.
"""

import os
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakSet

from psycopg import OperationalError
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

if TYPE_CHECKING:
    from database.postgresql.commits import Connection

PATIENT_FOR = 2.0  # seconds, before a server is asked
ASKED_FOR = 2  # seconds
LOOKS_EVERY = 0.5

Server = tuple[str, int]


class Watch:
    """The connections of this process, their statements, and the thread that looks at them."""

    def __init__(self) -> None:
        self._connections: WeakSet[Connection] = WeakSet()
        self._waiting: dict[Connection, float] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def begin(self, connection: "Connection") -> None:
        """Look after a statement until its `end`."""
        self._waiting[connection] = time.monotonic()
        if connection not in self._connections:
            with self._lock:
                self._connections.add(connection)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, daemon=True)
                    self._thread.start()

    def end(self, connection: "Connection") -> None:
        """Forget a statement."""
        self._waiting.pop(connection, None)

    def _run(self) -> None:
        while True:
            time.sleep(LOOKS_EVERY)
            before = time.monotonic() - PATIENT_FOR
            late = [each for each, since in self._waiting.copy().items() if since < before]
            for server in {_server_of(each) for each in late}:
                if server and not answers(server):
                    self._break(server)

    def _break(self, server: Server) -> None:
        """End all connections to a server: those that wait, and those that would wait next."""
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            if _server_of(connection) == server:
                _shut(connection)


def _server_of(connection: "Connection") -> Server | None:
    """Return the server of a connection; None if that has just been closed."""
    try:
        return connection.info.host, connection.info.port
    except OperationalError:
        return None


def answers(server: Server) -> bool:
    """Return whether a server answers at all, be it with a refusal."""
    host, port = server
    asked = make_conninfo(host=host, port=port, connect_timeout=ASKED_FOR)
    return PGconn.ping(asked.encode()) in (Ping.OK, Ping.REJECT)


def _shut(connection: "Connection") -> None:
    """End a connection under the thread that waits for it; to libpq the server has closed it."""
    with suppress(OSError, OperationalError):  # it has ended by itself
        descriptor = os.dup(connection.fileno())
        with socket.socket(fileno=descriptor) as broken:
            broken.shutdown(socket.SHUT_RDWR)


watch = Watch()
