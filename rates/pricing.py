"""What an hour of somebody's work on a project costs on a day."""

from collections.abc import Collection, Iterator
from datetime import date
from decimal import Decimal
from itertools import starmap
from typing import NamedTuple

from django.db import connection

from database.arrays import AMONG, array
from rates.models import PLACES, Place

Params = list[int | None] | list[list[int] | str]

# Raw SQL, because every finished entry asks for it. NULL: the rates of everybody, or of no
# project and no client.
RATES = """
    SELECT user_id, client_id, project_id, id, hourly_rate, valid_from FROM rates_rate
    WHERE project_id {among} AND (user_id IS NULL OR user_id {among})
        OR client_id {among} AND (user_id IS NULL OR user_id {among})
        OR project_id IS NULL AND client_id IS NULL AND user_id {among}
    ORDER BY valid_from DESC
"""
OF_MANY = {vendor: RATES.format(among=among) for vendor, among in AMONG.items()}
OF_ONE = RATES.format(among="= %s")  # an array costs psycopg more than the query


class Work(NamedTuple):
    """Whose work it is, for what, and on which local day of that user it begins."""

    user_id: int
    client_id: int | None
    project_id: int
    day: date

    def places(self) -> Iterator[Place]:
        """Return the places with rates for this work, the most specific first."""
        for names in PLACES:
            if "client" in names and self.client_id is None:
                continue
            yield Place(
                self.user_id if "user" in names else None,
                self.client_id if "client" in names else None,
                self.project_id if "project" in names else None,
            )


class Found(NamedTuple):
    """A rate as it is stored."""

    pk: int
    place: Place
    hourly_rate: Decimal | None
    valid_from: date


class Rates(dict[Place, list[Found]]):
    """Rates by their place, in each the newest first."""

    def of(self, work: Work) -> list[Found]:
        """Return the rates for some work on any day, those of the most specific place first."""
        return [rate for place in work.places() for rate in self.get(place, ())]

    def valid(self, work: Work) -> Found | None:
        """Return the rate of some work: of the most specific place that has one on its day."""
        for place in work.places():
            begun = (rate for rate in self.get(place, ()) if rate.valid_from <= work.day)
            newest = next(begun, None)
            if newest and newest.hourly_rate is not None:
                return newest
        return None


def rates_for(works: Collection[Work]) -> Rates:
    """Return every rate that may be one of some work, in one query."""
    rates = Rates()
    with connection.cursor() as cursor:
        cursor.execute(*_statement_for(works))
        for found in starmap(_found, cursor.fetchall()):
            rates.setdefault(found.place, []).append(found)
    return rates


def _statement_for(works: Collection[Work]) -> tuple[str, Params]:
    """Return the query and its parameters."""
    if len(works) == 1:
        [(user, client, project, _)] = works
        return OF_ONE, [project, user, client, user, user]
    users = array({work.user_id for work in works})
    clients = array({work.client_id for work in works if work.client_id})
    projects = array({work.project_id for work in works})
    return OF_MANY[connection.vendor], [projects, users, clients, users, users]


def _found(
    user_id: int | None,
    client_id: int | None,
    project_id: int | None,
    pk: int,
    rate: Decimal | float | None,
    first: date | str,
) -> Found:
    """Return a row as both databases have it: SQLite keeps days as text, decimals as numbers."""
    day = first if isinstance(first, date) else date.fromisoformat(first)
    place = Place(user_id, client_id, project_id)
    return Found(pk, place, None if rate is None else Decimal(str(rate)), day)
