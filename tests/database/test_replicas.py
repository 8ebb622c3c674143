"""When a request may read on a replica; with a real one, in tests/operations/replicas.py."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import OperationalError, connection, connections, router

from apitokens.models import ApiToken
from database import replicas
from database.postgresql.commits import patience_of
from database.replicas import POSITION, Position, Replica, Router, Standby, reading_on_replica
from projects.models import Project
from tests.support.databases import replica_of_tests
from tests.support.factories import make_project

AT_9 = Position(timeline=1, lsn=9)
needs_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has no replicas"
)


class ScriptedStandby:
    """A standby whose answers a test gives."""

    def __init__(self, *replayed: str | None, timeline: int = 1, identity: str = "ours") -> None:
        self.replayed, self.timeline, self.identity = list(replayed), timeline, identity

    def answer(self, _: object, statement: str) -> tuple[object, ...]:
        """Answer one of the statements; the last position again and again."""
        if statement == replicas.IDENTITY:
            return (self.identity,)
        if statement == replicas.TIMELINE:
            return (self.timeline,)
        return (self.replayed.pop(0) if len(self.replayed) > 1 else self.replayed[0],)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> ScriptedStandby:
    """A standby that has replayed up to 9."""
    found = ScriptedStandby("0/9")
    monkeypatch.setattr(replicas, "_row", lambda *asked: found.answer(*asked))
    monkeypatch.setattr(replicas, "_identity_of_primary", lambda: ("ours",))
    monkeypatch.setattr(replicas, "PAUSES", (0.0, 0.0))
    return found


@pytest.fixture
def replica(
    server: ScriptedStandby, monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> Iterator[Replica]:
    """A replica that is in use, and that no thread looks at."""
    monkeypatch.setattr(Replica, "watch", lambda _: None)
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no replicas")
    with replica_of_tests(monkeypatch):
        found = Replica()
        found.look()
        assert found.state == "ok"
        yield found


def test_a_position_is_read_as_postgresql_writes_it() -> None:
    assert Position.parse("0000000A 1/2B") == Position(10, (1 << 32) + 0x2B)


@pytest.mark.parametrize(
    ("position", "has"),
    [
        pytest.param("00000001 0/8", True, id="before"),
        pytest.param("00000001 0/9", True, id="at"),
        pytest.param("00000001 0/A", False, id="behind"),
        pytest.param("00000002 0/8", False, id="another history, after a failover"),
        pytest.param(None, False, id="the primary is a standby itself"),
    ],
)
def test_a_replica_is_read_if_it_has_what_the_primary_shows(
    replica: Replica, position: str | None, *, has: bool
) -> None:
    assert replica.has(position) is has


def test_a_request_waits_a_moment_for_a_replica(replica: Replica, server: ScriptedStandby) -> None:
    server.replayed = ["0/9", "0/A"]
    assert replica.has("00000001 0/A")


def test_a_replica_that_follows_a_new_primary_is_read_again(
    replica: Replica, server: ScriptedStandby
) -> None:
    assert replica.has("00000001 0/9")
    server.timeline = 2
    assert replica.has("00000002 0/9")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"replayed": [None]}, id="no standby"),
        pytest.param({"identity": "another's"}, id="of another server"),
    ],
)
def test_a_server_that_is_no_replica_is_left_out(
    replica: Replica, server: ScriptedStandby, change: dict[str, object]
) -> None:
    vars(server).update(change)
    connections["replica"].close()
    assert not replica.has("00000001 0/A")
    assert replica.state == "unavailable"


def test_a_replica_that_lags_too_far_is_left_out_until_it_has_caught_up(
    replica: Replica, server: ScriptedStandby, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    assert not replica.has("00000001 0/A")
    now += settings.DATABASE_REPLICA_LAG + 1
    replica.look()
    assert (replica.state, replica.lag) == ("behind", settings.DATABASE_REPLICA_LAG + 1)
    assert not replica.has("00000001 0/8")
    server.replayed = ["0/A"]
    replica.look()
    assert (replica.state, replica.lag) == ("ok", 0)
    assert replica.has("00000001 0/8")


def test_a_replica_whose_connection_breaks_is_left_out(replica: Replica) -> None:
    connections["replica"].close()
    replica.leave_out(OperationalError("server closed the connection unexpectedly"))
    assert not replica.has("00000001 0/8")
    replica.look()
    assert replica.has("00000001 0/8")


def test_a_statement_that_is_canceled_leaves_no_replica_out(replica: Replica) -> None:
    connections["replica"].ensure_connection()
    replica.leave_out(OperationalError("canceling statement due to conflict with recovery"))
    assert replica.has("00000001 0/8")


def test_what_is_read_on_a_replica_is_written_on_the_primary(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(router, "routers", [Router()])
    rows = Project.objects.all()
    assert rows.db == "default"
    with reading_on_replica():
        project = Project(pk=1)
        project._state.db = "replica"  # noqa: SLF001 - as Django sets it
        assert rows.db == "replica"
        assert router.db_for_write(Project, instance=project) == "default"
        assert router.allow_relation(project, Project(pk=2))
    assert rows.db == "default"
    assert not router.allow_migrate("replica", "projects")


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_commit_is_before_the_position_that_follows() -> None:
    positions = []
    for name in ("One", "Two"):
        make_project(name)
        position = replicas.position_now()
        assert position
        positions.append(Position.parse(position))
    assert positions[0] < positions[1]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn()::text")
        insert = Position.parse(f"{positions[0].timeline:08X} {cursor.fetchone()[0]}")
    assert positions[1] <= insert


@pytest.mark.parametrize(("configured", "found"), [(True, 1), (False, 0)])
def test_a_token_brings_the_position_only_if_there_is_a_replica(
    monkeypatch: pytest.MonkeyPatch, *, configured: bool, found: int
) -> None:
    monkeypatch.setattr(replicas, "is_configured", lambda: configured)
    sql = str(replicas.with_position(ApiToken.objects.all()).query)
    assert sql.count(POSITION.strip()) == found


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_server_that_hangs_is_waited_for_in_bounded_time() -> None:
    with patience_of(connection, 0.2), pytest.raises(OperationalError):
        connection.cursor().execute("SELECT pg_sleep(5)")
    assert connection.connection.closed
    connection.close()


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_the_primary_itself_is_no_replica() -> None:
    connection.ensure_connection()
    replicas._identity_of_primary.cache_clear()  # noqa: SLF001 - of another test's database
    with pytest.raises(replicas.NotAReplica):
        Standby(connection).look()
