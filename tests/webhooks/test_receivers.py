"""The receivers of docs/webhooks.md, run as their readers run them, against the real sender."""

import os
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from queue import Queue as Lines
from time import sleep, time

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from tests.support.factories import make_client
from tests.support.servers import ROOT, free_port
from tests.webhooks.test_api import make_hook
from users.models import User
from webhooks.dispatcher import Dispatcher
from webhooks.models import Delivery, Webhook
from webhooks.signatures import signed_headers

EXAMPLES = ROOT / "docs/examples"
RECEIVERS = {
    "python": [sys.executable, str(EXAMPLES / "receive_webhooks.py")],
    "javascript": [shutil.which("node") or "", str(EXAMPLES / "receive_webhooks.mjs")],
}
SECONDS = 60


@contextmanager
def receiving(command: list[str], port: int, secret: str) -> Iterator[Lines[str]]:
    """Run a receiver; give the lines that it prints."""
    environment = {**os.environ, "WEBHOOK_SECRET": secret}
    lines: Lines[str] = Lines()
    with subprocess.Popen(  # noqa: S603 - our own
        [*command, str(port)], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        reader = threading.Thread(target=read, args=(process, lines))
        reader.start()
        try:
            yield lines
        finally:
            process.kill()
            reader.join(SECONDS)


def read(process: subprocess.Popen[str], lines: Lines[str]) -> None:
    for line in process.stdout or ():
        lines.put(line)


@contextmanager
def sending() -> Iterator[None]:
    """Run the sender in a thread."""
    dispatcher = Dispatcher(threads=2)
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    try:
        yield
    finally:
        dispatcher.stop()
        thread.join(SECONDS)


def post(port: int, body: bytes, headers: dict[str, str]) -> int:
    """The status of a request, sent until the receiver listens."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", body, headers)
    ends = time() + SECONDS
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
                status: int = response.status
                return status
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            assert time() < ends, "The receiver does not listen."
            sleep(0.1)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", RECEIVERS)
def test_a_receiver_of_the_documentation_takes_what_is_genuine(
    owner: User, settings: Settings, name: str
) -> None:
    command = RECEIVERS[name]
    if not command[0]:
        pytest.skip("no node")
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    hook, port = make_hook(owner), free_port()
    Webhook.objects.update(url=f"http://127.0.0.1:{port}/")
    (secret,) = hook.secrets_at(timezone.now())
    with receiving(command, port, secret) as lines:
        now = int(time())
        body = b'{"type": "forged", "data": {}}'
        good = signed_headers("msg_1", now, body, [secret])
        assert post(port, body, good | {"webhook-signature": "v1,AAAA"}) == 401
        assert post(port, body, signed_headers("msg_1", now - 600, body, [secret])) == 401
        assert post(port, body + b" ", good) == 401
        with sending():
            for number in range(5):
                make_client(f"Client {number}")
            received = [lines.get(timeout=SECONDS) for _ in range(5)]
        assert [line.split()[0] for line in received] == ["client.created"] * 5
        delivery = Delivery.objects.order_by("seq").first()
        assert delivery is not None
        both = ["whsec_" + "A" * 40, secret]
        again = signed_headers(delivery.message_id, int(time()), body, both)
        assert post(port, body, again) == 204  # a repeat is taken, and dropped
    assert lines.empty()
    assert {*Delivery.objects.values_list("state", flat=True)} == {"delivered"}
    connections.close_all()
