"""Deadlines for a request's database work.

PostgreSQL's statement_timeout would have to be set for each request, and would leak to other
clients of a pooler; SQLite has none. So one thread of the process watches all deadlines and
cancels statements: ordinary requests pay nothing.
"""

import threading
import time
from contextlib import suppress
from typing import Self

from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.errors import QueryCanceled

LOOKS_EVERY = 0.1  # seconds, while there is anything to look after


class Deadline:
    """Interrupts this thread's database statement after some seconds.

    The block then sees the OperationalError of the interrupted statement.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._was_heard = self._has_ended = False

    def __enter__(self) -> Self:
        self._database = connections["default"]
        self.ends = time.monotonic() + self.seconds
        _watch.begin(self)
        return self

    def __exit__(self, *_: object) -> None:
        _watch.end(self)
        with self._lock:
            self._has_ended = True
        if self._was_heard and not self._database.in_atomic_block:
            self._database.close()  # a late word to stop must not meet the next request

    def turn_to(self, database: BaseDatabaseWrapper) -> None:
        """Begin again, with the statements of another connection of this thread."""
        _watch.end(self)
        with self._lock:
            if self._was_heard:
                self._database.close()
            self._database, self._was_heard = database, False
        self.ends = time.monotonic() + self.seconds
        _watch.begin(self)

    def stop(self) -> None:
        """Break off the statement that runs, if one does."""
        with self._lock, suppress(Exception):  # there is no connection, or no longer
            if not self._has_ended:
                _interrupt(self._database)
                self._was_heard = True

    def broke_off(self, error: Exception) -> bool:
        """Return whether an error is that of a statement that this broke off."""
        with self._lock:  # the error may be here before we know that we were heard
            was_heard = self._was_heard
        if not (was_heard and isinstance(error, OperationalError)):
            return False
        return isinstance(error.__cause__, QueryCanceled) or str(error) == "interrupted"


def _interrupt(database: BaseDatabaseWrapper) -> None:
    if database.vendor == "postgresql":
        database.connection.cancel_safe(timeout=1)
    else:
        database.connection.interrupt()


class _Watch:
    """The thread that looks after the deadlines of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._any = threading.Event()
        self._deadlines: set[Deadline] = set()
        self._thread: threading.Thread | None = None

    def begin(self, deadline: Deadline) -> None:
        with self._lock:
            self._deadlines.add(deadline)
            if not self._any.is_set():
                self._any.set()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._look, name="deadlines", daemon=True)
                self._thread.start()

    def end(self, deadline: Deadline) -> None:
        with self._lock:
            self._deadlines.discard(deadline)

    def _look(self) -> None:
        while True:
            self._any.wait()
            time.sleep(LOOKS_EVERY)
            for deadline in self._passed():
                deadline.stop()

    def _passed(self) -> list[Deadline]:
        now = time.monotonic()
        with self._lock:
            if not self._deadlines:
                self._any.clear()
            return [deadline for deadline in self._deadlines if deadline.ends < now]


_watch = _Watch()
