"""Sums of time and of money; amounts are never added over currencies."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple, Self

from django.db.models import BigIntegerField, Count, F, Q, Sum
from django.db.models.functions import Coalesce

from values.currencies import SECONDS_AN_HOUR

SHARE = Decimal("0.0001")
IS_BILLED = Q(bill__isnull=False)
UNITS: Any = BigIntegerField()  # of AmountField: a sum that is shown is divided once
# Of finished entries in one currency, in the order of PartialSum.
IN_CURRENCY = {"in_currency": F("currency")}
SUMS = {
    "total": Sum("duration_seconds"),
    "billable_total": Coalesce(Sum("duration_seconds", filter=Q(billable=True)), 0),
    "rounded_total": Coalesce(Sum("rounded_seconds"), 0),
    "number": Count("*"),
    "priced": Count("amount"),
    "amount_total": Coalesce(Sum("amount", output_field=UNITS), 0),
    "billed_total": Coalesce(Sum("amount", filter=IS_BILLED, output_field=UNITS), 0),
}


class PartialSum(NamedTuple):
    """The sums of entries in one currency."""

    currency: str | None
    seconds: int
    billable_seconds: int
    rounded_seconds: int
    entries: int
    priced: int  # entries with an amount
    amount: int
    billed: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Return the part in a row of SUMS and IN_CURRENCY."""
        return cls(*(row[name] for name in (*IN_CURRENCY, *SUMS)))


@dataclass
class CurrencySum:
    """An amount in one currency and the billed part of it, in the unit of `AmountField`."""

    entries: int = 0
    amount: int = 0
    billed: int = 0

    @property
    def unbilled(self) -> int:
        """What is left to bill."""
        return self.amount - self.billed


@dataclass(kw_only=True)
class Totals:
    """What entries add up to: whole seconds, and an amount in each currency."""

    seconds: int = 0
    billable_seconds: int = 0
    rounded_seconds: int = 0
    entries: int = 0
    amounts: dict[str, CurrencySum] = field(default_factory=dict)

    def add(self, part: PartialSum) -> None:
        """Count a part."""
        currency, seconds, billable, rounded, entries, priced, amount, billed = part
        self.seconds += seconds
        self.billable_seconds += billable
        self.rounded_seconds += rounded
        self.entries += entries
        if currency and priced:
            self._add_amount(currency, priced, amount, billed)

    def include(self, group: "Totals") -> None:
        """Count a group."""
        self.seconds += group.seconds
        self.billable_seconds += group.billable_seconds
        self.rounded_seconds += group.rounded_seconds
        self.entries += group.entries
        for currency, worth in group.amounts.items():
            self._add_amount(currency, worth.entries, worth.amount, worth.billed)

    def _add_amount(self, currency: str, entries: int, amount: int, billed: int) -> None:
        total = self.amounts.get(currency)
        if total is None:
            self.amounts[currency] = CurrencySum(entries, amount, billed)
            return
        total.entries += entries
        total.amount += amount
        total.billed += billed

    @property
    def is_rounded(self) -> bool:
        """Whether rounding makes a difference."""
        return self.rounded_seconds != self.seconds

    @property
    def worths(self) -> list[tuple[str, CurrencySum]]:
        """The amounts, by currency."""
        return sorted(self.amounts.items()) if len(self.amounts) > 1 else [*self.amounts.items()]


def sum_of(parts: Iterable[PartialSum]) -> Totals:
    """Return what parts add up to."""
    totals = Totals()
    for part in parts:
        totals.add(part)
    return totals


def total_of(groups: Iterable[Totals]) -> Totals:
    """Return what groups add up to."""
    totals = Totals()
    for group in groups:
        totals.include(group)
    return totals


def currencies_of(totals: Iterable[Totals]) -> list[str]:
    """Return the currencies of all amounts, in order."""
    return sorted({currency for each in totals for currency in each.amounts})


def share_of_estimate(seconds: int, estimated_hours: Decimal | None) -> Decimal | None:
    """Return the share of an estimate that is used, 1 for all of it; None without an estimate."""
    if not estimated_hours:
        return None
    return (seconds / (estimated_hours * SECONDS_AN_HOUR)).quantize(SHARE)
