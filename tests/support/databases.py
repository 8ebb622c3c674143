"""A database of its own, for commands that run beside the tests, and a replica of theirs."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from urllib.parse import urlencode

import psycopg
import pytest
from django.conf import settings
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql
from psycopg.conninfo import make_conninfo

from database.replicas import REPLICA


@cache
def _another() -> BaseDatabaseWrapper:
    """The connection of prepared queries, which keep it."""
    return connection.copy()  # by the name that tests may use


@contextmanager
def replica_of_tests(patch: pytest.MonkeyPatch) -> Iterator[BaseDatabaseWrapper]:
    """Configure a replica: another connection to the same database."""
    patch.setitem(settings.DATABASES, REPLICA, connection.settings_dict)
    connections[REPLICA] = replica = _another()
    replica.settings_dict = connection.settings_dict
    try:
        yield replica
    finally:
        replica.close()
        del connections[REPLICA]


@contextmanager
def own_database(name: str) -> Iterator[dict[str, str]]:
    """Lend the settings of an empty database on the server of this leg; it is gone afterwards.

    On SQLite there are none: each copy of the tree has a database of its own.
    """
    if connection.vendor == "sqlite":
        yield {}
        return
    server = connection.settings_dict
    given = {name.lower(): server[name] for name in ("HOST", "PORT", "USER", "PASSWORD")}
    where = {name: str(value) for name, value in given.items() if value}
    database = f"{server['NAME']}_{name}"
    identifier = sql.Identifier(database)
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier)
    create = sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(identifier)
    address = make_conninfo(dbname="postgres", **where)
    with psycopg.connect(address, autocommit=True) as postgres:
        postgres.execute(drop)
        postgres.execute(create)
        try:
            yield {"DATABASE_URL": f"postgres:///{database}?{urlencode(where)}"}
        finally:
            postgres.execute(drop)
