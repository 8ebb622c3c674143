"""The service as it runs in production, started once: granian, and requests byte by byte."""

from collections.abc import Iterator

import pytest

from tests.faults.harness import Service, serving
from tests.wire.database import database_of_this_leg
from tests.wire.line import Line


@pytest.fixture(scope="session")
def service(worker_id: str) -> Iterator[Service]:
    """The service, with a user, administrators, tokens and a project."""
    with database_of_this_leg(worker_id) as database, serving(database) as service:
        yield service


@pytest.fixture(scope="session")
def port_behind_tls(service: Service) -> int:
    """Another server of it, which is reached over https through a proxy on this machine."""
    return service.add(BASE_URL="https://time.example", TRUSTED_PROXIES="127.0.0.1")


@pytest.fixture
def line(service: Service) -> Iterator[Line]:
    """A connection to it."""
    with Line(service.ports[0], service.token) as line:
        yield line


@pytest.fixture
def administrators_line(service: Service) -> Iterator[Line]:
    """A connection to it with a token that may do everything."""
    with Line(service.ports[0], service.administrators[0]) as line:
        yield line
