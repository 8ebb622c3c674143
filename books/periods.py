"""The rule that nothing is written in a closed period."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Unpack

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, models

from books.models import Books, UserBound
from journal.journaled import Journaled
from resources.integrity import TriggerConstraint
from resources.refusals import Refusal
from values.options import ConstraintOptions

Place = tuple[Any, datetime | None]  # whose a row is, and when it starts


class PeriodClosed(Refusal):
    """The books are closed for a row as it is, or as it would be."""

    def __init__(self, closed_through: date | None) -> None:
        super().__init__(
            f"The books are closed through {closed_through}: time entries that start on or before"
            " that day cannot be added, changed or deleted."
            if closed_through
            else "The books have been opened in the meantime. Try again.",
            "period_closed",
        )
        self.shown = {"closed_through": closed_through and closed_through.isoformat()}


class PeriodIsOpen(TriggerConstraint):
    """A row that starts in a closed period is not inserted, changed, moved or deleted.

    The triggers (books/triggers.py) compare the column `instant`, before and after, with the
    bound of the row's owner. What the service itself writes into columns that nobody edits, they
    let through.
    """

    def __init__(self, *, instant: str, **kwargs: Unpack[ConstraintOptions]) -> None:
        super().__init__(**kwargs)
        self.instant = instant

    def refusal(self) -> Refusal:
        """Return why a row is refused, with the day."""
        return PeriodClosed(Books.current().closed_through)

    def foreseen(self, rows: Sequence[Journaled]) -> Sequence[Refusal | None]:
        """Return the refusal of each new row, or None; with two queries."""
        books = Books.current()
        closed = _closed(books, [self._place(row) for row in rows])
        return [PeriodClosed(books.closed_through) if each else None for each in closed]

    def validate(
        self,
        model: type[models.Model],
        instance: Any,
        exclude: Iterable[str] | None = None,
        using: str = DEFAULT_DB_ALIAS,
    ) -> None:
        """Raise Django's ValidationError for a form whose row will be refused."""
        before = instance.stored
        names = [field.attname for field in edited(model)]
        if before and all(before.get(name) == getattr(instance, name) for name in names):
            return
        was = before.get(instance.owner_attribute), before.get(self.instant)
        books = Books.current()
        if any(_closed(books, [was, self._place(instance)])):
            refusal = PeriodClosed(books.closed_through)
            raise ValidationError(refusal.sentence, refusal.code)

    def deconstruct(self) -> tuple[str, Sequence[object], dict[str, object]]:
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "instant": self.instant}

    def _place(self, row: Journaled) -> Place:
        return row.owner, getattr(row, self.instant)


def edited(model: type[models.Model]) -> list[models.Field[object, object]]:
    """Return the columns that people write; the service itself fills in the others."""
    return [field for field in model._meta.concrete_fields if field.editable]


def are_closed(places: Sequence[Place]) -> list[bool]:
    """Return for each place whether the books are closed; two queries."""
    return _closed(Books.current(), places)


def _closed(books: Books, places: Sequence[Place]) -> list[bool]:
    """Return for each place whether the books are closed, as the triggers see it."""
    last = books.closed_before
    early = {user for user, instant in places if last and instant and instant < last}
    if not last or not early:
        return [False] * len(places)
    bounds = dict(UserBound.objects.filter(pk__in=early).values_list("pk", "closed_before"))
    return [bool(instant and instant < bounds.get(user, last)) for user, instant in places]
