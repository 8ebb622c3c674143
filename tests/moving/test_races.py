"""An import and others who write at the same time."""

from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest
from django.core.management.base import CommandError
from django.db import connection, connections, transaction

from clients.models import Client
from database.postgresql.limits import lifted
from moving import importing
from tests.moving.conftest import imported
from tests.moving.world import state
from tests.support.factories import make_client


def beside(call: Callable[[], object]) -> Thread:
    """A thread with a connection of its own, which has begun."""

    def run() -> None:
        try:
            call()
        finally:
            connections.close_all()

    thread = Thread(target=run)
    thread.start()
    return thread


def test_a_writer_waits_until_an_import_has_ended(export: Path) -> None:
    threads: list[Thread] = []

    def late() -> None:
        with lifted():  # an import takes longer than a request waits
            make_client("Late")

    def say(_: str) -> None:
        if not threads:
            threads.append(beside(late))
        threads[0].join(0.05)
        assert threads[0].is_alive()

    importing.import_from(export, say)
    threads[0].join(15)
    names = [row["name"] for row in state()["clients"]]
    assert names[-1] == "Late"
    assert len(names) == 3
    assert Client.objects.get(name="Late").pk == max(row["id"] for row in state()["clients"])


def test_an_import_waits_for_a_writer_and_is_refused(export: Path) -> None:
    written, ended = Event(), Event()

    def write() -> None:
        with transaction.atomic():
            make_client("Early")
            written.set()
            ended.wait(1)

    thread = beside(write)
    assert written.wait(15)
    with pytest.raises(CommandError, match="already contains clients, changes"):
        imported(export)
    ended.set()
    thread.join(15)
    assert [row["name"] for row in state()["clients"]] == ["Early"]
    assert connection.in_atomic_block is False
