"""No write gets in after the commit that closed the books."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from pytest_django import Settings

from books.models import Books, UserBound
from projects.models import Project
from resources.locks import lock
from tests.support.factories import (
    NINE,
    api_as,
    close_books,
    make_administrator,
    make_entry,
    make_project,
    make_user,
)
from tests.support.racing import at_once
from timeentries.models import TimeEntry
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)
THROUGH = "2024-01-15"
URL = "/api/v1/time-entries"
postgresql = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has one writer at a time"
)


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def project() -> Project:
    return make_project()


def state() -> list[tuple[int, str]]:
    return list(TimeEntry.objects.order_by("pk").values_list("pk", "notes"))


class Writers:
    """Several who do the same until the books are closed."""

    def __init__(self, owner: User, project: Project) -> None:
        self.apis = [api_as(owner, "write:time_entries") for _ in range(6)]
        self.hour = {
            "project_id": project.pk,
            "start_time": NINE.isoformat(),
            "end_time": (NINE + timedelta(hours=1)).isoformat(),
        }
        self.rows = [make_entry(owner, project).pk for _ in range(200)]

    def post(self, api: Any, number: int) -> Any:
        return api.post(URL, self.hour)

    def patch(self, api: Any, number: int) -> Any:
        return api.patch(f"{URL}/{self.rows[0]}", {"notes": f"{number}"})

    def delete(self, api: Any, number: int) -> Any:
        return api.delete(f"{URL}/{self.rows.pop()}")

    def bulk(self, api: Any, number: int) -> Any:
        operations = [{"op": "create", "data": self.hour}] * 3
        return api.post(f"{URL}/bulk", {"operations": operations, "mode": "partial"})

    def write_until_closed(self, way: str, api: Any) -> int:
        """Return how often something was written."""
        for number in range(1000):
            answer = getattr(self, way)(api, number)
            results = answer.json().get("results", ())
            if 409 in {answer.status_code, *(result["status"] for result in results)}:
                return number
            time.sleep(0.005)  # SQLite serves writers at random: let the closing in
        return -1


@pytest.mark.parametrize("way", ["post", "patch", "delete", "bulk"])
def test_no_write_gets_in_once_the_closing_has_returned(
    settings: Settings, owner: User, project: Project, way: str
) -> None:
    settings.RATE_LIMIT_PER_MINUTE = settings.RATE_LIMIT_PER_HOUR = 10_000
    writers, closer = Writers(owner, project), api_as(make_administrator(), "*")

    before = state()

    def close() -> list[tuple[int, str]]:
        while state() == before:
            time.sleep(0.001)
        answer = closer.put("/api/v1/books", {"closed_through": THROUGH})
        assert answer.status_code == 200, answer.content
        return state()

    write = partial(writers.write_until_closed, way)
    calls: list[Callable[[], Any]] = [close, *(partial(write, api) for api in writers.apis)]
    at_the_closing, *numbers = at_once(calls)
    assert -1 not in numbers
    assert state() == at_the_closing != before


@postgresql
def test_closing_waits_for_who_has_written(owner: User, project: Project) -> None:
    with transaction.atomic():
        make_entry(owner, project)
        assert at_once([partial(_closing, "100ms")]) == ["waits"]
    assert at_once([partial(_closing, "5s")]) == ["closed"]
    assert TimeEntry.objects.count() == 1


@postgresql
def test_who_writes_waits_for_the_closing_and_is_refused(owner: User, project: Project) -> None:
    def close_slowly() -> str:
        with transaction.atomic():
            close_books(THROUGH)
            time.sleep(0.5)
        return "closed"

    def write() -> str:
        time.sleep(0.2)
        try:
            make_entry(owner, project)
        except IntegrityError:
            return "refused"
        return "written"

    assert at_once([close_slowly, write]) == ["closed", "refused"]


@postgresql
@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_an_older_snapshot_does_not_get_in(owner: User, project: Project, level: str) -> None:
    Books.objects.create(pk=Books.ONLY)  # the row that migrations make

    def write() -> None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
                cursor.execute("SELECT 1")
            at_once([partial(close_books, THROUGH)])
            make_entry(owner, project)

    with pytest.raises(DatabaseError):
        write()
    assert not TimeEntry.objects.exists()
    close_books(None)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        make_entry(owner, project)


@postgresql
def test_who_holds_what_the_closing_waits_for_gets_through(owner: User, project: Project) -> None:
    """One has written, the closing waits for that, another waits behind it, the first for him."""
    other = make_project("Other")
    has_written, has_locked, is_closing = Event(), Event(), Event()

    def write_and_lock() -> None:
        with transaction.atomic():
            make_entry(owner, project)
            has_written.set()
            is_closing.wait(5)
            time.sleep(0.3)
            lock(Project, pk=other.pk)

    def lock_and_write() -> None:
        with transaction.atomic():
            lock(Project, pk=other.pk)
            has_locked.set()
            is_closing.wait(5)
            time.sleep(0.1)
            make_entry(owner, project)

    def close() -> None:
        has_written.wait(5)
        has_locked.wait(5)
        is_closing.set()
        close_books(THROUGH)

    at_once([write_and_lock, lock_and_write, close])
    assert TimeEntry.objects.count() == 2
    assert str(Books.current()) == f"Closed through {THROUGH}"


@postgresql
def test_writers_do_not_wait_for_each_other(owner: User, project: Project) -> None:
    def write_beside() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
        return make_entry(owner, project).pk

    with transaction.atomic():
        make_entry(owner, project)
        assert at_once([write_beside] * 3)
    assert TimeEntry.objects.count() == 4


def test_who_moves_while_the_books_are_closed_is_not_missed(owner: User) -> None:
    """One after the other, in either order: closed in the zone before, or in the zone after."""
    zones = ["Pacific/Honolulu", "Pacific/Auckland"]

    def move() -> None:
        for number in range(20):
            User.objects.filter(pk=owner.pk).update(time_zone=zones[number % 2])

    def close() -> None:
        for number in range(10):
            close_books(f"2024-01-{10 + number}")

    def join() -> None:
        for number in range(10):
            make_user(f"new {number}", time_zone="Pacific/Auckland")

    at_once([move, close, join])
    bounds = dict(UserBound.objects.values_list("pk", "closed_before"))
    users = {user.pk: user.time_zone for user in User.objects.all()}
    ends = {
        "Pacific/Auckland": datetime(2024, 1, 19, 11, tzinfo=UTC),
        "Pacific/Honolulu": datetime(2024, 1, 20, 10, tzinfo=UTC),
    }
    assert bounds.keys() == users.keys()
    assert all(bounds[pk] >= ends[zone] for pk, zone in users.items())
    assert max(bounds.values()) <= ends["Pacific/Honolulu"]


def test_an_emptied_database_is_open(owner: User, project: Project) -> None:
    make_entry(owner, project)
    close_books(THROUGH)
    call_command("flush", interactive=False, verbosity=0)
    make_entry(make_user(), make_project())
    close_books(THROUGH)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_entry(make_user("new"), make_project("new"))


def _closing(patience: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{patience}'")
    try:
        close_books(THROUGH)
    except OperationalError:
        return "waits"
    return "closed"
