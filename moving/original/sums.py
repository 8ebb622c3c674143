"""Worked time of each user and month, in the original and here."""

import csv
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TextIO

from django.db.models import Count, Sum
from django.db.models.functions import TruncMonth

from moving.original.clock import OriginalClock
from moving.original.source import Source
from timeentries.models import TimeEntry
from users.models import User

# By vendor: the local month of a start.
MONTHS = {"postgresql": "to_char(start_time, 'YYYY-MM')", "sqlite": "substr(start_time, 1, 7)"}
TITLES = (
    *("user_id", "username", "month", "entries_before", "entries_after"),
    *("seconds_before", "seconds_after", "difference"),
)


class Worked(NamedTuple):
    """Finished time entries, and the seconds of work in them."""

    entries: int = 0
    seconds: int = 0


class Month(NamedTuple):
    """A user's month, in the time zone of the original."""

    user_id: int
    month: str


Sums = Mapping[Month, Worked]


def sums_before(source: Source) -> Sums:
    """Return the sums as the original would say them."""
    rows = source.ask(
        f"SELECT user_id, {MONTHS[source.vendor]}, COUNT(*), SUM(duration_seconds)"
        " FROM time_entries WHERE end_time IS NOT NULL GROUP BY 1, 2"
    )
    return {
        Month(user_id or 0, month or ""): Worked(entries, int(seconds or 0))
        for user_id, month, entries, seconds in rows
    }


def sums_after(clock: OriginalClock) -> Sums:
    """Return the sums of what has been written here."""
    rows = (
        TimeEntry.objects.finished()
        .annotate(month=TruncMonth("start_time", tzinfo=clock.zone))
        .order_by()
        .values("user_id", "month")
        .annotate(entries=Count("*"), seconds=Sum("duration_seconds"))
    )
    return {
        Month(row["user_id"], f"{row['month']:%Y-%m}"): Worked(row["entries"], row["seconds"])
        for row in rows
    }


def differing(before: Sums, after: Sums) -> Iterator[Month]:
    """Yield the months in which the seconds are not the same."""
    for month in sorted({*before, *after}):
        if before.get(month, Worked()).seconds != after.get(month, Worked()).seconds:
            yield month


def total(sums: Sums) -> Worked:
    """Return the sum of all months."""
    return Worked(
        sum(each.entries for each in sums.values()), sum(each.seconds for each in sums.values())
    )


def write_csv(file: TextIO, before: Sums, after: Sums, users: Mapping[int, User]) -> None:
    """Write a line for each user and month."""
    writer = csv.writer(file)
    writer.writerow(TITLES)
    for month in sorted({*before, *after}):
        was, now = before.get(month, Worked()), after.get(month, Worked())
        user = users.get(month.user_id)
        writer.writerow(
            [
                *(month.user_id, user.username if user else "", month.month),
                *(was.entries, now.entries, was.seconds, now.seconds, now.seconds - was.seconds),
            ]
        )
