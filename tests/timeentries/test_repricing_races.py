"""What is true of entries that are priced again while others write them."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from billing.models import Bill
from books.models import Books
from rates.models import Rate
from tests.support.factories import NINE, make_entry, make_project, make_user
from tests.support.racing import at_once
from timeentries import repricing
from timeentries.models import TimeEntry
from timeentries.pricing import COLUMNS
from timeentries.repricing import price_unpriced, reprice
from timeentries.stored import Stored, write

Write = Callable[[TimeEntry], object]


def lengthen(entry: TimeEntry) -> None:
    entry.end_time = entry.start_time + timedelta(hours=2)
    entry.save()


def move(entry: TimeEntry) -> None:
    """Past the service, so that the entry has no price of the other project yet."""
    other = make_project("Elsewhere", hourly_rate=70)
    TimeEntry.objects.filter(pk=entry.pk).update(project=other)


def bill(entry: TimeEntry) -> None:
    made = Bill.objects.create(reference="A", selection={}, billed_at=timezone.now())
    TimeEntry.objects.filter(pk=entry.pk).update(bill=made)


def racing(call: Callable[[], Any], write: Write, entry: TimeEntry) -> Any:
    """Return what a call returns that begins while somebody has written an entry."""
    is_written = Event()

    def write_slowly() -> None:
        with transaction.atomic():
            write(entry)
            is_written.set()
            time.sleep(0.3)

    def begin() -> Any:
        is_written.wait(10)
        return call()

    return at_once([write_slowly, begin])[1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("write", "amount"),
    [pytest.param(lengthen, 100, id="longer"), pytest.param(move, 70, id="moved")],
)
def test_pricing_what_has_no_price_prices_what_others_have_written(
    write: Write, amount: int
) -> None:
    entry = make_entry(make_user(), make_project(hourly_rate=50))
    TimeEntry.objects.update(amount=None)
    TimeEntry.objects.update(**dict.fromkeys(COLUMNS))
    racing(price_unpriced, write, entry)
    entry.refresh_from_db()
    assert entry.amount == amount


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("write", "changed", "amount"),
    [
        pytest.param(lengthen, 0, 120, id="longer"),
        pytest.param(move, 1, 70, id="moved"),
        pytest.param(bill, 0, 50, id="billed"),
    ],
)
def test_pricing_again_prices_what_others_have_written(
    write: Write, changed: int, amount: int
) -> None:
    entry = make_entry(make_user(), make_project(hourly_rate=50))
    Rate.objects.update(hourly_rate=60)
    again = partial(reprice, TimeEntry.objects.all(), preview=False, now=timezone.now())
    assert racing(again, write, entry)["changed"] == changed
    entry.refresh_from_db()
    assert entry.amount == amount


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite locks no rows")
@pytest.mark.django_db(transaction=True)
def test_pricing_again_does_not_wait_for_entries_that_keep_their_price() -> None:
    owner, is_priced = make_user(), Event()
    kept = make_entry(owner, make_project(hourly_rate=50))
    make_entry(owner, other := make_project("Elsewhere", hourly_rate=50))
    Rate.objects.filter(project=other).update(hourly_rate=60)

    def lock() -> dict[str, object]:
        with transaction.atomic():
            TimeEntry.objects.select_for_update().get(pk=kept.pk)
            return {"was_priced": is_priced.wait(10)}

    def price_again() -> dict[str, object]:
        time.sleep(0.3)
        result = reprice(TimeEntry.objects.all(), preview=False, now=timezone.now())
        is_priced.set()
        return result

    locked, result = at_once([lock, price_again])
    assert locked == {"was_priced": True}
    assert (result["entries"], result["changed"]) == (2, 1)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite: closing waits for it")
@pytest.mark.django_db(transaction=True)
def test_books_that_are_closed_meanwhile_keep_their_prices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = make_entry(make_user(), make_project(hourly_rate=50))
    Rate.objects.update(hourly_rate=60)
    is_priced, is_closed = Event(), Event()

    def write_slowly(entries: Sequence[Stored]) -> None:
        write(entries)
        is_priced.set()
        is_closed.wait(10)

    def close() -> Any:
        is_priced.wait(10)
        books = Books.current()
        books.closed_through = NINE.date()
        books.save()
        is_closed.set()

    monkeypatch.setattr(repricing, "write", write_slowly)
    again: Any = partial(reprice, TimeEntry.objects.all(), preview=False, now=timezone.now())
    assert at_once([again, close])[0]["changed"] == 0
    entry.refresh_from_db()
    assert entry.amount == 50
