from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from pytest_django import Settings

from projects.models import Project
from tests.webhooks.sending import SOON
from tests.webhooks.test_api import make_hook
from users.models import User
from webhooks import connections
from webhooks.models import Webhook
from webhooks.transport import Sender


def allow_this_machine(settings: Settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]


@pytest.fixture
def client(settings: Settings) -> Iterator[Sender]:
    """A client that may send to this machine."""
    allow_this_machine(settings)
    made = Sender()
    yield made
    made.close()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "ATTEMPT_SECONDS", SOON)


@pytest.fixture
def hook(owner: User, project: Project) -> Webhook:
    """The owner's, which sends all that happens after there was a project."""
    return make_hook(owner)
