"""What the tallies say, and what there is."""

from typing import Any

from django.db import connection
from django.db.models import Sum

from tallies.models import Tally
from tallies.rebuilding import differences
from timeentries.models import TimeEntry


def tallied(kind: str, key: int = 0) -> dict[str, int]:
    """The sums of a kind and a key."""
    columns = ("finished", "running", "seconds", "billable_seconds")
    sums = Tally.objects.filter(kind=kind, key=key).aggregate(**{c: Sum(c) for c in columns})
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
    }


def fold() -> None:
    """Do what one writer in a hundred does; on SQLite nothing is ever fresh."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT tallies_fold()")
    assert not Tally.objects.filter(fresh=True).exists()


def assert_right() -> None:
    """Every tally of every kind, key and month is what the rows say."""
    assert differences() == []
