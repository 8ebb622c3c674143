"""Rates in the Django admin."""

from datetime import date

from projects.models import Project
from rates.models import Rate
from tests.support.admin import admin_as, url
from tests.support.factories import make_project
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
