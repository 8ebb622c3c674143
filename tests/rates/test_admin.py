"""Rates in the Django admin."""

from datetime import date

from projects.models import Project
from rates.models import Rate
from tests.support.admin import admin_as, rows_of, url
from tests.support.factories import make_client, make_project
from users.models import User


def test_rates_that_are_deleted_together_let_the_one_before_go_on(administrator: User) -> None:
    site = make_project("Site")
    days = [date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)]
    first, *others = rates = [
        Rate(project=site, hourly_rate=50 + number, valid_from=day)
        for number, day in enumerate(days)
    ]
    Rate.insert(rates)
    assert Project.objects.get().hourly_rate == 52
    chosen = {"_selected_action": [rate.pk for rate in others], "post": "yes"}
    page = url(Rate, "changelist")
    admin_as(administrator).post(page, {"action": "delete_selected", **chosen})
    assert [*Rate.objects.values_list("pk", "valid_until")] == [(first.pk, None)]
    assert Project.objects.get().hourly_rate == 50


def test_rates_are_listed_with_their_currencies(administrator: User) -> None:
    acme = make_client("Acme", currency="JPY")
    rates: list[Rate] = [
        Rate(user=administrator, hourly_rate=40),
        Rate(client=acme, hourly_rate=5000),
        Rate(project=make_project("Site", client=acme), hourly_rate=6000),
        Rate(project=make_project("Own"), hourly_rate=70),
        Rate(project=make_project("Free"), hourly_rate=None),
    ]
    Rate.insert(rates)
    page = admin_as(administrator).get(url(Rate, "changelist"))
    assert [row[:2] for row in rows_of(page)] == [
        ["ada", "40.00"],
        ["Acme", "5000.00 JPY"],
        ["Site", "6000.00 JPY"],
        ["Own", "70.00 USD"],
        ["Free", "none"],
    ]
    assert str(rates[-1]) == "No rate for Free"
