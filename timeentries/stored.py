"""Many finished entries and their prices, read and written past Django."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection

from database.arrays import AMONG, array
from rates.pricing import Work
from timeentries.pricing import Price, Terms
from users.models import zone_name
from values.money import AmountField, service_currency

# Raw SQL with few columns: a migration runs it too, whatever columns come later.
STORED = """
    SELECT entry.id, entry.user_id, project.client_id, entry.project_id, person.time_zone,
        entry.start_time, entry.duration_seconds, entry.billable,
        client.currency, project.rounding, client.rounding,
        entry.rate_id, entry.hourly_rate, entry.currency, entry.rounded_seconds, entry.amount
    FROM timeentries_timeentry AS entry
    JOIN users_user AS person ON person.id = entry.user_id
    JOIN projects_project AS project ON project.id = entry.project_id
    LEFT JOIN clients_client AS client ON client.id = project.client_id
    WHERE entry.end_time IS NOT NULL AND entry.id {among}
    ORDER BY entry.id
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


def read(keys: Iterable[int]) -> list[Stored]:
    """Return the finished ones of some entries, by their ids."""
    with connection.cursor() as cursor:
        cursor.execute(STORED.format(among=AMONG[connection.vendor]), [array(keys)])
        return [*map(_stored, cursor.fetchall())]


def write(entries: Iterable[Stored]) -> None:
    """Write the prices of entries, and nothing else."""
    with connection.cursor() as cursor:
        rows = json.dumps([entry.to_json() for entry in entries])
        cursor.execute(WRITES[connection.vendor], [rows])


def _stored(row: tuple[Any, ...]) -> Stored:
    pk, user, client, project, zone, start, seconds, billable, currency, its, clients, *kept = row
    start = _instant(start)
    day = start.astimezone(ZoneInfo(zone_name(zone))).date()
    terms = Terms(
        Work(user, client, project, day),
        seconds,
        billable=bool(billable),
        currency=currency or service_currency(),
        rounding=its or clients or "",
    )
    rate_id, hourly_rate, of_then, rounded, amount = kept
    rate = None if hourly_rate is None else Decimal(str(hourly_rate))
    worth = AmountField().from_db_value(amount)
    return Stored(pk, start, terms, Price(rate_id, rate, of_then, rounded, worth))


def _instant(stored: datetime | str) -> datetime:
    """Return an instant as both databases have it: SQLite keeps text in UTC, without saying so."""
    instant = stored if isinstance(stored, datetime) else datetime.fromisoformat(stored)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
