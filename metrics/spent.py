"""How long this thread has waited for the database and for Redis since it began."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


class Spent(threading.local):
    """Seconds; a request's are the difference between two looks."""

    database = 0.0
    statements = 0
    redis = 0.0


spent = Spent()


@contextmanager
def waiting_for_redis() -> Iterator[None]:
    """Count the seconds of the block."""
    started = perf_counter()
    try:
        yield
    finally:
        spent.redis += perf_counter() - started
