"""Pricing stored entries again."""

from decimal import Decimal
from typing import Any

import pytest
from rest_framework.test import APIClient

from projects.models import Project
from rates.models import Rate
from tests.billing.test_billing import hours
from tests.support.factories import api_as, close_books, make_client, make_project
from timeentries.models import TimeEntry
from timeentries.repricing import price_unpriced
from users.models import User

PATH = "/api/v1/rates/reprice"


@pytest.fixture
def site(db: None) -> Project:
    return make_project("Site", client=make_client("Acme", currency="EUR"), hourly_rate=60)


@pytest.fixture
def api(administrator: User) -> APIClient:
    return api_as(administrator, "write:rates", "write:time_entries")


def test_a_preview_says_what_would_change(owner: User, site: Project, api: APIClient) -> None:
    hours(owner, site)
    Rate.objects.update(hourly_rate=120)
    shown: dict[str, Any] = {
        "entries": 3,
        "changed": 3,
        "before": [{"currency": "EUR", "amount": 150.0}],
        "after": [{"currency": "EUR", "amount": 300.0}],
    }
    response = api.post(PATH, {})
    assert response.json() == {"repricing": {"preview": True, **shown}}
    assert {*TimeEntry.objects.values_list("amount", "version")} == {(Decimal(50), 1)}
    response = api.post(PATH, {"preview": False})
    assert response.json() == {"repricing": {"preview": False, **shown}}
    assert {*TimeEntry.objects.values_list("amount", "version")} == {(Decimal(100), 2)}
    again = api.post(PATH, {"preview": False}).json()["repricing"]
    assert (again["changed"], again["before"]) == (0, again["after"])


def test_filters_and_what_is_billed_are_heeded(owner: User, site: Project, api: APIClient) -> None:
    _, second, _ = hours(owner, site)
    api.post("/api/v1/billing", {"reference": "A", "entry_ids": [second.pk]})
    Rate.objects.update(hourly_rate=120)
    api.post(PATH, {"preview": False, "start_date": "2024-01-16", "project_id": site.pk})
    amounts = TimeEntry.objects.order_by("pk").values_list("amount", flat=True)
    assert [*amounts] == [50, 50, 100]


def test_only_administrators_price_again(owner: User, site: Project) -> None:
    api = api_as(owner, "write:rates")
    assert (
        api.post(PATH, {}).json()["message"] == "Only administrators may price time entries again."
    )


def test_prices_of_a_migration_are_those_of_a_save(owner: User, site: Project) -> None:
    site.rounding = "15 up"
    site.save()
    hours(owner, site)
    hours(
        owner,
        make_project(
            "Yen", client=make_client("Sakura", currency="JPY"), hourly_rate=Decimal("99.99")
        ),
    )
    hours(owner, site, 1, billable=False)
    kept = ("hourly_rate", "currency", "rounded_seconds", "amount", "rate_id")
    before = [*TimeEntry.objects.order_by("pk").values_list(*kept)]
    TimeEntry.objects.update(amount=None)
    TimeEntry.objects.update(**dict.fromkeys(kept))
    assert price_unpriced() == 7
    assert [*TimeEntry.objects.order_by("pk").values_list(*kept)] == before
    assert price_unpriced() == 0


def test_what_is_closed_is_left_alone(owner: User, site: Project, api: APIClient) -> None:
    hours(owner, site)
    Rate.objects.update(hourly_rate=120)
    close_books("2024-01-16")
    api.post(PATH, {"preview": False})
    amounts = TimeEntry.objects.order_by("pk").values_list("amount", flat=True)
    assert [*amounts] == [50, 50, 100]


def test_what_was_loaded_past_the_service_can_be_billed_and_priced(
    owner: User, site: Project, api: APIClient
) -> None:
    hours(owner, site)
    TimeEntry.objects.update(amount=None)
    TimeEntry.objects.update(hourly_rate=None, currency=None, rounded_seconds=None, rate_id=None)
    body = {"reference": "A", "project_id": site.pk}
    assert api.post("/api/v1/billing", body).json()["billing"]["rounded_seconds"] == 9000
    (line,) = api.get("/api/v1/billing/A").json()["billing"]["lines"]
    assert (line["rounded_hours"], line["amount"], line["currency"]) == (2.5, None, None)
    api.delete("/api/v1/billing/A")
    after = api.post(PATH, {"preview": False}).json()["repricing"]["after"]
    assert after == [{"currency": "EUR", "amount": 150.0}]
