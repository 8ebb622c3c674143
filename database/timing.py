"""Connections that add the time of their statements to that of the request (metrics/spent.py)."""

from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper

from metrics.spent import spent

T = TypeVar("T")
Settings = dict[str, object]


class Timed(BaseDatabaseWrapper):
    """Times statements and commits. A commit is where a slow disk or standby shows."""

    def __init__(self, settings_dict: Settings, alias: str = DEFAULT_DB_ALIAS) -> None:
        super().__init__(settings_dict, alias)
        self.execute_wrappers.append(_timed)

    def commit(self) -> None:
        """Commit."""
        started = perf_counter()
        try:
            super().commit()
        finally:
            spent.database += perf_counter() - started


def _timed(
    execute: Callable[..., T],
    sql: str,
    params: object,
    many: bool,  # noqa: FBT001 - Django's
    context: object,
) -> T:
    started = perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        spent.database += perf_counter() - started
        spent.statements += 1
