"""How long a statement, a lock and an idle transaction may take, for requests and for commands.

A connection of its own gets the limits as it starts (the settings). A pooler in front refuses
that, and what one client sets would stay for the next: then they are settings of the role, and
are lifted for one transaction at a time.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.pq import TransactionStatus

from database.url import READABLE

T = TypeVar("T")


@contextmanager
def lifted(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Let statements take their time: a migration may, a request may not."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        yield
    elif connection.settings_dict.get("POOLED"):
        with connection.execute_wrapper(partial(_lift_in_transaction, connection)):
            yield
    else:
        _set(connection, "SET {} = 0")
        try:
            yield
        finally:
            _set(connection, "RESET {}")


def limit_role(using: str = DEFAULT_DB_ALIAS) -> None:
    """Make the limits settings of the role, for every later connection to this database."""
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        database = connection.ops.quote_name(cursor.fetchone()[0])
        for name, value in {**READABLE, **settings.POSTGRESQL_LIMITS}.items():
            cursor.execute(f"ALTER ROLE SESSION_USER IN DATABASE {database} SET {name} = {value}")


def _set(connection: BaseDatabaseWrapper, statement: str) -> None:
    with connection.cursor() as cursor:
        for name in settings.POSTGRESQL_LIMITS:
            cursor.execute(statement.format(name))


def _lift_in_transaction(
    connection: BaseDatabaseWrapper,
    execute: Callable[..., T],
    sql: str,
    params: object,
    many: bool,  # noqa: FBT001 - Django's
    context: object,
) -> T:
    """Lift the limits of the transaction that a statement is part of.

    Before each one, since rolling back to a savepoint brings them back. A statement outside a
    transaction has nothing that would end with it, and keeps the limits.
    """
    status = connection.connection.info.transaction_status
    if connection.in_atomic_block and status is not TransactionStatus.INERROR:
        connection.connection.execute(
            "SELECT "
            + ", ".join(f"set_config('{name}', '0', true)" for name in settings.POSTGRESQL_LIMITS)
        )
    return execute(sql, params, many, context)
