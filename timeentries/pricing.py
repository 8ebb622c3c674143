"""What a finished entry is worth, kept in its row: later changes of rates leave it alone."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import prefetch_related_objects

from rates.pricing import Rates, Work, rates_for
from timeentries.breaks import seconds_worked
from values.currencies import Rounding, amount_of
from values.money import service_currency

if TYPE_CHECKING:
    from timeentries.models import TimeEntry

# The columns on which a price depends, and those that hold it.
CAUSES = ("user_id", "project_id", "start_time", "end_time", "break_seconds", "billable")
COLUMNS = ("rate_id", "hourly_rate", "currency", "rounded_seconds", "amount")


class Price(NamedTuple):
    """What is kept of a price, in the order of COLUMNS; nothing of a running timer."""

    rate_id: int | None = None
    hourly_rate: Decimal | None = None
    currency: str | None = None
    rounded_seconds: int | None = None
    amount: Decimal | None = None


class Terms(NamedTuple):
    """What the price of a finished entry depends on, besides the rates."""

    work: Work
    seconds: int
    billable: bool
    currency: str
    rounding: str

    def price(self, rates: Rates) -> Price:
        """Return the price by the rates that may be the entry's."""
        rounding = Rounding.of(self.rounding)
        seconds = rounding.rounded(self.seconds) if rounding else self.seconds
        rate = rates.valid(self.work) if self.billable else None
        if rate is None or rate.hourly_rate is None:
            return Price(currency=self.currency, rounded_seconds=seconds)
        amount = amount_of(seconds, rate.hourly_rate, self.currency)
        return Price(rate.pk, rate.hourly_rate, self.currency, seconds, amount)


def price(entries: Sequence["TimeEntry"]) -> None:
    """Set the prices of entries that are going to be saved, with one query for the rates.

    Projects and their clients are read where they were not read before.
    """
    if len(entries) > 1:  # those of one are fetched when they are read
        prefetch_related_objects(entries, "project__client")
    for entry in entries:
        if entry.billable is None:
            entry.billable = entry.project.billable
    terms = [terms_of(entry) for entry in entries]
    works = [each.work for each in terms if each and each.billable]
    rates = rates_for(works) if works else Rates()
    for entry, its in zip(entries, terms, strict=True):
        for name, value in (its.price(rates) if its else Price())._asdict().items():
            setattr(entry, name, value)


def terms_of(entry: "TimeEntry") -> Terms | None:
    """Return the terms of an entry; None of a running timer."""
    if entry.end_time is None:
        return None
    client = entry.project.client
    day = entry.start_time.astimezone(entry.user.zone).date()
    return Terms(
        Work(entry.user_id, entry.project.client_id, entry.project_id, day),
        seconds_worked(entry.start_time, entry.end_time, entry.break_seconds),
        billable=bool(entry.billable),
        currency=(client and client.currency) or service_currency(),
        rounding=entry.project.rounding or (client.rounding if client else ""),
    )
