"""The billed month of demo data, and the months before it, which are closed."""

from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from billing.bills import bill, billable
from books.models import Books
from clients.models import Client
from timeentries.models import TimeEntry
from users.models import User
from values.instants import day_bounds

DAY, UTC = timedelta(days=1), ZoneInfo("UTC")
BILLED = 2  # clients


def bill_and_close(users: Sequence[User], clients: Sequence[Client], until: date) -> None:
    """Bill last month to some clients, and close the books through the month before it.

    The references are those of docs/examples/invoice_generator.py.
    """
    end = until.replace(day=1) - DAY
    start = end.replace(day=1)
    first, following = day_bounds(start, UTC)[0], day_bounds(end, UTC)[1]
    for client in clients[:BILLED]:
        entries = TimeEntry.objects.filter(
            project__client=client, start_time__gte=first, start_time__lt=following
        )
        if billable(entries).exists():
            bill(
                entries,
                f"{start:%Y-%m}/client-{client.pk}",
                {
                    "client_id": client.pk,
                    "end_date": end.isoformat(),
                    "start_date": start.isoformat(),
                },
                user=users[0],
                now=following,
            )
    books = Books.locked()
    books.closed_through = start - DAY
    books.save()
