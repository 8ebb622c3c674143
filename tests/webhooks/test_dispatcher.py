"""Who takes a turn when there are more receivers than threads."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.factories import make_client
from tests.webhooks.test_api import make_hook
from users.models import User
from webhooks.dispatcher import Dispatcher
from webhooks.models import Queue, Webhook
from webhooks.transport import Result, Sender

SOON = 20  # seconds, on a busy machine; without a bound it would be for ever
SILENT = "https://silent.example.com/"


class Receivers(Sender):
    """A client whose receivers take what they are sent at once, but for some that are silent."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.silent = 0
        self.taken = threading.Semaphore(0)

    def post(self, url: str, body: bytes, headers: Any) -> Result:
        if url == SILENT:
            with self.lock:
                self.silent += 1
            self.over.wait(60)
            return Result(10.0, 204)
        self.taken.release()
        return Result(0.01, 204)

    def close(self) -> None:
        """There is nothing to close."""


@contextmanager
def sending(client: Receivers, threads: int) -> Iterator[None]:
    dispatcher = Dispatcher(threads, client)
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    try:
        yield
    finally:
        dispatcher.stop()
        client.over.set()
        thread.join(60)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("threads", "of_one"), [(8, 4), (3, 2)])
def test_the_silent_receivers_of_one_user_keep_nobody_else_waiting(
    owner: User, colleague: User, threads: int, of_one: int
) -> None:
    for _ in range(10):
        make_hook(owner)
    Webhook.objects.update(url=SILENT)
    make_hook(colleague)
    make_hook(colleague)
    make_client()
    client = Receivers()
    with sending(client, threads):
        for _ in range(2):
            assert client.taken.acquire(timeout=SOON)
        assert client.silent <= of_one
        # The other one's are still sent at once.
        make_client("Another")
        for _ in range(2):
            assert client.taken.acquire(timeout=SOON)
        assert client.silent <= of_one
    assert not Queue.objects.filter(leased_until__isnull=False).exists()
