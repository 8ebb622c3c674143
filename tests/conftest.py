"""What every test stands on: a fixed cast, and rate-limit counters of its own."""

import time
import uuid
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from django.db import connection
from django.test import TransactionTestCase, override_settings
from pytest_django import Settings
from whitenoise.middleware import WhiteNoiseMiddleware

from apitokens import usage
from projects.models import Project
from tests.support.clock import Clock
from tests.support.emptying import empty_tables
from tests.support.factories import make_administrator, make_project, make_user
from users.models import User
from webhooks import resolving

TESTS = Path(__file__).parent
# Folders whose tests start programs of their own.
SLOW = ("browser", "faults", "operations", "wire")
# Fixtures that are another thing with PostgreSQL and Redis.
OF_A_LEG = frozenset({"db", "transactional_db", "live_server", "counters", "database", "started"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to `make test-all` what takes longer than a developer waits, or would be the same."""
    for item in items:
        if item.path.relative_to(TESTS).parts[0] in SLOW:
            item.add_marker(pytest.mark.slow)
        fixtures = getattr(item, "fixturenames", ())
        if not (item.get_closest_marker("django_db") or OF_A_LEG.intersection(fixtures)):
            item.add_marker(pytest.mark.same_on_both)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """No commit waits for the disk: the tests' databases need not survive a power cut."""
    options = connection.settings_dict["OPTIONS"]
    if connection.vendor == "sqlite":
        options["init_command"] = options["init_command"].replace("=FULL", "=OFF")
    else:
        options["options"] += " -c synchronous_commit=off"


@pytest.fixture(scope="session", autouse=True)
def _tables_are_emptied_by_us() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: empty_tables())
        yield


@pytest.fixture(scope="session", autouse=True)
def _static_files_are_found_once() -> Iterator[None]:
    """Each client of a test has a middleware of its own, which would look at 500 files."""
    find = WhiteNoiseMiddleware.add_files_from_finders
    found: dict[str, object] = {}

    def find_once(middleware: WhiteNoiseMiddleware) -> None:
        if not found:
            find(middleware)
            found.update(middleware.files)
        middleware.files = found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", find_once)
        yield


@pytest.fixture(autouse=True)
def _own_rate_limit_counters(settings: Settings) -> None:
    """Tests in parallel share one Redis and have tokens of the same ids."""
    settings.RATELIMIT_CACHE_PREFIX = f"test:{uuid.uuid4()}:"


@pytest.fixture(scope="session", autouse=True)
def _fast_passwords() -> Iterator[None]:
    """The real hasher takes 0.4 s for each user that a test makes."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(autouse=True)
def _usage_is_written_when_a_test_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute later the tokens of a test, and its database, may be gone."""
    monkeypatch.setattr(usage, "buffer", usage.UsageBuffer(seconds=None))


@pytest.fixture(autouse=True)
def _example_hosts_are_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """Webhooks are sent to public hosts only, and the tests ask no name server."""
    ask, public = resolving._ask, ip_address("8.8.4.4")  # noqa: SLF001 - all that asks the network
    monkeypatch.setattr(
        resolving, "_ask", lambda name: [public] if name.endswith(".example.com") else ask(name)
    )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time as the limits know it, frozen in January 2024: no window ends during a test."""
    frozen = Clock(1_705_312_800.25)
    monkeypatch.setattr(time, "time", frozen)
    return frozen


@pytest.fixture
def owner(db: None) -> User:
    """The user whose entries a test is about."""
    return make_user("olga")


@pytest.fixture
def colleague(db: None) -> User:
    """Another user, as ordinary as the owner."""
    return make_user("carl")


@pytest.fixture
def administrator(db: None) -> User:
    """A superuser."""
    return make_administrator("ada")


@pytest.fixture
def project(db: None) -> Project:
    """An active project without a client."""
    return make_project()
