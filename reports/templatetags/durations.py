"""Whole seconds and amounts, as reports show them."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django import template

from values import instants
from values.currencies import minor_unit
from values.money import amount_from

register = template.Library()


@register.filter
def hours(seconds: int) -> str:
    """Return hours with two decimals; `< 0.01` if they would round to 0.00."""
    if seconds and not instants.hours(seconds):
        return "< 0.01"
    return f"{instants.hours(seconds):,.2f}"


@register.filter
def more_hours(seconds: int) -> str:
    """Return a difference in hours with its sign: `+1.50`."""
    return f"{_sign(seconds)}{hours(abs(seconds))}"


@register.filter
def more_percent(seconds: int, before: int) -> str:
    """Return a difference in whole per cent of what was before; nothing if that is nothing."""
    return f"{_sign(seconds)}{percent_of(abs(seconds), before)}" if before else ""


@register.filter
def less(seconds: int, other: int) -> int:
    """Return a difference."""
    return seconds - other


@register.filter
def clock(seconds: int) -> str:
    """Return hours and minutes, the seconds left out: `7:05`."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}"


@register.filter
def percent_of(part: int, whole: int) -> str:
    """Return a share in whole per cent; of nothing there is none."""
    return f"{part * 100 / whole:.0f} %" if whole else "none"


@register.filter
def amount(units: int) -> Decimal:
    """Return a sum in the unit of `AmountField` as an amount."""
    return amount_from(units)


@register.filter
def money(amount: Decimal, currency: str) -> str:
    """Return an amount with the decimals of its currency: `1,234.50 EUR`."""
    return f"{amount.quantize(minor_unit(currency)):,f}\N{NO-BREAK SPACE}{currency}"


@register.filter
def more_money(units: int, currency: str) -> str:
    """Return a difference of sums in the unit of `AmountField`: `+1,234.50 EUR`."""
    return f"{_sign(units)}{money(amount_from(abs(units)), currency)}"


@register.filter
def percent(share: Decimal) -> str:
    """Return a share in whole per cent."""
    return f"{share:.0%}".replace("%", " %")


@register.filter
def number(value: float) -> str:
    """Return a number as SVG reads it, whatever the language."""
    return f"{value:.2f}"


@register.filter(expects_localtime=False)
def localtime_in(instant: datetime, zone: str) -> datetime:
    """Return an instant in a zone; naive, so that the template leaves it there."""
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def _sign(number: int) -> str:
    return "" if not number else "+" if number > 0 else "\N{MINUS SIGN}"
