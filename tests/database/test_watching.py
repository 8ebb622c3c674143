"""A server that has stopped answering ends no statement; we do.

A real one that hangs is in tests/operations/failover.py.
"""

import threading
import time
from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection, transaction

from api.exceptions import is_unavailable
from database.postgresql import commits, watching
from database.url import served

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="about a server")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(commits.Connection, "serves", True)
    monkeypatch.setattr(watching, "PATIENT_FOR", 0.2)
    yield
    connection.close()


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_a_statement_ends_when_its_server_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "answers", lambda server: False)
    started = time.monotonic()
    with pytest.raises(OperationalError) as caught, transaction.atomic():
        execute("SELECT pg_sleep(20)")
    assert time.monotonic() - started < 10
    assert is_unavailable(caught.value)
    connection.close_if_unusable_or_obsolete()  # as each request begins
    execute("SELECT 1")


@pytest.mark.django_db(transaction=True)
def test_idle_connections_to_it_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next statements on them would wait as long, one after another."""
    silent = threading.Event()
    usable: list[bool] = []
    monkeypatch.setattr(watching, "answers", lambda server: not silent.is_set())

    def keep() -> None:
        execute("SELECT 1")
        kept.set()
        ended.wait(20)
        usable.append(connection.is_usable())
        connection.close()

    kept, ended = threading.Event(), threading.Event()
    thread = threading.Thread(target=keep)
    thread.start()
    kept.wait(20)
    silent.set()
    with pytest.raises(OperationalError):
        execute("SELECT pg_sleep(20)")
    ended.set()
    thread.join(20)
    assert usable == [False]


@pytest.mark.django_db(transaction=True)
def test_a_slow_statement_of_a_server_that_answers_goes_on() -> None:
    execute("SELECT pg_sleep(1.5)")


def test_a_host_that_is_away_is_noticed_by_the_kernel() -> None:
    options = served({}, {}, pooled=False)["OPTIONS"]
    idle, interval, count = (
        options[f"keepalives_{name}"] for name in ("idle", "interval", "count")
    )
    assert idle + interval * count <= 5
    assert (
        served({"OPTIONS": {"keepalives_idle": 60}}, {}, pooled=False)["OPTIONS"][
            "keepalives_idle"
        ]
        == 60
    )
