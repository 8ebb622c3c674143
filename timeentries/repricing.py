"""Pricing many stored entries again, in batches."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import F

from books.models import Books, wait_for_closing
from books.periods import are_closed
from journal.journaled import record
from rates.pricing import Rates, rates_for
from resources.models import updated_at_after
from timeentries.models import TimeEntry, TimeEntryQuerySet
from timeentries.pricing import Price
from timeentries.stored import Stored, read, write

AT_ONCE = 5_000
AT_ONCE_BESIDE_WRITERS = 500

# Raw SQL, because a migration runs it too. It joins nothing: a join would lose an entry that it
# waited for and that has another project by then.
UNPRICED = """
    SELECT id FROM timeentries_timeentry
    WHERE end_time IS NOT NULL AND rounded_seconds IS NULL AND id > %s
    ORDER BY id LIMIT %s {lock}
"""
LOCKS = {"postgresql": "FOR NO KEY UPDATE", "sqlite": ""}


class AmountSums:
    """Sums of amounts, of each currency its own."""

    def __init__(self) -> None:
        self._sums: dict[str, Decimal] = {}

    def add(self, price: Price) -> None:
        """Add an amount, if there is one."""
        if price.amount is not None and price.currency is not None:
            so_far = self._sums.get(price.currency, Decimal(0))
            self._sums[price.currency] = so_far + price.amount

    def shown(self) -> list[dict[str, object]]:
        """Return `{"currency", "amount"}` of each currency."""
        return [{"currency": code, "amount": self._sums[code]} for code in sorted(self._sums)]


def price_unpriced() -> int:
    """Price the finished entries that have no price yet; return how many.

    A transaction each batch, so that nobody waits for longer than one takes.
    """
    done, last = 0, 0
    while True:
        with transaction.atomic():
            keys = _locked_unpriced(last)
            write(priced_again(read(keys)))
        if not keys:
            return done
        done, last = done + len(keys), keys[-1]


def reprice(entries: TimeEntryQuerySet, *, preview: bool, now: datetime) -> dict[str, object]:
    """Price entries again, but those that are billed or closed; return the counts, and the sums.

    Nobody sees a half of it, and only the entries that change are locked. If the books are closed
    in the meantime, it starts over.
    """
    while True:
        with transaction.atomic():
            closed_before = Books.current().closed_before
            result = _reprice(entries, preview=preview, now=now)
            if preview:
                return result
            wait_for_closing()
            if Books.current().closed_before == closed_before:
                return result
            transaction.set_rollback(True)


def _reprice(entries: TimeEntryQuerySet, *, preview: bool, now: datetime) -> dict[str, object]:
    looked_at, changed, before, after = 0, 0, AmountSums(), AmountSums()
    for keys in _batches(entries.finished().filter(bill=None)):
        repriced = _repriced(keys)
        if not preview:
            repriced = _written(repriced, now)
        for old, new in repriced:
            looked_at, changed = looked_at + 1, changed + (old != new)
            before.add(old.price)
            after.add(new.price)
    return {
        "entries": looked_at,
        "changed": changed,
        "before": before.shown(),
        "after": after.shown(),
    }


def _repriced(keys: Sequence[int]) -> list[tuple[Stored, Stored]]:
    """Return open entries as they are stored, and as they would be priced now."""
    stored = read(keys)
    closed = are_closed([(each.terms.work.user_id, each.start_time) for each in stored])
    stored = [each for each, is_closed in zip(stored, closed, strict=True) if not is_closed]
    return [*zip(stored, priced_again(stored), strict=True)]


def _written(
    repriced: Sequence[tuple[Stored, Stored]], now: datetime
) -> list[tuple[Stored, Stored]]:
    """Write the prices that change, and return what is true of the entries then.

    They are locked, and read again: others may have written in the meantime.
    """
    changing = [old.pk for old, new in repriced if old != new]
    if not changing:
        return [*repriced]
    again = _repriced(_locked_unbilled(changing))
    if others := [new for old, new in again if old != new]:
        write(others)
        _note(others, now)
    return [*again, *((old, new) for old, new in repriced if old == new)]


def priced_again(batch: Sequence[Stored]) -> list[Stored]:
    """Return entries as they would be priced now."""
    works = [each.terms.work for each in batch if each.terms.billable]
    rates = rates_for(works) if works else Rates()
    return [each._replace(price=each.terms.price(rates)) for each in batch]


def _batches(entries: TimeEntryQuerySet) -> Iterator[list[int]]:
    keys, last = entries.order_by("pk").values_list("pk", flat=True), 0
    while batch := list(keys.filter(pk__gt=last)[:AT_ONCE]):
        last = batch[-1]
        yield batch


def _locked_unbilled(keys: Sequence[int]) -> list[int]:
    rows = TimeEntry.objects.filter(pk__in=keys, bill=None).order_by("pk")
    return [*rows.select_for_update(no_key=True).values_list("pk", flat=True)]


def _locked_unpriced(last: int) -> list[int]:
    """Lock the next entries without a price: what is read after it is not written by others."""
    with connection.cursor() as cursor:
        cursor.execute(
            UNPRICED.format(lock=LOCKS[connection.vendor]), [last, AT_ONCE_BESIDE_WRITERS]
        )
        return [pk for (pk,) in cursor.fetchall()]


def _note(entries: Sequence[Stored], now: datetime) -> None:
    """Count up the versions, and record the changes."""
    rows = TimeEntry.objects.filter(pk__in=[entry.pk for entry in entries])
    rows.update(version=F("version") + 1, updated_at=updated_at_after(now))
    fields = ["hourly_rate", "currency", "rounded_seconds", "amount"]
    record([entry.updated(fields) for entry in rows.order_by("pk")])
