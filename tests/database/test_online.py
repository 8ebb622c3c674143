"""Operations of migrations that nobody waits for; on SQLite they are Django's."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management.commands import migrate
from django.db import IntegrityError, connection, migrations, models, transaction
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.models import Q

from clients.models import Client
from database import briefly as brief
from database import online
from database.briefly import briefly
from database.triggers import columns_of
from tests.support.factories import make_client
from timetracker.management.commands.migrate import Executor

TABLE = Client._meta.db_table
ON_POSTGRESQL = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has one writer."
)
PLACE = online.AddField("client", "place", models.TextField(null=True))
INDEX = models.Index(fields=["phone", "-id"], name="client_by_phone")
WIDER = models.Index(fields=["phone", "address"], name="client_by_phone")
CHECK = models.CheckConstraint(condition=~Q(phone="0"), name="client_phone_not_zero")
ONCE = models.UniqueConstraint(fields=("phone", "address"), name="client_once")
ONCE_IF: Any = models.UniqueConstraint(
    fields=("phone",), condition=~Q(phone=""), name="client_once_per_phone"
)
ONCE_WIDER: Any = models.UniqueConstraint(
    fields=("phone", "address"), condition=~Q(phone=""), name="client_once_per_phone"
)

pytestmark = pytest.mark.django_db(transaction=True)


class Migrated:
    """The schema as operations leave it, and the way back."""

    def __init__(self) -> None:
        self.states = [MigrationLoader(connection).project_state()]
        self.done: list[Operation] = []

    def do(self, operation: Operation, *, times: int = 1) -> None:
        """Do an operation, or as often as a migration is that was interrupted after it."""
        before, after = self.states[-1], self.states[-1].clone()
        operation.state_forwards("clients", after)
        for _ in range(times):
            with connection.schema_editor(atomic=False) as editor:
                operation.database_forwards("clients", editor, before, after)
        self.states.append(after)
        self.done.append(operation)

    def undo_all(self) -> None:
        """Go back to the schema of the models."""
        while self.done:
            after, before = self.states.pop(), self.states[-1]
            with connection.schema_editor(atomic=False) as editor:
                self.done.pop().database_backwards("clients", editor, after, before)


@pytest.fixture
def migrated() -> Iterator[Migrated]:
    """The schema; it is afterwards what it was."""
    made = Migrated()
    try:
        yield made
    finally:
        made.undo_all()


def constraints() -> dict[str, Any]:
    """The indexes and constraints of the clients' table, by name."""
    with connection.cursor() as cursor:
        return connection.introspection.get_constraints(cursor, TABLE)


def columns() -> set[str]:
    with connection.cursor() as cursor:
        return columns_of(cursor, TABLE)


@pytest.mark.parametrize("times", [1, 2])
def test_operations_do_what_they_say_and_may_be_interrupted(
    migrated: Migrated, times: int
) -> None:
    make_client(phone="1")
    before = {*constraints()}
    migrated.do(PLACE, times=times)
    migrated.do(online.AddIndex("client", INDEX), times=times)
    migrated.do(online.AddConstraint("client", CHECK), times=times)
    migrated.do(online.AddConstraint("client", ONCE), times=times)
    migrated.do(online.AddConstraint("client", ONCE_IF), times=times)
    assert "place" in columns()
    assert constraints()["client_by_phone"]["columns"] == ["phone", "id"]
    migrated.do(online.ReplaceIndex("client", WIDER), times=times)
    migrated.do(online.ReplaceConstraint("client", ONCE_WIDER), times=times)
    found = constraints()
    assert {*found} - before == {
        *("client_by_phone", "client_phone_not_zero", "client_once", "client_once_per_phone")
    }
    assert found["client_by_phone"]["columns"] == ["phone", "address"]
    assert found["client_once_per_phone"]["columns"] == ["phone", "address"]
    with pytest.raises(IntegrityError, match="client_phone_not_zero"), transaction.atomic():
        make_client(name="Other", phone="0")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_client(name="Other", phone="1")
    migrated.undo_all()
    assert {*constraints()} == before
    assert "place" not in columns()


@ON_POSTGRESQL
def test_a_check_is_validated_after_it_was_added(migrated: Migrated) -> None:
    make_client(phone="0")
    with pytest.raises(IntegrityError, match="client_phone_not_zero"):
        migrated.do(online.AddConstraint("client", CHECK))
    assert validated() == [(False,)]
    Client.objects.update(phone="")
    migrated.do(online.AddConstraint("client", CHECK))
    assert validated() == [(True,)]


def validated() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT convalidated FROM pg_constraint WHERE conname = 'client_phone_not_zero'"
        )
        return [*cursor.fetchall()]


@ON_POSTGRESQL
def test_an_index_that_failed_is_built_again(migrated: Migrated) -> None:
    for name in ("One", "Two"):
        make_client(name=name, phone="1")
    add = online.AddConstraint("client", ONCE_IF)
    with pytest.raises(IntegrityError):
        migrated.do(add)
    Client.objects.filter(name="Two").update(phone="2")
    migrated.do(add)
    assert constraints()["client_once_per_phone"]["unique"]


@contextmanager
def read_by_another() -> Iterator[threading.Event]:
    """Keep the clients read by a transaction, as a dump does, until the event."""
    reads, ends = threading.Event(), threading.Event()

    def read() -> None:
        with transaction.atomic():
            Client.objects.count()
            reads.set()
            ends.wait(30)
        connection.close()

    thread = threading.Thread(target=read)
    thread.start()
    assert reads.wait(30)
    try:
        yield ends
    finally:
        ends.set()
        thread.join(30)


def add_place() -> None:
    """Migrate as `manage.py migrate` does."""
    migration = Migration("0099_place", "clients")
    migration.operations = [  # type: ignore[misc]
        migrations.AddField("client", "place", models.TextField(null=True))
    ]
    executor = Executor(connection)
    executor.recorder.migration_qs.filter(name="0099_place").delete()
    executor.apply_migration(executor.loader.project_state(), migration)
    executor.recorder.record_unapplied("clients", "0099_place")
    connection.close()


def test_the_command_migrates_so() -> None:
    assert vars(migrate)["MigrationExecutor"] is Executor


@ON_POSTGRESQL
def test_nobody_waits_behind_a_migration_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brief, "SECONDS_BETWEEN_ATTEMPTS", 0.1)
    migrating = threading.Thread(target=add_place)
    try:
        with read_by_another() as ends:
            migrating.start()
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '1s'")  # behind a plain ALTER it would fail
            for number in range(20):
                make_client(name=f"Client {number}")
                ends.wait(0.05)
            assert migrating.is_alive()
            assert "place" not in columns()
        migrating.join(30)
        assert "place" in columns()
        assert Client.objects.count() == 20
    finally:
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {TABLE} DROP COLUMN IF EXISTS place")


@ON_POSTGRESQL
def test_a_lock_that_is_never_free_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brief, "GIVES_UP_AFTER", 0)
    with read_by_another(), pytest.raises(Exception, match="lock timeout"), transaction.atomic():
        briefly(connection, lock_exclusively)
    assert lock_timeout_within_a_transaction() == lock_timeout()


def lock_exclusively() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {TABLE}")


def lock_timeout() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return str(cursor.fetchone()[0])


def lock_timeout_within_a_transaction() -> str:
    """What holds after a brief step, in the transaction around it."""
    with transaction.atomic():
        briefly(connection, lock_timeout)
        return lock_timeout()
