"""A replica of the primary, and when a request may read there (docs/decisions/0012-replicas.md).

The query that authenticates a request also brings the primary's position: everything that anyone
has committed lies before it. Where the replica has replayed it, what is read there is what the
primary would show, so no caller misses a write and none goes back.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from typing import NamedTuple, Self, TypeVar, cast

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, OperationalError, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import RawSQL
from prometheus_client import Counter

from database.postgresql.commits import patience_of
from metrics import instruments

M = TypeVar("M", bound=models.Model)

REPLICA = "replica"
OK, BEHIND, UNAVAILABLE = "ok", "behind", "unavailable"
FAILED = "failed"

LOOKED_AT_WITHIN = 0.5  # seconds, of a replica that answers at all
# The replica is a fraction of a millisecond behind; to wait for it costs less than the primary.
PAUSES = (0.0, 0.0005, 0.001, 0.002)
LOOKS_EVERY = 1.0
NOTED_EVERY, MOST_NOTED = 0.2, 5_000  # positions of the primary, by which the lag is measured

# What is visible on the primary has been flushed, except to sessions that do not wait for that.
# The first eight letters of a WAL file's name are its timeline.
POSITION = """
    (CASE WHEN NOT pg_is_in_recovery() THEN (
        SELECT left(pg_walfile_name(lsn), 8) || ' ' || lsn FROM (
            SELECT CASE current_setting('synchronous_commit')
                WHEN 'off' THEN pg_current_wal_insert_lsn()
                ELSE pg_current_wal_flush_lsn()
            END AS lsn
        ) AS visible
    ) END)
"""
# A copy has the same; another server, or another database of it, has not.
IDENTITY = "SELECT system_identifier::text, current_database() FROM pg_control_system()"
TIMELINE = """
    SELECT greatest(timeline_id, min_recovery_end_timeline)
    FROM pg_control_checkpoint(), pg_control_recovery()
"""
REPLAYED = "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()::text END"

log = logging.getLogger("timetracker.replica")


class NotAReplica(OperationalError):
    """The server is no standby of the primary."""


class Position(NamedTuple):
    """A place in the primary's log of writes."""

    timeline: int
    lsn: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the position that POSITION wrote."""
        timeline, lsn = text.split(" ")
        return cls(int(timeline, 16), _number(lsn))


class Standby:
    """What a thread knows of the server behind its connection, which only moves on."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        """Raise NotAReplica if the server is no copy of the primary."""
        self._connection = connection
        self.behind = connection.connection
        self.replayed = self._timeline = 0
        if _row(connection, IDENTITY) != _identity_of_primary():
            raise NotAReplica("DATABASE_REPLICA_URL names no replica of DATABASE_URL.")

    def has(self, position: Position) -> bool:
        """Return whether the server was seen to have replayed a position."""
        return self.replayed >= position.lsn and self._timeline == position.timeline

    def look(self, timeline: int | None = None) -> None:
        """Find out how far the server is, and which history of the primary it follows."""
        (replayed,) = _row(self._connection, REPLAYED)
        if replayed is None:
            raise NotAReplica("DATABASE_REPLICA_URL names a server that is no standby.")
        self.replayed = _number(str(replayed))
        if self._timeline != timeline:
            (self._timeline,) = cast("tuple[int]", _row(self._connection, TIMELINE))


class Replica:
    """The replica as this process knows it; a thread looks at it from the first request on."""

    def __init__(self) -> None:
        self.state = UNAVAILABLE
        self.lag = 0.0  # seconds
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._of_thread = threading.local()
        self._is_alone = False
        self._noted: deque[tuple[float, int]] = deque()

    def has(self, text: str | None) -> bool:
        """Return whether to read on the replica what the primary shows at a position.

        Waits a few milliseconds for it, and counts why not. None is the position of a primary
        that is none.
        """
        if text is None:
            return False
        position = Position.parse(text)
        self.watch()
        self._note(position)
        why_not = self.state
        if why_not == OK:
            try:
                if self._reaches(position):
                    return True
                why_not = BEHIND
            except Error as error:
                self.leave_out(error)
                why_not = FAILED
        count(DEFAULT_DB_ALIAS, why_not)
        return False

    def leave_out(self, error: Error) -> None:
        """Read on the primary until the replica answers again; a single statement may fail."""
        if connections[REPLICA].is_usable() and not isinstance(error, NotAReplica):
            return
        connections[REPLICA].close()
        self._become(UNAVAILABLE, error)

    def watch(self, *, alone: bool = False) -> None:
        """Have a thread look at the replica from now on.

        Where it is `alone`, without requests, it also asks the primary for positions.
        """
        self._is_alone |= alone
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._look_on, name="replica", daemon=True)
                self._thread.start()

    def look(self) -> None:
        """Look at the replica once, from a thread that has no request."""
        try:
            with patience_of(connections[REPLICA], LOOKED_AT_WITHIN):
                standby = self._standby()
                standby.look()
        except Error as error:
            connections[REPLICA].close()
            self._become(UNAVAILABLE, error)
            return
        self.lag = self._lag_at(standby.replayed)
        self._become(OK if self.lag <= settings.DATABASE_REPLICA_LAG else BEHIND)

    def _reaches(self, position: Position) -> bool:
        with patience_of(connections[REPLICA], LOOKED_AT_WITHIN):
            standby = self._standby()
            if standby.has(position):
                return True
            for pause in PAUSES:
                time.sleep(pause)
                standby.look(position.timeline)
                if standby.has(position):
                    return True
        return False

    def _standby(self) -> Standby:
        """Return the server of this thread's connection, after checking it if it is new."""
        connection = connections[REPLICA]
        connection.ensure_connection()
        standby: Standby | None = getattr(self._of_thread, "standby", None)
        if standby is None or standby.behind is not connection.connection:
            standby = self._of_thread.standby = Standby(connection)
        return standby

    def _note(self, position: Position) -> None:
        """Remember when the primary was where."""
        now = time.monotonic()
        with self._lock:
            last = self._noted[-1][0] if self._noted else 0.0
            if last + NOTED_EVERY < now and len(self._noted) < MOST_NOTED:
                self._noted.append((now, position.lsn))

    def _look_on(self) -> None:
        while True:
            if self._is_alone:
                with suppress(Error):
                    self._note_primary()
            self.look()
            if not self._is_alone:  # it needs the primary only to compare the two
                connections[DEFAULT_DB_ALIAS].close()
            time.sleep(LOOKS_EVERY)

    def _note_primary(self) -> None:
        if position := position_now():
            self._note(Position.parse(position))

    def _lag_at(self, replayed: int) -> float:
        """Return for how long the primary has had something that the replica has not."""
        with self._lock:
            while self._noted and self._noted[0][1] <= replayed:
                self._noted.popleft()
            return time.monotonic() - self._noted[0][0] if self._noted else 0.0

    def _become(self, state: str, error: Error | None = None) -> None:
        if state == self.state:
            return
        self.state = state
        if state == OK:
            log.info("Reading on the replica")
        else:
            cause = " ".join(str(error or f"{self.lag:.0f} s behind").split())
            log.warning("Replica left out", extra={"cause": cause})


class Router:
    """Sends the reads of a request where it reads, and everything else to the primary."""

    def db_for_read(self, model: type[models.Model], **hints: object) -> str:
        """Return the database that this request reads."""
        return _alias.get()

    def db_for_write(self, model: type[models.Model], **hints: object) -> str:
        """Return the primary, also for a row that was read on the replica."""
        return DEFAULT_DB_ALIAS

    def allow_relation(self, *rows: models.Model, **hints: object) -> bool:
        """Let rows of both refer to each other: they are the same rows."""
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        """Migrate the primary alone."""
        return db == DEFAULT_DB_ALIAS


_alias: ContextVar[str] = ContextVar("alias", default=DEFAULT_DB_ALIAS)


def is_configured() -> bool:
    """Return whether there is a replica."""
    return REPLICA in settings.DATABASES


def connection_to_read() -> BaseDatabaseWrapper:
    """Return the connection for SQL of one's own that reads, as Router has it for models."""
    return connections[_alias.get()]


@contextmanager
def reading_on_replica() -> Iterator[None]:
    """Read on the replica within the block."""
    before = _alias.set(REPLICA)
    try:
        yield
    finally:
        _alias.reset(before)


def with_position(rows: models.QuerySet[M]) -> models.QuerySet[M]:
    """Add the primary's `position` to rows, if there is a replica."""
    if not is_configured():
        return rows
    position = {"position": RawSQL(POSITION, (), models.TextField())}  # noqa: S611 - ours
    positioned: models.QuerySet[M] = rows.annotate(**position)
    return positioned


def position_now() -> str | None:
    """Return the primary's position, with a query."""
    (position,) = _row(connections[DEFAULT_DB_ALIAS], f"SELECT {POSITION}")
    return cast("str | None", position)


def count(alias: str, why: str = "") -> None:
    """Count a request that read on the replica, or why it did not."""
    if settings.METRICS_ADDRESS:
        server = "replica" if alias == REPLICA else "primary"
        _series(server, why).inc()


@cache
def _series(server: str, why: str) -> Counter:
    return instruments.READS.labels(server, why)


@cache
def _identity_of_primary() -> tuple[object, ...]:
    return _row(connections[DEFAULT_DB_ALIAS], IDENTITY)


def _row(connection: BaseDatabaseWrapper, statement: str) -> tuple[object, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row: tuple[object, ...] = cursor.fetchone()
    return row


def _number(lsn: str) -> int:
    high, _, low = lsn.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


replica = Replica()
