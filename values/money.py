"""Columns of money and of its rounding."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Unpack

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Length
from django.db.models.lookups import Exact

from values.currencies import MINUTES, MODES, Rounding, currencies
from values.options import Deconstructed, FieldOptions

CURRENCY_LENGTH = 3
ACCEPTED_CURRENCY = "Must be a currency code of ISO 4217 such as EUR."


def check_currency(code: str) -> None:
    """Raise ValidationError for what is no currency."""
    if code not in currencies():
        raise ValidationError(ACCEPTED_CURRENCY)


class CurrencyField(models.CharField[str | None, str | None]):
    """A currency code of ISO 4217."""

    def __init__(self, **kwargs: Unpack[FieldOptions]) -> None:
        kwargs.setdefault("max_length", CURRENCY_LENGTH)
        kwargs.setdefault("validators", [check_currency])
        super().__init__(**kwargs)

    def deconstruct(self) -> Deconstructed:
        name, _, args, kwargs = super().deconstruct()
        kwargs.pop("validators", None)
        return name, "django.db.models.CharField", args, kwargs


class AmountField(models.BigIntegerField[Decimal | None, Decimal | None]):
    """An amount of money, stored in ten-thousandths, so that sums are exact on each database.

    No currency of ISO 4217 has more decimals.
    """

    UNIT = Decimal(10_000)

    def from_db_value(self, value: int | None, *_: object) -> Decimal | None:
        """Return the amount."""
        return None if value is None else amount_from(value)

    def to_python(self, value: Decimal | str | None) -> Decimal | None:
        """Return the amount."""
        return None if value is None else Decimal(value)

    def get_prep_value(self, value: Decimal | str | None) -> int | None:
        """Return ten-thousandths."""
        return None if value is None else int(Decimal(value) * self.UNIT)


def amount_from(stored: int | Decimal) -> Decimal:
    """Return the amount in a column, or in a sum of it."""
    return stored / AmountField.UNIT


ROUNDINGS = [Rounding(minutes, mode) for minutes in MINUTES for mode in MODES]
WORDS = {
    "up": "up to {} minutes",
    "nearest": "to the nearest {} minutes",
    "down": "down to {} minutes",
}


def rounding_choices() -> Iterable[tuple[str, str]]:
    """Return each rounding as it is stored, with words for it."""
    for each in ROUNDINGS:
        words = WORDS[each.mode].format(each.minutes)
        yield str(each), words[0].upper() + words[1:]


class RoundingField(models.CharField[str, str]):
    """How time is rounded: `15 up`, or nothing."""

    def __init__(self, **kwargs: Unpack[FieldOptions]) -> None:
        defaults: FieldOptions = {
            "max_length": 10,
            "blank": True,
            "default": "",
            "db_default": "",
            "choices": [*rounding_choices()],
        }
        super().__init__(**(defaults | kwargs))

    def deconstruct(self) -> Deconstructed:
        name, _, args, kwargs = super().deconstruct()
        kwargs.pop("choices", None)
        return name, "django.db.models.CharField", args, kwargs


def rounding_known(field: str, name: str) -> models.CheckConstraint:
    """Return the constraint that a rounding is one of ours."""
    known = ["", *map(str, ROUNDINGS)]
    return models.CheckConstraint(
        condition=models.Q(**{f"{field}__in": known}),
        name=name,
        violation_error_message="Must be a rounding to 5, 6, 10, 15, 30 or 60 minutes.",
    )


def currency_shaped(field: str, name: str, *, null: bool = False) -> models.CheckConstraint:
    """Return the constraint that a currency has three characters."""
    shaped = models.Q(Exact(Length(field), CURRENCY_LENGTH))
    return models.CheckConstraint(
        condition=shaped | models.Q(**{field: None}) if null else shaped,
        name=name,
        violation_error_message=ACCEPTED_CURRENCY,
    )


def service_currency() -> str:
    """Return the currency of what has no client, and of clients without one."""
    code: str = settings.CURRENCY
    return code
