"""A database for a service of its own, on the server of the leg."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from django.db import connection

from tests.faults.harness import Database
from tests.support.servers import DATABASE


@contextmanager
def database_of_this_leg(suffix: str) -> Iterator[Database]:
    """Lend an empty database: a file of the service's, or one on the PostgreSQL that is there."""
    if connection.vendor == "sqlite":
        yield Database("SQLite", {})
        return
    name = f"{DATABASE}_wire_{suffix}"
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url, dbname="postgres", autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
        server.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield Database(
                "PostgreSQL", {"DATABASE_URL": urlsplit(url)._replace(path=f"/{name}").geturl()}
            )
        finally:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
