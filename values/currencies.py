"""Currencies, amounts of money, and the rounding of time that is billed."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Literal, Self, get_args

from babel.numbers import get_currency_precision, list_currencies

SECONDS_AN_HOUR = 3600

Mode = Literal["up", "nearest", "down"]
MODES: tuple[Mode, ...] = get_args(Mode)
MINUTES = (5, 6, 10, 15, 30, 60)


@cache
def currencies() -> frozenset[str]:
    """Return the codes of ISO 4217 that Babel knows."""
    return frozenset(list_currencies())


@cache
def minor_unit(currency: str) -> Decimal:
    """Return the smallest amount of a currency: 0.01 for EUR, 1 for JPY."""
    return Decimal(1).scaleb(-get_currency_precision(currency))


def amount_of(seconds: int, hourly_rate: Decimal, currency: str) -> Decimal:
    """Return what some seconds are worth, rounded once, half up, to the minor unit."""
    exact = seconds * hourly_rate / SECONDS_AN_HOUR
    return exact.quantize(minor_unit(currency), ROUND_HALF_UP)


@dataclass(frozen=True)
class Rounding:
    """How the time of an entry is rounded before it is billed."""

    minutes: int
    mode: Mode

    @classmethod
    @cache
    def of(cls, text: str) -> Self | None:
        """Return the rounding that is stored as `15 up`; None for no text."""
        if not text:
            return None
        minutes, mode = text.split()
        return cls(int(minutes), next(each for each in MODES if each == mode))

    def __str__(self) -> str:
        return f"{self.minutes} {self.mode}"

    def rounded(self, seconds: int) -> int:
        """Return the seconds rounded to whole steps; half a step is rounded up."""
        step = 60 * self.minutes
        added = {"down": 0, "nearest": step // 2, "up": step - 1}[self.mode]
        return (seconds + added) // step * step
