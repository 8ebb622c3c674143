"""Pricing many stored entries again, in batches."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from rates.pricing import Work, rates_for
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
    WHERE entry.end_time IS NOT NULL AND entry.id > %s {condition}
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
        FROM json_each(%s) WHERE id = value ->> 'id'
    """,
}


class Stored(NamedTuple):
    """An entry as it is stored, with what its price depends on."""

    pk: int
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


def price_unpriced() -> int:
    """Price the finished entries that have no price yet; return how many.

    A transaction each batch, so that nobody waits for longer than one takes.
    """
    done, last = 0, 0
    while True:
        with transaction.atomic():
            batch = _read("AND entry.rounded_seconds IS NULL", last)
            _write(priced_again(batch))
        if not batch:
            return done
        done, last = done + len(batch), batch[-1].pk


def priced_again(batch: Sequence[Stored]) -> list[Stored]:
    """Return entries as they would be priced today."""
    works = [each.terms.work for each in batch if each.terms.billable]
    rates = rates_for(works) if works else []
    return [each._replace(price=each.terms.price(rates)) for each in batch]


def _read(condition: str, after: int) -> list[Stored]:
    with connection.cursor() as cursor:
        cursor.execute(STORED.format(condition=condition), [after, AT_ONCE])
        return [*map(_stored, cursor.fetchall())]


def _write(entries: Sequence[Stored]) -> None:
    with connection.cursor() as cursor:
        rows = json.dumps([entry.to_json() for entry in entries])
        cursor.execute(WRITES[connection.vendor], [rows])


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
    return Stored(pk, terms, Price(rate_id, rate, of_then, seconds, worth))


def _instant(stored: datetime | str) -> datetime:
    """Return an instant as both databases have it: SQLite keeps text."""
    if isinstance(stored, datetime):
        return stored
    return datetime.fromisoformat(stored).replace(tzinfo=UTC)
