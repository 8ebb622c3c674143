"""What the tallies say, and what there is."""

from typing import Any

from django.db import connection
from django.db.models import Q, Sum

from tallies.models import Tally
from tallies.rebuilding import differences
from tallies.statements import COUNTED
from timeentries.models import TimeEntry
from values.money import AmountField


def tallied(kind: str, key: int = 0) -> dict[str, int]:
    """The sums of a kind and a key, by month and by day the same."""
    by_month, by_day = (_sums(Q(kind=kind, key=key), day) for day in (Q(day=0), Q(day__gt=0)))
    assert by_month == by_day
    return by_month


def _sums(whose: Q, folded: Q) -> dict[str, int]:
    tallies = Tally.objects.filter(whose, Q(fresh=True) | folded)
    sums = tallies.aggregate(**{column: Sum(column) for column in COUNTED})
    return {column: total or 0 for column, total in sums.items()}


def counted(**filters: Any) -> dict[str, int]:
    """The same of the rows themselves."""
    entries = TimeEntry.objects.filter(**filters)
    finished = entries.finished()
    return {
        "finished": finished.count(),
        "running": entries.running().count(),
        "seconds": sum(entry.duration_seconds or 0 for entry in finished),
        "billable_seconds": sum(
            entry.duration_seconds or 0 for entry in finished if entry.billable
        ),
        "rounded_seconds": sum(entry.rounded_seconds or 0 for entry in finished),
        "priced": sum(entry.amount is not None for entry in finished),
        "amount": sum(map(stored_amount, finished)),
        "billed": sum(stored_amount(entry) for entry in finished if entry.bill_id),
    }


def stored_amount(entry: TimeEntry) -> int:
    """The amount as it is stored, 0 without one."""
    return AmountField().get_prep_value(entry.amount) or 0


def fold() -> None:
    """Do what one writer in a hundred does; on SQLite nothing is ever fresh."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT tallies_fold()")
    assert not Tally.objects.filter(fresh=True).exists()


def assert_right() -> None:
    """Every tally of every kind, key, month and day is what the rows say."""
    assert differences() == []
