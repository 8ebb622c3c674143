"""The backend for PostgreSQL: instants come back as they were, dead connections are noticed."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest
from django.db import connection

from clients.models import Client
from tests.factories import make_client

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL"),
    pytest.mark.django_db,
]


@pytest.mark.parametrize(
    "instant",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2200, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2024, 2, 29, 12, 0, 0, 120_000, tzinfo=UTC),
        datetime(2024, 7, 1, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    ],
)
def test_an_instant_comes_back_as_utc(instant: datetime) -> None:
    client = make_client()
    Client.objects.filter(pk=client.pk).update(updated_at=instant)
    client.refresh_from_db()
    assert client.updated_at == instant
    assert client.updated_at.tzinfo is UTC


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_ended_is_not_used_again() -> None:
    connection.ensure_connection()
    assert connection.is_usable()
    assert connection.connection is not None
    with psycopg.connect(**_elsewhere(), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid]
        )
    assert not connection.is_usable()
    connection.close()
    assert not connection.is_usable()
    connection.ensure_connection()
    assert connection.is_usable()


def _elsewhere() -> dict[str, Any]:
    names = ("host", "port", "user", "password")
    parameters = connection.get_connection_params()
    return {name: parameters[name] for name in names if name in parameters} | {
        "dbname": "postgres"
    }
