"""The rates of demo data, and what its time entries are worth."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from clients.models import Client
from projects.models import Project
from rates.models import ALWAYS, Rate
from timeentries.repricing import price_unpriced
from users.models import User

CURRENCIES = (None, "EUR", "GBP")  # of the clients in turn
ROUNDINGS = ("", "15 up", "6 nearest")
RAISE = 10


def price(
    users: Sequence[User], clients: Sequence[Client], projects: Sequence[Project], until: date
) -> None:
    """Write the rates that are shown, with one that was raised, and price the entries."""
    rates = [*_rates(users, clients, projects, until.replace(day=1))]
    Rate.objects.bulk_create(rates)
    price_unpriced()


def _rates(
    users: Sequence[User], clients: Sequence[Client], projects: Sequence[Project], month: date
) -> Iterator[Rate]:
    for client in clients:
        yield Rate(client=client, hourly_rate=client.default_hourly_rate)
    raised, *others = [project for project in projects if project.hourly_rate is not None]
    for project in others:
        yield Rate(project=project, hourly_rate=project.hourly_rate)
    before, last = (raised.hourly_rate or 0) - RAISE, month - timedelta(days=1)
    yield Rate(project=raised, hourly_rate=before, valid_from=ALWAYS, valid_until=last)
    yield Rate(project=raised, hourly_rate=raised.hourly_rate, valid_from=month)
    yield Rate(user=users[0], project=raised, hourly_rate=(raised.hourly_rate or 0) + RAISE)
