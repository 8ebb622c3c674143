"""Billing time entries once, and releasing them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import Coalesce, Greatest

from api.exceptions import Conflict
from billing.models import Bill
from journal.journaled import record
from journal.models import Change
from timeentries.models import TimeEntry, TimeEntryQuerySet
from users.models import User

NOTHING = "No finished, billable entry that has not been billed yet matches."
TAKEN = "This reference has been used for another selection of entries."
# What was loaded past the service may not be priced yet.
ROUNDED = Coalesce("rounded_seconds", "duration_seconds")
GROUPS = {
    "project": ("project_id", "project__name"),
    "user": ("user_id", "user__username"),
    "task": ("task_id", "task__name"),
}


class Sums(NamedTuple):
    """How much time is billed, and what it is worth in each currency."""

    entries: int
    seconds: int
    rounded_seconds: int
    amounts: list[dict[str, object]]


def sums_of(entries: QuerySet[TimeEntry]) -> Sums:
    """Return the sums over entries; amounts are never added over currencies."""
    by_currency = list(
        entries.order_by()
        .values("currency")
        .annotate(
            count=Count("*"),
            seconds=Sum("duration_seconds"),
            rounded=Sum(ROUNDED),
            worth=Sum("amount"),
        )
        .order_by("currency")
    )
    return Sums(
        entries=sum(each["count"] for each in by_currency),
        seconds=sum(each["seconds"] for each in by_currency),
        rounded_seconds=sum(each["rounded"] for each in by_currency),
        amounts=[
            {"currency": each["currency"], "amount": each["worth"]}
            for each in by_currency
            if each["worth"] is not None
        ],
    )


def billable(entries: TimeEntryQuerySet) -> TimeEntryQuerySet:
    """Keep what can be billed: finished, billable, and not billed yet."""
    return entries.finished().filter(billable=True, bill=None)


class Repeated(Exception):
    """The reference has been used for this very selection."""


def bill(
    entries: TimeEntryQuerySet, reference: str, selection: Any, *, user: User, now: Any
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
    rows = billable(entries).order_by("pk").select_for_update(no_key=True, of=("self",))
    found = list(rows.select_related(None))
    if not found:
        raise Conflict(NOTHING, "nothing_to_bill")
    _mark(found, made.reference, made.billed_at)
    return made


@transaction.atomic
def release(released: Bill, now: Any) -> None:
    """Make the entries of a bill unbilled again, and forget it."""
    rows = TimeEntry.objects.filter(bill=released).order_by("pk")
    _mark(list(rows.select_for_update(no_key=True)), None, now)
    released.delete()


def _mark(entries: Sequence[TimeEntry], reference: str | None, now: Any) -> None:
    TimeEntry.objects.filter(pk__in=[entry.pk for entry in entries]).update(
        bill=reference,
        version=F("version") + 1,
        updated_at=Greatest(F("updated_at"), now),
    )
    record(
        [
            entry.change(
                Change.Action.UPDATED,
                ["bill_id"],
                owner_before=entry.user_id,
                owner_after=entry.user_id,
            )
            for entry in entries
        ]
    )


def lines_of(billed: Bill, group_by: str) -> list[dict[str, Any]]:
    """Return the lines of an invoice: a group at one rate and in one currency each."""
    key, name = GROUPS[group_by]
    lines: Any = (
        TimeEntry.objects.filter(bill=billed)
        .order_by()
        .values(key=F(key), name=F(name), price=F("hourly_rate"), in_currency=F("currency"))
        .annotate(
            entries=Count("*"),
            seconds=Sum("duration_seconds"),
            rounded=Sum(ROUNDED),
            worth=Sum("amount"),
        )
        .order_by("name", "key", "price", "in_currency")
    )
    return list(lines)
