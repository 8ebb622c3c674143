"""Rows that show their hourly rate: the plain face of the rates of their place."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import ClassVar, Self, Unpack

from django.db import transaction
from django.utils import timezone

from rates.models import ALWAYS, Rate, current
from resources.models import Resource
from values.options import SaveOptions


class Rated(Resource):
    """A project or a client; `rate_attribute` shows the rate that is valid today.

    Writing it sets what is valid from today on, or from always if there was no rate.
    """

    rate_attribute: ClassVar[str]
    rate_place: ClassVar[str]  # the column of a rate

    class Meta:
        abstract = True

    @classmethod
    def insert(cls, rows: Sequence[Self]) -> None:
        """Insert new rows with their rates."""
        with transaction.atomic(savepoint=False):
            super().insert(rows)
            priced = [row for row in rows if row.shown_rate is not None]
            Rate.insert([row.new_rate(ALWAYS) for row in priced])

    def save(
        self, *, update_fields: Iterable[str] | None = None, **kwargs: Unpack[SaveOptions]
    ) -> None:
        """Save, and make a rate of what is shown."""
        is_written = update_fields is None or self.rate_attribute in update_fields
        is_changed = self.stored.get(self.rate_attribute) != self.shown_rate
        with transaction.atomic(savepoint=False):
            super().save(update_fields=update_fields, **kwargs)
            if is_written and is_changed:
                self.keep_rate()

    @classmethod
    def before_deletion(cls, rows: Sequence[Self]) -> None:
        """Delete the rates too: a cascade would leave them out of the journal."""
        Rate.objects.filter(**{f"{cls.rate_place}__in": rows}).delete()

    @property
    def shown_rate(self) -> Decimal | None:
        """What an hour costs today."""
        rate: Decimal | None = getattr(self, self.rate_attribute)
        return rate

    def new_rate(self, first: date) -> Rate:
        """Return a rate of this place from a day on."""
        place = {f"{self.rate_place}_id": self.pk}
        return Rate(**place, hourly_rate=self.shown_rate, valid_from=first)

    def keep_rate(self) -> None:
        """Write the rate that is valid from today on, unless it is valid already."""
        others = {"user": None, self.rate_place: self.pk}
        rates = [*Rate.objects.filter(**others).order_by("valid_from")]
        if current(rates) == self.shown_rate:
            return
        today = timezone.now().date()
        first = today if rates else ALWAYS
        for rate in rates:
            if rate.valid_from == first:
                rate.hourly_rate = self.shown_rate
                rate.save(update_fields=["hourly_rate", "updated_at"])
                return
        Rate.insert([self.new_rate(first)])
