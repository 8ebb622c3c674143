"""Connections on which a commit ends in bounded time, and says so when it is not known how.

A commit waits for the disk and for a synchronous standby, and no limit of the server's ends that:
`statement_timeout` is over by then. So the client ends the wait. The server is asked to stop
waiting, or its process, its locks and its place among `max_connections` would stay until the
standby is back. It then has committed by itself: what was written can be seen, though a failover
could still lose it.
"""

import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, TypeVar

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.abc import PQGen
from psycopg.errors import Diagnostic
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGconn
from psycopg.rows import RowFactory, TupleRow, tuple_row

from database.postgresql.watching import watch

RV = TypeVar("RV")

COMMIT_SECONDS = 5.0
# Once a commit has waited in vain others will too, each with a thread and its locks.
HASTY_SECONDS, HASTY_FOR = 1.0, 30.0
STATEMENT_SECONDS = 15.0  # the server's own limit, within which a statement begins to commit
CANCEL_SECONDS = 2.0
INTERVAL = 0.1  # psycopg's own


class CommitUnconfirmed(psycopg.OperationalError):
    """A transaction may or may not have been committed."""


class Connection(psycopg.Connection[TupleRow]):
    """psycopg's, with an end to each commit of a server; a command may wait for ever."""

    serves: ClassVar[bool] = False
    _hasty_until: ClassVar[float] = 0.0  # monotonic seconds
    patience: float | None = None  # seconds for each statement, in place of these limits

    def __init__(self, pgconn: PGconn, row_factory: RowFactory[TupleRow] = tuple_row) -> None:
        """Listen for the server's word that a commit did not wait for the standby."""
        super().__init__(pgconn, row_factory)
        self._commits = self._stopped_waiting = False
        this = weakref.ref(self)

        def hear(notice: Diagnostic) -> None:
            connection = this()
            if connection is not None and notice.source_function == "SyncRepWaitForLSN":
                connection._stopped_waiting = True  # noqa: SLF001 - our own

        self.add_notice_handler(hear)

    def commit(self) -> None:
        """Commit; CommitUnconfirmed if that took too long or the connection broke."""
        was_closed, self._commits = self.closed, True
        try:
            super().commit()
        except CommitUnconfirmed:
            raise
        except psycopg.OperationalError as error:
            if was_closed or not self.closed:
                raise  # nothing was committed
            raise CommitUnconfirmed("the connection broke during the commit") from error
        finally:
            self._commits = False

    def wait(
        self,
        gen: PQGen[RV],
        interval: float = INTERVAL,
        timeout: float | None = None,
    ) -> RV:
        """Wait for the server, while it may commit only for so long."""
        if timeout is None:
            timeout = self._limit()
        self._stopped_waiting = False
        try:
            result = self._watched(gen, interval, timeout)
        except psycopg.OperationalError as error:
            if timeout is None or self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise
            if self.patience is not None:
                self.close()
                raise
            self._give_up()
            raise CommitUnconfirmed("the commit was not confirmed in time") from error
        if self._stopped_waiting:
            raise CommitUnconfirmed("the commit may not have reached the standby")
        return result

    def _watched(self, gen: PQGen[RV], interval: float, timeout: float | None) -> RV:
        if not self.serves:
            return super().wait(gen, interval, timeout)
        watch.begin(self)
        try:
            return super().wait(gen, interval, timeout)
        finally:
            watch.end(self)

    def _limit(self) -> float | None:
        """Return how long to wait for a commit; the server's timeouts end other statements."""
        if self.patience is not None:
            return self.patience
        if not (self.serves and (self._commits or self.autocommit)):
            return None
        is_hasty = time.monotonic() < Connection._hasty_until
        seconds = HASTY_SECONDS if is_hasty else COMMIT_SECONDS
        return seconds if self._commits else STATEMENT_SECONDS + seconds

    def _give_up(self) -> None:
        """Cancel the statement and close the connection."""
        Connection._hasty_until = time.monotonic() + HASTY_FOR
        try:
            self.cancel_safe(timeout=CANCEL_SECONDS)
        except psycopg.Error:
            pass  # it cannot be reached
        finally:
            self.close()


@contextmanager
def patience_of(database: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    """Close the connection of a server that takes longer over a statement of the block."""
    database.ensure_connection()
    connection = database.connection
    connection.patience = seconds
    try:
        yield
    finally:
        connection.patience = None


def wait_for_no_standby(database: BaseDatabaseWrapper) -> None:
    """Let this transaction commit without waiting for a standby: it holds only bookkeeping."""
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = local")
