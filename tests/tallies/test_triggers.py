"""Whatever writes, the tallies are right when it is committed."""

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F

from billing.models import Bill
from projects.models import Project
from tallies.models import Tally
from tallies.rebuilding import differences, rebuild
from tallies.statements import UNCOUNTED
from tallies.triggers import install, make
from tallies.versions import list_version
from tests.support.counting import assert_right, counted, fold, tallied
from tests.support.factories import NINE, make_client, make_entry, make_project, make_user
from tests.support.racing import at_once
from timeentries.models import TimeEntry
from users.models import User

# Around the ends of days, months and years, in UTC.
STARTS = [
    datetime(2024, 1, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2024, 2, 1, tzinfo=UTC),
    datetime(2024, 2, 29, tzinfo=UTC),
    datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2024, 12, 31, 23, 30, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2200, 12, 30, tzinfo=UTC),
    NINE,
]


class Writer:
    """Whoever writes entries at random, the same way every time."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - the same every time
        self.users = [make_user(name) for name in ("a", "b", "c")]
        clients = [
            make_client(code, currency=code, default_hourly_rate=90, rounding="15 up")
            for code in ("EUR", "JPY")
        ]
        self.projects = [make_project(client.name, client=client) for client in clients]
        self.projects.append(make_project("No rate"))
        self.bill = Bill.objects.create(reference="1", selection={}, billed_at=NINE)

    def new(self) -> TimeEntry:
        start, billable = self.chance.choice(STARTS), self.chance.random() < 0.5
        return TimeEntry(
            user=self.chance.choice(self.users),
            project=self.chance.choice(self.projects),
            start_time=start,
            end_time=start + timedelta(seconds=self.chance.randrange(1, 90_000)),
            billable=billable,
        )

    def some(self) -> list[int]:
        ids = list(TimeEntry.objects.values_list("pk", flat=True))
        return self.chance.sample(ids, self.chance.randint(0, len(ids)))

    def change_one(self) -> None:
        for entry in TimeEntry.objects.filter(pk__in=self.some()[:1]):
            entry.start_time = self.chance.choice(STARTS)
            entry.end_time = entry.start_time + timedelta(hours=self.chance.randrange(1, 9))
            entry.user = self.chance.choice(self.users)
            entry.project = self.chance.choice(self.projects)
            entry.save()

    def bill_some(self) -> None:
        TimeEntry.objects.filter(pk__in=self.some()).update(bill=self.bill)
        assert_right()
        TimeEntry.objects.update(bill=None)  # else nothing could be written

    def start_timer(self) -> None:
        if not TimeEntry.objects.running().exists():
            start = self.chance.choice(STARTS)
            make_entry(self.users[0], self.projects[0], start, lasting=None)


def undo() -> None:
    with transaction.atomic():
        TimeEntry.objects.all().delete()
        transaction.set_rollback(True)


@pytest.mark.parametrize("seed", range(6))
def test_random_writes_are_counted(db: None, seed: int) -> None:
    writer = Writer(seed)
    chance, new, some = writer.chance, writer.new, writer.some
    users, projects = writer.users, writer.projects
    writes = [
        lambda: new().save(),
        lambda: TimeEntry.objects.bulk_create([new() for _ in range(chance.randrange(9))]),
        writer.change_one,
        lambda: TimeEntry.objects.filter(pk__in=some(), amount=None).update(
            billable=~F("billable")
        ),
        lambda: TimeEntry.objects.filter(pk__in=some()).update(project=chance.choice(projects)),
        lambda: TimeEntry.objects.filter(pk__in=some()[:2]).delete(),
        lambda: TimeEntry.objects.running().update(end_time=F("start_time") + timedelta(hours=1)),
        writer.bill_some,
        writer.start_timer,
        undo,
        fold,
    ]
    for _ in range(60):
        chance.choice(writes)()
        assert_right()
    assert tallied("entries") == counted()
    for user, project in zip(users, projects, strict=True):
        assert tallied("entries_of_user", user.pk) == counted(user=user)
        assert tallied("entries_of_project", project.pk) == counted(project=project)


@pytest.mark.django_db(transaction=True)
def test_racing_writers_of_one_project_are_all_counted() -> None:
    project, users = make_project(), [make_user(f"u{number}") for number in range(8)]

    def work(user: User) -> None:
        for number in range(10):
            entry = make_entry(user, project, NINE + timedelta(days=number * 9))
            if number % 3 == 0:
                entry.delete()
            if number % 4 == 0:
                fold_now()
            assert Tally.objects.filter(finished__lt=0, fresh=False).count() == 0

    def fold_now() -> None:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT tallies_fold()")

    at_once([partial(work, user) for user in users])
    assert_right()
    assert tallied("entries_of_project", project.pk)["finished"] == 8 * 6
    fold()
    assert_right()


@pytest.mark.django_db(transaction=True)
def test_a_reader_is_told_what_it_could_count(owner: User, project: Project) -> None:
    """In one snapshot, while others write and fold."""
    users = [owner, make_user("u1"), make_user("u2")]

    def write(user: User) -> None:
        for number in range(25):
            entry = make_entry(user, project, NINE + timedelta(days=number))
            if number % 3 == 0:
                entry.delete()
            if number % 5 == 0 and connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SELECT tallies_fold()")

    def read() -> None:
        # From the midst of a day on; over the midst of months; days only.
        ranges = [(0, 400), (3, 40), (1, 9)]
        for days in ranges * 10:
            start, before = (NINE + timedelta(days=day) for day in days)
            entries = TimeEntry.objects.filter(
                project=project, start_time__gte=start, start_time__lt=before
            )
            with transaction.atomic():
                if connection.vendor == "postgresql":
                    with connection.cursor() as cursor:
                        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                assert entries.exact_count() == entries.count()

    writers: list[Callable[[], None]] = [partial(write, user) for user in users]
    at_once([*writers, read, read])


@pytest.mark.django_db(transaction=True)
def test_no_writer_waits_for_another(owner: User, colleague: User, project: Project) -> None:
    """Two transactions that are open at once write entries of one project, in both orders."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time.")

    def work(first: User, second: User) -> None:
        with transaction.atomic():
            for user in (first, second) * 5:
                make_entry(user, project)

    at_once([partial(work, owner, colleague), partial(work, colleague, owner)] * 4)
    assert_right()
    assert tallied("entries_of_project", project.pk)["finished"] == 80


def test_who_writes_much_folds_it(owner: User, project: Project) -> None:
    """A day has a fresh row of each kind; so many are always folded."""
    days = [NINE + timedelta(days=number) for number in range(100)]
    TimeEntry.objects.bulk_create(
        TimeEntry(user=owner, project=project, start_time=day, end_time=day + timedelta(hours=1))
        for day in days
    )
    assert not Tally.objects.filter(fresh=True, kind__startswith="entries").exists()
    assert_right()
    assert tallied("entries") == counted()


def test_equal_entries_that_one_statement_moves_are_counted_each(
    owner: User, project: Project
) -> None:
    other = make_project("Other")
    for _ in range(3):
        make_entry(owner, project)
    TimeEntry.objects.update(project=other)
    assert_right()
    assert tallied("entries_of_project", other.pk)["finished"] == 3
    assert tallied("entries_of_project", project.pk) == counted(project=project)


def test_what_goes_with_its_project_is_counted(owner: User, project: Project) -> None:
    make_entry(owner, project)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM timeentries_timeentry WHERE project_id = %s", [project.pk])
    assert_right()
    assert tallied("entries_of_user", owner.pk) == counted(user=owner)


def test_triggers_that_a_migration_took_away_are_made_again(owner: User, project: Project) -> None:
    with connection.cursor() as cursor:
        on = " ON timeentries_timeentry" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER tallies_insert{on}")
    make_entry(owner, project)
    assert tallied("entries")["finished"] == 0
    install("default")
    assert tallied("entries")["finished"] == 1
    make_entry(owner, project)
    assert_right()


def test_a_second_installation_changes_nothing(owner: User, project: Project) -> None:
    make_entry(owner, project)
    before = list(Tally.objects.values())
    install("default")
    assert list(Tally.objects.values()) == before


def test_migrations_look_after_the_triggers(owner: User, project: Project) -> None:
    with connection.cursor() as cursor:
        on = " ON tasks_task" if connection.vendor == "postgresql" else ""
        name = "tallies_write" if connection.vendor == "postgresql" else "tallies_tasks_update"
        cursor.execute(f"DROP TRIGGER {name}{on}")
    before = list_version("tasks", owner)
    call_command("migrate", verbosity=0)
    install("default")
    assert list_version("tasks", owner) == before + 1


@pytest.mark.django_db(transaction=True)
def test_an_emptied_database_begins_at_nothing(owner: User, project: Project) -> None:
    make_entry(owner, project)
    call_command("flush", interactive=False, verbosity=0)
    assert_right()
    assert tallied("entries") == counted()


@pytest.mark.django_db(transaction=True)
def test_who_goes_back_to_an_older_release_can_come_again(owner: User, project: Project) -> None:
    for hour in range(3):
        make_entry(owner, project, NINE + timedelta(hours=hour))
    try:
        call_command("migrate", "tallies", "0001", verbosity=0)
        make_entry(owner, project, NINE + timedelta(days=40))  # which nobody counts
    finally:
        call_command("migrate", verbosity=0)
    assert_right()
    assert tallied("entries") == counted()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer.")
def test_nobody_waits_while_rows_are_counted(owner: User, project: Project) -> None:
    make_entry(owner, project)
    Tally.objects.filter(kind="entries").delete()
    written, counted_all = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            make_entry(owner, project, NINE + timedelta(hours=2))
            written.set()
            counted_all.wait(30)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    assert written.wait(30)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1s'")
    try:
        rebuild()  # beside a transaction that has written and not committed
    finally:
        counted_all.set()
        writer.join(30)
    assert_right()
    assert tallied("entries") == counted()
    connection.close()


def test_a_count_that_was_interrupted_is_made_up_for(owner: User, project: Project) -> None:
    make_entry(owner, project)
    with connection.cursor() as cursor:
        table = " ON timeentries_timeentry" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER tallies_insert{table}")
    make_entry(owner, project, NINE + timedelta(hours=2))
    make(connection)  # and the process ends
    assert differences() != []
    install("default")
    assert_right()
    assert not Tally.objects.filter(kind=UNCOUNTED).exists()
