"""Recount the tallies: find and fix differences."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.utils import CursorWrapper

from tallies.models import period
from tallies.postgresql import FOLD_LOCK
from tallies.registered import counted
from tallies.statements import (
    ADD_UP,
    ADD_WRITES_TO_ALL,
    COLUMNS,
    COUNTED,
    DATE_OF_DAY,
    MONTH,
    PERIOD,
    counts_of,
    keys_of,
    period_of,
)


@dataclass(frozen=True)
class Difference:
    """How many more there are of a kind and a key, in a month or a day, than the tallies say.

    Amounts are in the unit of `AmountField`.
    """

    kind: str
    key: int
    currency: str
    month: int
    day: int
    finished: int
    running: int
    seconds: int
    billable_seconds: int
    rounded_seconds: int
    priced: int
    amount: int
    billed: int

    def __str__(self) -> str:
        counts = ", ".join(f"{column} {getattr(self, column):+}" for column in COUNTED)
        place = " ".join(filter(None, (self.kind, str(self.key), self.currency)))
        return f"{place}, {period(self.month, self.day)}: {counts}"


def differences(*, using: str = DEFAULT_DB_ALIAS) -> list[Difference]:
    """Return the differences, in one snapshot; there are none unless triggers were disabled."""
    with _taking_its_time(using) as cursor:
        cursor.execute(_differences(connections[using].vendor))
        return [Difference(*row) for row in cursor.fetchall()]


def rebuild(*, using: str = DEFAULT_DB_ALIAS) -> None:
    """Fix the tallies; nobody waits.

    A difference is that of one snapshot. What is written after it adds to the tallies by itself,
    and so adding the difference later is right too. Only a fold must not come in between.
    """
    vendor = connections[using].vendor
    with _taking_its_time(using) as cursor:
        if vendor == "postgresql":
            cursor.execute(f"SELECT pg_advisory_xact_lock({FOLD_LOCK})")
        cursor.execute(
            f"INSERT INTO tallies_tally ({COLUMNS})"
            f" SELECT *, 0, false FROM ({_differences(vendor)}) AS missing"
            f" WHERE true ORDER BY day, month, kind {ADD_UP}"
        )
        if cursor.rowcount:
            cursor.execute(ADD_WRITES_TO_ALL, [1])
        if vendor == "postgresql":
            cursor.execute("SELECT tallies_fold()")  # what nobody could fold in the meantime


@contextmanager
def _taking_its_time(using: str) -> Iterator[CursorWrapper]:
    connection = connections[using]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL statement_timeout = 0")
        yield cursor


def _differences(vendor: str) -> str:
    """Return SQL for the differences between the entries and the tallies, per day and month.

    A fresh row counts for both its day and its month, as an entry does.
    """
    columns, periods = ", ".join(COUNTED), ", ".join(PERIOD)
    negated = ", ".join(f"-{column}" for column in COUNTED)
    sums = [f"SUM({column})" for column in COUNTED]
    kinds = ", ".join(f"'{kind}'" for kind, *_ in keys_of())
    month = MONTH[vendor].format(DATE_OF_DAY[vendor])
    tallies = f"{negated} FROM tallies_tally WHERE kind IN ({kinds})"
    parts = [*_by_day(vendor), f"SELECT kind, key, currency, day, {tallies} AND fresh"]
    # The entries by day and by month (day 0), plus the fresh rows negated for both, plus the
    # folded rows negated. Whatever does not add up to zero is a difference.
    return (
        f"WITH by_day (kind, key, currency, day, {columns}) AS ({' UNION ALL '.join(parts)})"
        f" SELECT {periods}, {', '.join(sums)} FROM ("
        f"SELECT kind, key, currency, {month} AS month, day, {columns} FROM by_day UNION ALL"
        f" SELECT kind, key, currency, {month}, 0, {columns} FROM by_day UNION ALL"
        f" SELECT {periods}, {tallies} AND NOT fresh"
        f") AS counted GROUP BY {periods} HAVING {' OR '.join(f'{total} <> 0' for total in sums)}"
    )


def _by_day(vendor: str) -> list[str]:
    # A million entries: a month is found out for each of their days, not for each of them.
    day = period_of(vendor)[1]
    sums = ", ".join(f"SUM({count})" for count in counts_of())
    return [
        f"SELECT '{kind}', {key}, {currency}, {day}, {sums}"
        f" FROM {counted().table} GROUP BY 1, 2, 3, 4"
        for kind, key, currency in keys_of()
    ]
