"""How many rows there are and how often they were written, kept by the database itself."""

from datetime import date

from django.db import models
from django.db.models import Q

NEVER_FOLDED = 2**63 - 1  # what a trigger of the previous release adds is always summed


class Tally(models.Model):
    """A part of a count: the count is the sum of all the rows of its kind and key.

    Triggers write these rows in the transaction that writes the counted rows
    (tallies/triggers.py), so that a sum is exact in every snapshot. On PostgreSQL each write adds
    `fresh` rows, for which no writer waits for another; now and then a writer folds them into the
    one row of each day and the one of each month. So of the rows that are not fresh add up either
    months or days, and of the fresh ones those that `statements.FRESH` keeps.
    """

    # A kind declared by `Counted`, or the plural key of a resource of which only writes are
    # counted, with `key` 0.
    kind = models.CharField(max_length=20)
    key = models.BigIntegerField(default=0, db_default=0)
    # Of the kinds that are tallied by it; amounts are never added over currencies.
    currency = models.CharField(max_length=3, default="", db_default="", blank=True)
    # Of an entry's `start_time` in UTC, since the year 0: 12 * 2024 + 0 is January 2024.
    month = models.IntegerField(default=0, db_default=0)
    # Of the same: `date.toordinal()`, days since the year 1. 0 in the row of a whole month.
    day = models.IntegerField(default=0, db_default=0)
    finished = models.BigIntegerField(default=0, db_default=0)
    running = models.BigIntegerField(default=0, db_default=0)
    # Of the finished entries.
    seconds = models.BigIntegerField(default=0, db_default=0)
    billable_seconds = models.BigIntegerField(default=0, db_default=0)
    rounded_seconds = models.BigIntegerField(default=0, db_default=0)
    priced = models.BigIntegerField(default=0, db_default=0)  # with an amount
    # In the unit of AmountField.
    amount = models.BigIntegerField(default=0, db_default=0)
    billed = models.BigIntegerField(default=0, db_default=0)
    writes = models.BigIntegerField(default=0, db_default=0)
    fresh = models.BooleanField(default=False, db_default=False)
    # The transaction that added a fresh row: those before the last `Fold.xid` were folded.
    xid = models.BigIntegerField(default=NEVER_FOLDED, db_default=NEVER_FOLDED)

    class Meta:
        verbose_name_plural = "tallies"
        indexes = (
            # A sum over all keys; the constraint's index serves those of one.
            models.Index(
                fields=["kind", "day", "month"], condition=Q(fresh=False), name="tally_of_all_keys"
            ),
            models.Index(
                fields=["xid", "kind", "key", "day"],
                condition=Q(fresh=True),
                name="tally_fresh_since",
            ),
        )
        constraints = (
            # The day first: months lie beside months, and days beside days.
            models.UniqueConstraint(
                fields=("kind", "key", "day", "month", "currency"),
                condition=Q(fresh=False),
                name="tally_once_folded",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.key}, {period(self.month, self.day)}"


class Fold(models.Model):
    """The newest one says up to where fresh rows are folded: before the transaction `xid`.

    Folded rows stay in the index for as long as a snapshot is open that may see them, such as
    that of a backup; to begin behind them keeps sums fast. It is a row for each fold, the newest
    found first, because versions of one row would pile up in the same way.
    """

    xid = models.BigIntegerField()

    def __str__(self) -> str:
        return f"before {self.xid}"


def period(month: int, day: int) -> str:
    """Return a tally's month, 2024-01, or its day: 2024-01-15."""
    if day:
        return date.fromordinal(day).isoformat()
    return f"{month // 12:04}-{month % 12 + 1:02}"
