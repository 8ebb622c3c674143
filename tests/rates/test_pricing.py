"""Which rate an entry gets, and that it keeps it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NoReturn

import pytest

from clients.models import Client
from projects.models import Project
from rates.models import ALWAYS, Place, Rate
from rates.pricing import Found, Rates, Work
from tests.support.factories import api_as, make_client, make_project, make_user
from timeentries.models import TimeEntry
from users.models import User

HOUR = timedelta(hours=1)
MARCH = datetime(2024, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def acme(db: None) -> Client:
    return make_client("Acme", currency="EUR")


@pytest.fixture
def site(acme: Client) -> Project:
    return make_project("Site", client=acme)


def book(user: User, project: Project, start: datetime = MARCH, **fields: Any) -> TimeEntry:
    """An entry of an hour as its model saves it, read back."""
    fields = {"end_time": start + HOUR, **fields}
    entry = TimeEntry(user=user, project=project, start_time=start, **fields)
    entry.save()
    return TimeEntry.objects.get(pk=entry.pk)


def set_rate(rate: int, first: date = ALWAYS, **place: Any) -> Rate:
    made = Rate(hourly_rate=rate, valid_from=first, **place)
    made.save()
    return made


class Unread(list[Found]):
    """Rates that nobody may look at."""

    def __iter__(self) -> NoReturn:
        raise AssertionError("read")


def test_only_the_rates_of_its_own_places_are_looked_at() -> None:
    rate = Found(7, Place(None, None, 3), Decimal(50), ALWAYS)
    others = {Place(None, None, pk): Unread() for pk in (4, 5)}
    rates = Rates({rate.place: [rate], **others})
    work = Work(1, 2, 3, MARCH.date())
    assert (rates.valid(work), rates.of(work)) == (rate, [rate])


def test_the_most_specific_place_wins(owner: User, site: Project, acme: Client) -> None:
    other = make_user("other")
    places: list[dict[str, Any]] = [
        {"user": owner},
        {"client": acme},
        {"user": owner, "client": acme},
        {"project": site},
        {"user": owner, "project": site},
    ]
    assert book(owner, site).amount is None
    for number, place in enumerate(places, 1):
        set_rate(10 * number, **place)
        assert book(owner, site).hourly_rate == 10 * number
    assert book(other, site).hourly_rate == 40
    assert book(owner, make_project("Elsewhere")).hourly_rate == 10


def test_the_newest_rate_that_is_valid_on_the_local_day_wins(site: Project) -> None:
    auckland = make_user("tane", time_zone="Pacific/Auckland")
    honolulu = make_user("kai", time_zone="Pacific/Honolulu")
    set_rate(50, project=site)
    set_rate(60, date(2024, 3, 2), project=site)
    set_rate(70, date(2024, 3, 3), project=site)
    # Noon UTC on the first of March is the second in Auckland, and the first in Honolulu.
    assert book(auckland, site).hourly_rate == 60
    assert book(honolulu, site).hourly_rate == 50


def test_each_rate_ends_before_the_next_begins(site: Project) -> None:
    first = set_rate(50, project=site)
    third = set_rate(70, date(2024, 3, 3), project=site)
    second = set_rate(60, date(2024, 3, 2), project=site)
    assert [*Rate.objects.order_by("valid_from").values_list("valid_until", flat=True)] == [
        date(2024, 3, 1),
        date(2024, 3, 2),
        None,
    ]
    second.delete()
    first.refresh_from_db()
    assert first.valid_until == date(2024, 3, 2)
    third.delete()
    first.refresh_from_db()
    assert first.valid_until is None


def test_a_price_is_kept_when_rates_change(owner: User, site: Project) -> None:
    rate = set_rate(50, project=site)
    priced = rate.pk
    entry = book(owner, site)
    rate.hourly_rate = Decimal(80)
    rate.save()
    entry.notes = "Call"
    entry.save()
    entry.refresh_from_db()
    assert entry.hourly_rate == entry.amount == 50
    assert entry.rate_id == priced
    rate.delete()
    entry.refresh_from_db()
    assert entry.amount == 50


@pytest.mark.parametrize(
    ("change", "rate", "amount"),
    [
        pytest.param({"end_time": MARCH + 2 * HOUR}, 80, 160, id="times"),
        pytest.param({"billable": False}, None, None, id="not billable"),
        pytest.param({"end_time": None}, None, None, id="a timer again"),
    ],
)
def test_what_a_price_depends_on_prices_anew(
    owner: User, site: Project, change: dict[str, Any], rate: int | None, amount: int | None
) -> None:
    priced = set_rate(50, project=site)
    entry = book(owner, site)
    priced.hourly_rate = Decimal(80)
    priced.save()
    for name, value in change.items():
        setattr(entry, name, value)
    entry.save(update_fields=[*change])
    entry.refresh_from_db()
    assert (entry.hourly_rate, entry.amount) == (rate, amount)


def test_another_project_and_another_user_have_their_own(owner: User, site: Project) -> None:
    colleague, app = make_user("colleague"), make_project("App", hourly_rate=70)
    set_rate(50, project=site)
    set_rate(90, project=app, user=colleague)
    entry = book(owner, site)
    entry.project = app
    entry.save()
    assert entry.hourly_rate == 70
    assert entry.currency == "USD"
    entry.user = colleague
    entry.save()
    assert entry.hourly_rate == 90


def test_rounding_changes_the_amount_and_not_the_time(owner: User, acme: Client) -> None:
    acme.rounding, acme.default_hourly_rate = "15 up", Decimal(60)
    acme.save()
    site, app = make_project("Site", client=acme), make_project("App", client=acme)
    app.rounding = "30 down"
    app.save()
    end = {"end_time": MARCH + timedelta(minutes=46)}
    entry, other = book(owner, site, **end), book(owner, app, **end)
    assert entry.duration_seconds == other.duration_seconds == 46 * 60
    assert (entry.rounded_seconds, entry.amount) == (60 * 60, Decimal(60))
    assert (other.rounded_seconds, other.amount) == (30 * 60, Decimal(30))


def test_every_way_of_writing_prices(owner: User, site: Project) -> None:
    set_rate(50, project=site)
    api = api_as(owner, "write:time_entries")
    times = {"start_time": "2024-03-01T09:00:00Z", "end_time": "2024-03-01T10:30:00Z"}
    body = {"project_id": site.pk, **times}
    made = api.post("/api/v1/time-entries", body).json()["time_entry"]
    priced = {
        "hourly_rate": 50.0,
        "currency": "EUR",
        "rounded_seconds": 5400,
        "amount": 75.0,
        "billed": False,
        "billing_reference": None,
    }
    assert made | priced == made
    operations = [{"op": "create", "data": body}] * 2
    api.post("/api/v1/time-entries/bulk", {"operations": operations})
    api.put("/api/v1/time-entries/by-external-id/7", body)
    api.post("/api/v1/timer/start", {"project_id": site.pk})
    stopped = api.post("/api/v1/timer/stop").json()["time_entry"]
    assert (stopped["hourly_rate"], stopped["currency"]) == (50.0, "EUR")
    amounts = TimeEntry.objects.exclude(pk=stopped["id"]).values_list("amount", flat=True)
    assert [*amounts] == [75, 75, 75, 75]


def test_what_a_running_timer_is_worth_is_not_known(owner: User, site: Project) -> None:
    set_rate(50, project=site)
    timer = book(owner, site, end_time=None)
    assert (timer.hourly_rate, timer.currency, timer.amount) == (None, None, None)
