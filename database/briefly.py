"""Short transactions of migrations, behind which nobody waits for long.

An ALTER waits for every transaction that uses its table, and everybody who comes after it waits
behind it. So it waits for a moment only, and is tried again later.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from django.db import OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.errors import LockNotAvailable
from psycopg.pq import TransactionStatus

T = TypeVar("T")

LOCK_MILLISECONDS = 200  # every writer may have to wait as long behind us
SECONDS_BETWEEN_ATTEMPTS = 1.0
GIVES_UP_AFTER = 3600  # seconds: a dump may take long


def briefly(connection: BaseDatabaseWrapper, *steps: Callable[[], T]) -> T:
    """Take steps in a transaction that waits only briefly for each lock, and retry until it works.

    Return what the last one returns. In a transaction it is a savepoint, and gives up its locks
    between the attempts all the same.
    """
    gives_up = time.monotonic() + GIVES_UP_AFTER
    while True:
        try:
            with transaction.atomic(connection.alias), _brief_locks(connection):
                return [step() for step in steps][-1]
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable) or time.monotonic() > gives_up:
                raise
        time.sleep(SECONDS_BETWEEN_ATTEMPTS)


@contextmanager
def _brief_locks(connection: BaseDatabaseWrapper) -> Iterator[None]:
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        before = cursor.fetchone()[0]
        with connection.execute_wrapper(partial(_with_brief_locks, connection)):
            yield
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [before])


def _with_brief_locks(
    connection: BaseDatabaseWrapper,
    execute: Callable[..., T],
    sql: str,
    params: object,
    many: bool,  # noqa: FBT001 - Django's
    context: object,
) -> T:
    """Limit a statement; before each one, because behind a pooler `lifted` lifts the limits so."""
    if connection.connection.info.transaction_status is not TransactionStatus.INERROR:
        connection.connection.execute(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}")
    return execute(sql, params, many, context)
