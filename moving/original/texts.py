"""Texts and numbers of the original, as our columns take them."""

import itertools
from collections.abc import Callable, Container
from decimal import Decimal, InvalidOperation

from moving.original.report import ImportReport
from values.folding import normal

MOST = Decimal(10) ** 8  # not below it, as our columns have ten digits, two of them decimals
CENT = Decimal("0.01")
LONGEST_NAME = 90  # before a number: the shortest column takes 100 characters
TOO_LONG = "The text is too long and was cut."


class Noted:
    """A value of a row, which a report can name."""

    def __init__(self, report: ImportReport, table: str, key: object, field: str) -> None:
        self._report, self._table, self._key, self._field = report, table, key, field

    def text(self, value: object, longest: int) -> str:
        """Return a text, trimmed, and cut where it is too long."""
        if value is None:
            return ""
        text = normal(str(value).replace("\0", "")).strip()
        if len(text) > longest:
            self.changed(TOO_LONG, text, text[:longest])
        return text[:longest]

    def number(self, value: object) -> Decimal | None:
        """Return a number with two decimals; None for none, and for one that is not possible."""
        if value is None:
            return None
        try:
            number = Decimal(str(value)).quantize(CENT)
        except InvalidOperation:
            number = Decimal(-1)
        if number.is_nan() or not 0 <= number < MOST:
            self.changed("The number is negative or too large, and was left out.", value, None)
            return None
        return number

    def changed(self, reason: str, before: object, after: object) -> None:
        """Note that the value is another one."""
        self._report.changed(self._table, self._key, reason, self._field, before, after)


def free_name(
    name: str,
    taken: Container[object],
    compared: Callable[[str], object],
    numbered: str = "{} ({})",
) -> str:
    """Return a name that is not taken, by what is compared of it: with a number if need be."""
    if compared(name) not in taken:
        return name
    others = (numbered.format(name[:LONGEST_NAME], number) for number in itertools.count(2))
    return next(free for free in others if compared(free) not in taken)
