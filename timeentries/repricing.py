"""Pricing many stored entries again, in batches."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest

from books.periods import are_closed
from database.arrays import AMONG, array
from journal.journaled import record
from journal.models import Change
from rates.pricing import Rates, Work, rates_for
from timeentries.models import TimeEntry, TimeEntryQuerySet
from timeentries.pricing import Price, Terms
from users.models import zone_name
from values.instants import seconds_between
from values.money import AmountField, service_currency

AT_ONCE = 5_000

# Raw SQL with few columns: a migration runs it too, whatever columns come later.
STORED = """
    SELECT entry.id, entry.user_id, project.client_id, entry.project_id, person.time_zone,
        entry.start_time, entry.end_time, entry.billable,
        client.currency, project.rounding, client.rounding,
        entry.rate_id, entry.hourly_rate, entry.currency, entry.rounded_seconds, entry.amount
    FROM timeentries_timeentry AS entry
    JOIN users_user AS person ON person.id = entry.user_id
    JOIN projects_project AS project ON project.id = entry.project_id
    LEFT JOIN clients_client AS client ON client.id = project.client_id
    WHERE entry.end_time IS NOT NULL {condition}
    ORDER BY entry.id LIMIT %s
"""
WRITES = {
    "postgresql": """
        UPDATE timeentries_timeentry AS entry
        SET rate_id = new.rate_id, hourly_rate = new.hourly_rate, currency = new.currency,
            rounded_seconds = new.rounded_seconds, amount = new.amount
        FROM jsonb_to_recordset(%s::jsonb) AS new(
            id bigint, rate_id bigint, hourly_rate numeric, currency text,
            rounded_seconds bigint, amount bigint
        )
        WHERE entry.id = new.id
    """,
    "sqlite": """
        UPDATE timeentries_timeentry
        SET rate_id = value ->> 'rate_id', hourly_rate = value ->> 'hourly_rate',
            currency = value ->> 'currency', rounded_seconds = value ->> 'rounded_seconds',
            amount = value ->> 'amount'
        FROM json_each(%s) WHERE timeentries_timeentry.id = value ->> 'id'
    """,
}


class Stored(NamedTuple):
    """An entry as it is stored, with what its price depends on."""

    pk: int
    start_time: datetime
    terms: Terms
    price: Price

    def to_json(self) -> dict[str, Any]:
        """Return the columns to write."""
        amount = AmountField().get_prep_value(self.price.amount)
        rate = self.price.hourly_rate
        return {
            "id": self.pk,
            **self.price._asdict(),
            "hourly_rate": None if rate is None else float(rate),
            "amount": amount,
        }


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
            batch = _read("AND entry.rounded_seconds IS NULL AND entry.id > %s", last)
            _write(priced_again(batch))
        if not batch:
            return done
        done, last = done + len(batch), batch[-1].pk


@transaction.atomic
def reprice(entries: TimeEntryQuerySet, *, preview: bool, now: datetime) -> dict[str, object]:
    """Price entries again, but those that are billed or closed; return the counts, and the sums.

    Nobody sees a half of it, and only the entries that change are locked.
    """
    looked_at, changed, before, after = 0, 0, AmountSums(), AmountSums()
    for keys in _batches(entries.finished().filter(bill=None)):
        rows = TimeEntry.objects.filter(pk__in=keys, bill=None).order_by("pk")
        if not preview:
            rows = rows.select_for_update(no_key=True)
        among = f"AND entry.id {AMONG[connection.vendor]}"
        stored = _read(among, array(rows.values_list("pk", flat=True)))
        closed = are_closed([(each.terms.work.user_id, each.start_time) for each in stored])
        stored = [each for each, is_closed in zip(stored, closed, strict=True) if not is_closed]
        again = priced_again(stored)
        others = [new for old, new in zip(stored, again, strict=True) if old != new]
        looked_at, changed = looked_at + len(stored), changed + len(others)
        for old, new in zip(stored, again, strict=True):
            before.add(old.price)
            after.add(new.price)
        if others and not preview:
            _write(others)
            _note(others, now)
    return {
        "entries": looked_at,
        "changed": changed,
        "before": before.shown(),
        "after": after.shown(),
    }


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


def _read(condition: str, given: list[int] | str | int) -> list[Stored]:
    with connection.cursor() as cursor:
        cursor.execute(STORED.format(condition=condition), [given, AT_ONCE])
        return [*map(_stored, cursor.fetchall())]


def _write(entries: Sequence[Stored]) -> None:
    with connection.cursor() as cursor:
        rows = json.dumps([entry.to_json() for entry in entries])
        cursor.execute(WRITES[connection.vendor], [rows])


def _note(entries: Sequence[Stored], now: datetime) -> None:
    """Count up the versions, and record the changes."""
    rows = TimeEntry.objects.filter(pk__in=[entry.pk for entry in entries])
    rows.update(version=F("version") + 1, updated_at=Greatest(F("updated_at"), now))
    fields = ["hourly_rate", "currency", "rounded_seconds", "amount"]
    record(
        [
            entry.change(
                Change.Action.UPDATED,
                fields,
                owner_before=entry.user_id,
                owner_after=entry.user_id,
            )
            for entry in rows.order_by("pk")
        ]
    )


def _stored(row: tuple[Any, ...]) -> Stored:
    pk, user, client, project, zone, start, end, billable, currency, its, clients, *kept = row
    start, end = _instant(start), _instant(end)
    day = start.astimezone(ZoneInfo(zone_name(zone))).date()
    terms = Terms(
        Work(user, client, project, day),
        seconds_between(start, end),
        billable=bool(billable),
        currency=currency or service_currency(),
        rounding=its or clients or "",
    )
    rate_id, hourly_rate, of_then, seconds, amount = kept
    rate = None if hourly_rate is None else Decimal(str(hourly_rate))
    worth = AmountField().from_db_value(amount)
    return Stored(pk, start, terms, Price(rate_id, rate, of_then, seconds, worth))


def _instant(stored: datetime | str) -> datetime:
    """Return an instant as both databases have it: SQLite keeps text in UTC, without saying so."""
    instant = stored if isinstance(stored, datetime) else datetime.fromisoformat(stored)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
