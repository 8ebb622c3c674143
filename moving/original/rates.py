"""Hourly rates of the original: of clients, of projects, and those that override a project's."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from moving.original.people import People
from moving.original.report import ImportReport
from moving.original.source import Source
from moving.original.texts import Noted
from moving.original.work import AllWork
from rates.models import ALWAYS, Place, Rate, current
from rates.pricing import Found, Rates
from values.wall_clock import LATEST

TABLE = "rate_overrides"
COLUMNS = ("id", "project_id", "user_id", "hourly_rate", "effective_from", "effective_to")
DAY = timedelta(days=1)


class Override(NamedTuple):
    """A rate of a project, or of a user in it, for some days."""

    hourly_rate: Decimal
    first: date
    last: date | None

    def counts_on(self, day: date) -> bool:
        """Return whether the rate is valid on a day."""
        return self.first <= day and (self.last is None or day <= self.last)


def read_rates(
    source: Source, people: People, work: AllWork, report: ImportReport, *, now: datetime
) -> list[Rate]:
    """Return the rates, and let clients and projects show those of today.

    As in the original, a rate of zero is none, and an override counts before the project's own.
    """
    overrides = _overrides(source, people, work, report)
    for project in work.projects.values():
        overrides.setdefault(Place(None, None, project.pk), [])
    rates = [
        *(
            Rate(client_id=client.pk, hourly_rate=client.default_hourly_rate, valid_from=ALWAYS)
            for client in work.clients.values()
            if client.default_hourly_rate is not None
        ),
    ]
    for place, found in overrides.items():
        project = work.projects[place.project_id or 0]
        shown = None if place.user_id else project.hourly_rate
        line = [*_timeline(shown, found)]
        of_place = [
            Rate(**place._asdict(), hourly_rate=rate, valid_from=day) for day, rate in line
        ]
        for rate, following in pairwise(of_place):
            rate.valid_until = following.valid_from - DAY
        if not place.user_id:
            project.hourly_rate = current(of_place)
        rates += of_place
    for key, rate in enumerate(rates, 1):
        rate.pk, rate.created_at, rate.updated_at = key, now, now
    return rates


def priced_by(rates: Sequence[Rate]) -> Rates:
    """Return rates as entries are priced by them."""
    found = Rates()
    for rate in sorted(rates, key=lambda each: each.valid_from, reverse=True):
        kept = Found(rate.pk, rate.place, rate.hourly_rate, rate.valid_from)
        found.setdefault(rate.place, []).append(kept)
    return found


def _overrides(
    source: Source, people: People, work: AllWork, report: ImportReport
) -> dict[Place, list[Override]]:
    found = defaultdict(list)
    for key, project_id, user_id, stored, first, last in source.rows(TABLE, COLUMNS):
        if project_id not in work.projects or (user_id and user_id not in people.users):
            report.left_out(TABLE, key, "Its project or its user does not exist.")
            continue
        rate = Noted(report, TABLE, key, "hourly_rate").number(stored)
        if rate is None:
            continue
        days = _day(first) or ALWAYS, _day(last)
        found[Place(user_id, None, project_id)].append(Override(rate, *days))
    return dict(found)


def _timeline(
    own: Decimal | None, overrides: Sequence[Override]
) -> Iterator[tuple[date, Decimal | None]]:
    """Yield the days on which the rate of a place becomes another one, in their order."""
    days = {ALWAYS, *(each.first for each in overrides)}
    days |= {each.last + DAY for each in overrides if each.last}
    before = None
    for day in sorted(days):
        counting = [each for each in overrides if each.counts_on(day)]
        newest = max(counting, key=lambda each: each.first, default=None)
        rate = newest.hourly_rate if newest else own
        if rate != before:
            yield day, rate
        before = rate


def _day(stored: object) -> date | None:
    """Return a day that a rate may begin or end on."""
    if stored is None:
        return None
    day = stored if isinstance(stored, date) else date.fromisoformat(str(stored)[:10])
    return min(max(day, ALWAYS), LATEST.date() - 2 * DAY)
