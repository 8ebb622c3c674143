"""Billing time entries once, and releasing them."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import Coalesce
from rest_framework.exceptions import NotFound

from api.exceptions import Conflict
from billing.models import Bill
from journal.journaled import record
from resources.locks import lock
from resources.models import updated_at_after
from timeentries.models import TimeEntry, TimeEntryQuerySet
from users.models import User

NOTHING = "No finished, billable entry that has not been billed yet matches."
MISSING = "There is no billing with this reference."
TAKEN = "This reference has been used for another selection of entries."
# What was loaded past the service may not be priced yet.
ROUNDED = Coalesce("rounded_seconds", "duration_seconds")
GROUPS = {
    "project": ("project_id", "project__name"),
    "user": ("user_id", "user__username"),
    "task": ("task_id", "task__name"),
}
# Databases limit the parameters of a statement, and a bill may have any number of entries.
AT_ONCE = 5_000


class Sums(NamedTuple):
    """How much time is billed, and what it is worth in each currency."""

    entries: int
    seconds: int
    rounded_seconds: int
    amounts: list[dict[str, object]]


def sums_of(entries: QuerySet[TimeEntry]) -> Sums:
    """Return the sums over entries; amounts are never added over currencies."""
    return _added(_by_currency(entries))


def sums_by_bill(bills: Collection[Bill]) -> dict[str, Sums]:
    """Return the sums of each bill by its reference, with one query for all."""
    found = defaultdict(list)
    for row in _by_currency(TimeEntry.objects.filter(bill__in=bills), "bill_id"):
        found[row["bill_id"]].append(row)
    return {bill.reference: _added(found[bill.reference]) for bill in bills}


def _by_currency(entries: QuerySet[TimeEntry], *columns: str) -> list[dict[str, Any]]:
    rows = (
        entries.order_by()
        .values(*columns, "currency")
        .annotate(
            count=Count("*"),
            seconds=Sum("duration_seconds"),
            rounded=Sum(ROUNDED),
            worth=Sum("amount"),
        )
        .order_by(*columns, "currency")
    )
    return list(rows)


def _added(rows: Sequence[dict[str, Any]]) -> Sums:
    return Sums(
        entries=sum(row["count"] for row in rows),
        seconds=sum(row["seconds"] for row in rows),
        rounded_seconds=sum(row["rounded"] for row in rows),
        amounts=[
            {"currency": row["currency"], "amount": row["worth"]}
            for row in rows
            if row["worth"] is not None
        ],
    )


def billable(entries: TimeEntryQuerySet) -> TimeEntryQuerySet:
    """Keep what can be billed: finished, billable, and not billed yet."""
    return entries.finished().filter(billable=True, bill=None)


def bill(
    entries: TimeEntryQuerySet,
    reference: str,
    selection: dict[str, object],
    *,
    user: User,
    now: datetime,
) -> Bill:
    """Bill entries under a reference, and return it; the one that is there for the same selection.

    Of two at once with the same reference, the second waits for the first one's row. Of two that
    share entries, the second waits for these, and finds them billed.
    """
    known = Bill.objects.filter(reference=reference).first()
    if known is None:
        try:
            with transaction.atomic():
                return _bill(
                    entries,
                    Bill(reference=reference, selection=selection, billed_at=now, billed_by=user),
                )
        except IntegrityError:
            known = Bill.objects.filter(reference=reference).first()
            if known is None:
                raise
    if known.selection != selection:
        raise Conflict(TAKEN, "reference_taken")
    return known


def _bill(entries: TimeEntryQuerySet, made: Bill) -> Bill:
    made.save(force_insert=True)
    if not _mark(billable(entries), made.reference, made.billed_at):
        raise Conflict(NOTHING, "nothing_to_bill")
    return made


@transaction.atomic
def release(released: Bill, now: datetime) -> None:
    """Make the entries of a bill unbilled again, and forget it; 404 if it has been released."""
    if lock(Bill, pk=released.pk) is None:
        raise NotFound(MISSING)
    _mark(TimeEntry.objects.filter(bill=released), None, now)
    released.delete()


def _mark(entries: TimeEntryQuerySet, reference: str | None, now: datetime) -> bool:
    """Lock entries and write their reference, in batches; return whether there were any."""
    rows, last = entries.select_related(None).order_by("pk"), 0
    rows = rows.select_for_update(no_key=True, of=("self",))
    while batch := list(rows.filter(pk__gt=last)[:AT_ONCE]):
        last = batch[-1].pk
        TimeEntry.objects.filter(pk__in=[entry.pk for entry in batch]).update(
            bill=reference,
            version=F("version") + 1,
            updated_at=updated_at_after(now),
        )
        record([entry.updated(["billed", "billing_reference"]) for entry in batch])
    return last > 0


def lines_of(billed: Bill, group_by: str, *, priced: bool = True) -> list[dict[str, Any]]:
    """Return the lines of an invoice: a group at one rate and in one currency each.

    For those who may not see what time is worth: a group each, and no amounts.
    """
    key, name = GROUPS[group_by]
    price = {"price": F("hourly_rate"), "in_currency": F("currency")} if priced else {}
    lines: Any = (
        TimeEntry.objects.filter(bill=billed)
        .order_by()
        .values(key=F(key), name=F(name), **price)
        .annotate(
            entries=Count("*"),
            seconds=Sum("duration_seconds"),
            rounded=Sum(ROUNDED),
            **({"worth": Sum("amount")} if priced else {}),
        )
        .order_by("name", "key", *price)
    )
    return list(lines)
