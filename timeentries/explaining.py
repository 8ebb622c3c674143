"""Why an entry has the rate that it has."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from rates.models import ALWAYS, Place
from rates.pricing import Found, Rates, Work, rates_for
from timeentries.models import TimeEntry
from timeentries.pricing import terms_of
from values.currencies import Rounding

RUNNING = "A running timer has no price yet."
NOT_BILLABLE = "The entry is not billable."
NO_RATE = "No rate is valid for the entry."
PRICED = "The entry has the most specific rate that is valid on its day."
KEPT = "The entry keeps the price that it got; by the rates of now it would have another."


def explanation(entry: TimeEntry) -> dict[str, object]:
    """Return the price of an entry, each rate that was considered, and why it won or lost."""
    terms = terms_of(entry)
    shown: dict[str, object] = {
        "rate_id": entry.rate_id,
        "hourly_rate": entry.hourly_rate,
        "currency": entry.currency,
        "rounded_seconds": entry.rounded_seconds,
        "amount": entry.amount,
    }
    if terms is None:
        return {**shown, "day": None, "rounding": None, "reason": RUNNING, "considered": []}
    rates = rates_for([terms.work])
    rounding = Rounding.of(terms.rounding)
    return {
        **shown,
        "day": terms.work.day,
        "rounding": rounding and {"minutes": rounding.minutes, "mode": rounding.mode},
        "reason": _reason(entry, rates.valid(terms.work)),
        "considered": _considered(rates, terms.work),
    }


def _reason(entry: TimeEntry, now: Found | None) -> str:
    if not entry.billable:
        return NOT_BILLABLE
    rate: Decimal | None = now and now.hourly_rate
    if entry.hourly_rate != rate:
        return KEPT
    return NO_RATE if rate is None else PRICED


def _considered(rates: Rates, work: Work) -> Sequence[Mapping[str, object]]:
    winner, seen = rates.valid(work), set[Place]()
    considered = []
    for rate in rates.of(work):
        considered.append(
            {
                "id": rate.pk,
                **rate.place._asdict(),
                "hourly_rate": rate.hourly_rate,
                "valid_from": None if rate.valid_from == ALWAYS else rate.valid_from,
                "outcome": _outcome(rate, winner, work, is_newest=rate.place not in seen),
            }
        )
        if rate.valid_from <= work.day:
            seen.add(rate.place)
    return considered


def _outcome(rate: Found, winner: Found | None, work: Work, *, is_newest: bool) -> str:
    if rate == winner:
        return "used"
    if rate.valid_from > work.day:
        return "not_yet_valid"
    if not is_newest:
        return "superseded"
    return "no_rate" if rate.hourly_rate is None else "less_specific"
