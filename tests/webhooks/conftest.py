from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from pytest_django import Settings

from tests.webhooks.sending import SOON
from webhooks import connections
from webhooks.transport import Sender


@pytest.fixture
def client(settings: Settings) -> Iterator[Sender]:
    """A client that may send to this machine."""
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    made = Sender()
    yield made
    made.close()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "ATTEMPT_SECONDS", SOON)
