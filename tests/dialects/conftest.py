"""These tests go with the package: without it, there is nothing here to collect."""

from importlib.util import find_spec

import pytest

from clients.models import Client
from projects.models import Project
from tests.support.factories import make_client, make_project, make_user
from users.models import User

collect_ignore_glob = [] if find_spec("timetracker.dialects") else ["test_*.py"]

ROME = "Europe/Rome"


@pytest.fixture
def roman(db: None) -> User:
    """Somebody two hours ahead of UTC in summer."""
    return make_user("olga", time_zone=ROME, first_name="Olga", last_name="Rossi")


@pytest.fixture
def customer(db: None) -> Client:
    """A customer."""
    return make_client()


@pytest.fixture
def site(customer: Client) -> Project:
    """A project of the customer."""
    return make_project(client=customer)
