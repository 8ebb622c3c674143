"""Tables of the report files.

Amounts have columns for each currency, so that every column adds up.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from reports.exports import Column, Table
from reports.groups import DATES, Group
from reports.queries import UserWeek
from reports.totals import CurrencySum, Totals, currencies_of
from timeentries.models import TimeEntry
from values.money import amount_from

ROWS_A_FETCH = 2000
ENTRY_COLUMNS = (
    *("start_time", "end_time", "user__username", "project__client__name", "project__name"),
    *("task__name", "notes", "tags", "billable", "pk", "duration_seconds", "rounded_seconds"),
    *("bill_id", "hourly_rate", "currency", "amount"),
)
ROUNDED = (Column("Rounded seconds", "seconds"), Column("Rounded hours", "hours"))
ESTIMATE = (Column("Estimated hours", "number"), Column("Estimate used", "share"))
NOTHING = CurrencySum()


def entries_table(
    entries: QuerySet[TimeEntry], zone: ZoneInfo, currencies: Sequence[str] | None
) -> Table:
    """Return the entries, newest first; they are fetched while they are written.

    On PostgreSQL by a cursor that outlives its transaction (Django's WITH HOLD): one snapshot,
    and neither a statement nor an open transaction that lasts as long as a slow reader.
    `currencies` are those of all amounts; None leaves amounts and rates out.
    """
    columns = [
        *(Column(f"{title} ({zone.key})", "moment") for title in ("Start", "End")),
        *map(Column, ("User", "Client", "Project", "Task", "Notes", "Tags")),
        *(Column("Billable", "flag"), Column("Id", "id")),
        *(Column("Seconds", "seconds"), Column("Hours", "hours"), *ROUNDED),
        Column("Billed", "flag"),
    ]
    if currencies is not None:
        columns += [Column("Hourly rate", "number"), *map(_amount, currencies)]
    rows = entries.order_by("-start_time", "-pk").values_list(*ENTRY_COLUMNS)
    return Table("time-entries", columns, _entry_rows(rows, currencies), zone)


def _amount(currency: str) -> Column:
    return Column(f"Amount {currency}", "amount", currency)


def _entry_rows(
    rows: QuerySet[TimeEntry, tuple[Any, ...]], currencies: Sequence[str] | None
) -> Iterator[Sequence[object]]:
    for row in rows.iterator(chunk_size=ROWS_A_FETCH):
        *shown, seconds, rounded, bill, rate, currency, amount = row
        shown += [seconds, seconds, rounded, rounded, bill is not None]
        if currencies is not None:
            amounts: list[Decimal | None] = [None] * len(currencies)
            if amount is not None:
                # ValueError for a currency that has just come up: no total, as in a cut-off file.
                amounts[currencies.index(currency)] = amount
            shown += [rate, *amounts]
        yield shown


def summary_table(whole: Group, levels: Sequence[str], zone: ZoneInfo) -> Table:
    """Return a row for each leaf."""
    compared = [whole.before] if whole.before else []
    currencies = currencies_of([whole, *compared])
    is_by_project = levels[-1] == "project"
    columns = [
        *(_column(level, zone) for level in levels),
        *(Column("Entries", "count"), Column("Seconds", "seconds"), Column("Hours", "hours")),
        *(Column("Billable seconds", "seconds"), Column("Billable hours", "hours"), *ROUNDED),
        *(ESTIMATE if is_by_project else ()),
        *_amounts(currencies),
        *(_titles_before(currencies) if compared else ()),
    ]
    rows = (
        (
            *map(_cell, levels, path),
            *_numbers(path[-1]),
            *(_estimate(path[-1]) if is_by_project else ()),
            *_worths(path[-1], currencies),
            *_before(path[-1], currencies),
        )
        for path in whole.leaves()
    )
    return Table("summary", columns, rows, zone)


def _amounts(currencies: Sequence[str]) -> Iterator[Column]:
    for currency in currencies:
        for title in ("Amount", "Billed", "Unbilled"):
            yield Column(f"{title} {currency}", "amount", currency)


def _worths(totals: Totals, currencies: Sequence[str]) -> Iterator[Decimal]:
    for currency in currencies:
        worth = totals.amounts.get(currency, NOTHING)
        yield from map(amount_from, (worth.amount, worth.billed, worth.unbilled))


def _titles_before(currencies: Sequence[str]) -> Iterator[Column]:
    yield Column("Entries before", "count")
    yield Column("Seconds before", "seconds")
    yield Column("Hours before", "hours")
    yield Column("Hours difference", "hours")
    for currency in currencies:
        for title in ("Amount before", "Amount difference"):
            yield Column(f"{title} {currency}", "amount", currency)


def _before(leaf: Group, currencies: Sequence[str]) -> Iterator[int | Decimal]:
    if leaf.before is None:
        return
    before = leaf.before
    yield from (before.entries, before.seconds, before.seconds, leaf.more_seconds)
    amounts = {currency: sums for currency, *sums in leaf.amounts_before}
    for currency in currencies:
        yield from map(amount_from, amounts.get(currency, (0, 0)))


def _column(level: str, zone: ZoneInfo) -> Column:
    title = level.capitalize()
    if level not in DATES:
        return Column(title)
    return Column(f"{title} ({zone.key})", "date" if level == "day" else "text")


def _cell(level: str, group: Group) -> date | str:
    return date.fromisoformat(str(group.key)) if level == "day" else group.name


def _numbers(leaf: Group) -> tuple[int, ...]:
    seconds, billable, rounded = leaf.seconds, leaf.billable_seconds, leaf.rounded_seconds
    return leaf.entries, seconds, seconds, billable, billable, rounded, rounded


def _estimate(leaf: Group) -> tuple[Decimal | None, Decimal | None]:
    return leaf.estimated_hours, leaf.estimate_used


def weekly_table(users: Sequence[UserWeek], days: Sequence[date], zone: ZoneInfo) -> Table:
    """Return a row for each user, with a column for each day."""
    currencies = currencies_of(user.totals for user in users)
    columns = [
        Column("User"),
        *(Column(f"{day} ({zone.key})", "seconds") for day in days),
        *(Column("Seconds", "seconds"), Column("Hours", "hours"), *ROUNDED),
        *_amounts(currencies),
    ]
    rows = (
        (
            *(user.user_name, *user.seconds, user.total_seconds, user.total_seconds),
            *(user.totals.rounded_seconds, user.totals.rounded_seconds),
            *_worths(user.totals, currencies),
        )
        for user in users
    )
    return Table("weekly", columns, rows, zone)
