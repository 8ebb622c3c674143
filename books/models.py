"""The day through which the books are closed, and what that means for each person."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self, Unpack

from django.db import connection, models, transaction

from books.statements import BOUNDS_OF_ALL, WAIT_FOR_CLOSING, WAIT_FOR_WRITERS
from books.zones import first_open_instants
from journal.journaled import Journaled
from resources.models import within_years
from values.options import SaveOptions
from values.wall_clock import EARLIEST, LATEST


class Books(Journaled):
    """The day through which the books are closed; null if nothing is.

    The table has one row. `closed_before` is the first instant that is open to people of every
    time zone, so that triggers look up nobody's zone for an entry that starts later.
    """

    closed_through = models.DateField(
        null=True,
        blank=True,
        help_text=(
            "Time entries that start on or before this day cannot be added, changed, moved or "
            "deleted. It is a day in the time zone of each entry's user. Without it, nothing is "
            "closed."
        ),
    )
    closed_before = models.DateTimeField(null=True, editable=False)

    ONLY = 1

    class Meta:
        verbose_name = verbose_name_plural = "books"
        constraints = (
            within_years(
                "closed_through",
                "books_closed_within_years",
                first=EARLIEST.date(),
                end=LATEST.date(),
            ),
        )

    def __str__(self) -> str:
        return f"Closed through {self.closed_through}" if self.closed_through else "Open"

    @classmethod
    def current(cls) -> Self:
        """Return the row as it is now; an open one that is not stored in an emptied database."""
        return cls.objects.filter(pk=cls.ONLY).first() or cls(pk=cls.ONLY)

    @classmethod
    def locked(cls) -> Self:
        """Return the row, locked until the transaction ends."""
        return cls.objects.select_for_update().get_or_create(pk=cls.ONLY)[0]

    def save(
        self, *, update_fields: Iterable[str] | None = None, **kwargs: Unpack[SaveOptions]
    ) -> None:
        """Close or open the books, after every write that has begun and before any other.

        Days are counted in the time zones of now. Closing a later day never opens an instant that
        was closed for somebody, though they have moved to another time zone since.
        """
        if self.stored and self.stored["closed_through"] == self.closed_through:
            return
        names = None if update_fields is None else {*update_fields, "closed_before"}
        with transaction.atomic(savepoint=False):
            _wait_for_writers()
            before = Books.objects.filter(pk=self.pk).values_list("closed_through", flat=True)
            was_through, is_through = before.first(), self.closed_through
            if was_through != is_through:
                zones = first_open_instants(is_through) if is_through else {}
                self.closed_before = max(zones.values(), default=None)
            super().save(update_fields=names, **kwargs)
            if was_through != is_through:
                is_later = was_through is not None and is_through and is_through > was_through
                _renew_bounds(zones, keep=bool(is_later))


class ZoneBound(models.Model):
    """The first instant that is open in a time zone; the name "" is the server's zone.

    Triggers need it for people who are added, or move, while the books are closed.
    """

    name = models.CharField(max_length=64, primary_key=True)
    closed_before = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name or 'The server'}: {self.closed_before}"


class UserBound(models.Model):
    """The first instant that is open to a person; written by closing and by triggers."""

    # Not a foreign key: SQLite rebuilds the users' table with each change to it.
    user_id = models.BigIntegerField(primary_key=True)
    closed_before = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user_id}: {self.closed_before}"


def _wait_for_writers() -> None:
    """Wait for the transactions that have written entries, and make others wait for this one.

    On SQLite the transaction itself is the lock.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(WAIT_FOR_WRITERS)


def wait_for_closing() -> None:
    """Wait for a closing that has begun, and make others wait until this transaction ends.

    The triggers do so for anyone who changes editable columns. The rows to write come first, as
    for any writer. On SQLite the transaction itself is the lock.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(WAIT_FOR_CLOSING)


def _renew_bounds(zones: dict[str, datetime], *, keep: bool) -> None:
    """Store the bounds of all zones and people; `keep` those of people that are later."""
    ZoneBound.objects.all().delete()
    ZoneBound.objects.bulk_create(
        ZoneBound(name=name, closed_before=instant) for name, instant in zones.items()
    )
    if not keep:
        UserBound.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(BOUNDS_OF_ALL)
