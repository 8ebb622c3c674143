"""What an hour of somebody's work on a project costs on a day."""

import json
from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from rates.models import PLACES

# Raw SQL, because every finished entry asks for it. NULL: the rates of everybody, or of no
# project and no client.
RATES = """
    SELECT id, user_id, client_id, project_id, hourly_rate, valid_from FROM rates_rate
    WHERE project_id {projects} AND (user_id IS NULL OR user_id {users})
        OR client_id {clients} AND (user_id IS NULL OR user_id {users})
        OR project_id IS NULL AND client_id IS NULL AND user_id {users}
"""
AMONG = {
    "postgresql": "= ANY(%({0})s::bigint[])",
    "sqlite": "IN (SELECT value FROM json_each(%({0})s))",
}
STATEMENTS = {
    vendor: RATES.format(**{name: among.format(name) for name in ("users", "clients", "projects")})
    for vendor, among in AMONG.items()
}


class Work(NamedTuple):
    """Whose work it is, for what, and on which local day of that user it begins."""

    user_id: int
    client_id: int | None
    project_id: int
    day: date


class Found(NamedTuple):
    """A rate as it is stored."""

    pk: int
    user_id: int | None
    client_id: int | None
    project_id: int | None
    hourly_rate: Decimal | None
    valid_from: date

    @property
    def place(self) -> tuple[str, ...]:
        """The names of what the rate is for: `("user", "project")`."""
        given = {"user": self.user_id, "client": self.client_id, "project": self.project_id}
        return tuple(name for name, pk in given.items() if pk is not None)

    def is_for(self, work: Work) -> bool:
        """Return whether the rate is for some work, whatever the day."""
        return all(
            mine in (None, its)
            for mine, its in (
                (self.user_id, work.user_id),
                (self.client_id, work.client_id),
                (self.project_id, work.project_id),
            )
        )


def rates_for(works: Collection[Work]) -> list[Found]:
    """Return every rate that may be one of some work, in one query."""
    given = {
        "users": [*{work.user_id for work in works}],
        "clients": [*{work.client_id for work in works if work.client_id}],
        "projects": [*{work.project_id for work in works}],
    }
    is_json = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute(
            STATEMENTS[connection.vendor],
            {name: json.dumps(ids) if is_json else ids for name, ids in given.items()},
        )
        return [_found(row) for row in cursor.fetchall()]


def _found(row: tuple[object, ...]) -> Found:
    """Return a row as both databases have it: SQLite keeps days as text, decimals as numbers."""
    pk, user_id, client_id, project_id, rate, first = row
    day = first if isinstance(first, date) else date.fromisoformat(str(first))
    return Found(pk, user_id, client_id, project_id, _decimal(rate), day)  # type: ignore[arg-type] # as selected


def _decimal(rate: object) -> Decimal | None:
    return None if rate is None else Decimal(str(rate))


def in_order(rates: Iterable[Found], work: Work) -> list[Found]:
    """Return the rates of some work, the most specific place first, in it the newest first."""
    found = [rate for rate in rates if rate.is_for(work)]
    return sorted(found, key=lambda rate: (PLACES.index(rate.place), -rate.valid_from.toordinal()))


def valid(rates: Iterable[Found], work: Work) -> Found | None:
    """Return the rate of some work: of the most specific place that has one on its day."""
    passed: set[tuple[str, ...]] = set()
    for rate in in_order(rates, work):
        if rate.place in passed or rate.valid_from > work.day:
            continue
        if rate.hourly_rate is not None:
            return rate
        passed.add(rate.place)  # it has none from that day on
    return None
