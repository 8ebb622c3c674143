"""Sums begin behind what was folded, and miss nothing that came late."""

import time
from collections.abc import Iterator
from functools import partial

import pytest
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from projects.models import Project
from tallies.models import Fold, Tally
from tallies.versions import list_version
from tests.support.counting import assert_right, fold
from tests.support.factories import make_entry
from tests.support.racing import at_once
from timeentries.models import TimeEntry
from users.models import User

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite folds at once."),
]

READ = """
    SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid)) FROM pg_index
    WHERE indrelid IN ('tallies_tally'::regclass, 'tallies_fold'::regclass)
"""
ROUNDS, WRITES = 8, 25
SHOWN = ["time_entries", "projects", "users"]


@pytest.fixture
def other() -> Iterator[BaseDatabaseWrapper]:
    """Lend a second connection."""
    made = connection.copy("other")
    try:
        yield made
    finally:
        made.close()


def entries_read(administrator: User) -> int:
    """Return how many entries of indexes PostgreSQL looks at for a list's version."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(READ)
        (before,) = cursor.fetchone()
        list_version(SHOWN, administrator)
        cursor.execute(READ)
        (after,) = cursor.fetchone()
    return int(after - before)


def fold_all() -> None:
    """Fold once all that writes now, in other databases of the server too, has ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        (now,) = cursor.fetchone()
    give_up = time.monotonic() + 60
    while not Fold.objects.filter(xid__gt=now).exists():
        assert time.monotonic() < give_up
        fold()


def test_a_backup_leaves_versions_and_totals_fast(
    administrator: User, owner: User, project: Project, other: BaseDatabaseWrapper
) -> None:
    make_entry(owner, project)
    with other.cursor() as backup:
        backup.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        backup.execute("SELECT count(*) FROM tallies_tally")
        fold_all()
        before = entries_read(administrator)
        for _ in range(ROUNDS):
            for _ in range(WRITES):
                make_entry(owner, project)
            fold()
        fold_all()
        assert entries_read(administrator) < before + WRITES
        backup.execute("SELECT count(*) FROM timeentries_timeentry")
        assert backup.fetchone() == (1,)
        backup.execute("ROLLBACK")
    assert TimeEntry.objects.exact_count() == ROUNDS * WRITES + 1
    assert_right()


def test_what_is_committed_after_a_fold_is_summed(
    administrator: User, owner: User, project: Project, other: BaseDatabaseWrapper
) -> None:
    version = partial(list_version, SHOWN, administrator)
    with transaction.atomic():
        make_entry(owner, project)

        def write_and_fold() -> None:
            make_entry(owner, project)
            fold_what_is_there()

        at_once([write_and_fold])
        before = version()
        assert TimeEntry.objects.exact_count() == 2
    with other.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tallies_tally WHERE fresh")
        assert cursor.fetchone() == (3,)
    assert TimeEntry.objects.exact_count() == 2
    assert version() == before
    fold()
    assert TimeEntry.objects.exact_count() == 2
    assert version() == before
    assert_right()


def fold_what_is_there() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tallies_fold()")


def test_a_dump_that_another_server_restores_is_summed(
    administrator: User, owner: User, project: Project
) -> None:
    """The other server has carried out fewer transactions than the last fold says."""
    make_entry(owner, project)
    fold()
    Fold.objects.create(xid=2**40)
    before = list_version(SHOWN, administrator)
    make_entry(owner, project)
    assert list_version(SHOWN, administrator) == before + 1
    assert TimeEntry.objects.exact_count() == 2
    fold()
    assert TimeEntry.objects.exact_count() == 2
    assert Tally.objects.filter(fresh=True).count() == 0
    assert_right()


def test_one_fold_is_kept(owner: User, project: Project) -> None:
    for _ in range(3):
        make_entry(owner, project)
        fold()
    assert Fold.objects.count() == 1
