"""What is true of rates that many threads write at once."""

import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.db import transaction

from clients.models import Client
from rates.models import DAY, Rate, lock_places
from tests.support.admin import admin_as, as_shown, url
from tests.support.factories import api_as, make_administrator, make_client, make_project
from tests.support.racing import at_once

PATH = "/api/v1/rates"
FIRST = date(2024, 1, 1)
PLACES = ["user_id", "client_id", "project_id"]


def ends() -> list[date | None]:
    return [*Rate.objects.order_by("valid_from").values_list("valid_until", flat=True)]


def ends_by_the_days() -> list[date | None]:
    days = [*Rate.objects.order_by("valid_from").values_list("valid_from", flat=True)]
    return [*(day - DAY for day in days[1:]), None]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", PLACES)
def test_racing_rates_of_one_place_each_end_before_the_next(name: str) -> None:
    administrator = make_administrator()
    ids = {"user_id": administrator.pk, "client_id": make_client().pk}
    place = {name: {**ids, "project_id": make_project().pk}[name]}

    def posting(day: date) -> Callable[[], Any]:
        body = {**place, "hourly_rate": 50, "valid_from": day.isoformat()}
        return partial(api_as(administrator, "write:rates").post, PATH, body)

    answers = at_once([posting(FIRST + timedelta(days=7 * week)) for week in range(8)])
    assert [answer.status_code for answer in answers] == [201] * 8
    assert ends() == ends_by_the_days()


@pytest.mark.django_db(transaction=True)
def test_rates_that_are_changed_deleted_and_added_at_once_all_get_through() -> None:
    administrator, project = make_administrator(), make_project()
    days = [FIRST + timedelta(days=7 * week) for week in range(12)]
    rates = [Rate(project=project, hourly_rate=50, valid_from=day) for day in days[::2]]
    Rate.insert(rates)

    def call(week: int) -> Callable[[], Any]:
        api = api_as(administrator, "write:rates")
        if week % 2:
            body = {"project_id": project.pk, "hourly_rate": 60, "valid_from": f"{days[week]}"}
            return partial(api.post, PATH, body)
        path = f"{PATH}/{rates[week // 2].pk}"
        moved = days[week] + timedelta(days=3)
        return (
            partial(api.delete, path)
            if week % 4
            else partial(api.patch, path, {"valid_from": f"{moved}"})
        )

    answers = at_once([call(week) for week in range(12)])
    assert {answer.status_code for answer in answers} == {200, 201}
    assert Rate.objects.count() == 9
    assert ends() == ends_by_the_days()


@pytest.mark.django_db(transaction=True)
def test_rates_that_the_admin_and_the_api_write_at_once_all_get_through() -> None:
    administrators, project = [make_administrator(f"ada{n}") for n in range(3)], make_project()
    days = [FIRST + timedelta(days=7 * week) for week in range(12)]
    rates = [Rate(project=project, hourly_rate=50, valid_from=day) for day in days[::2]]
    Rate.insert(rates)

    def editing(number: int) -> Callable[[], Any]:
        browser, page = admin_as(administrators[number]), url(Rate, "change", rates[number].pk)
        moved = rates[number].valid_from + timedelta(days=3)
        return partial(
            browser.post, page, as_shown(browser.get(page)) | {"valid_from": f"{moved}"}
        )

    def posting(number: int) -> Callable[[], Any]:
        api = api_as(administrators[number], "write:rates")
        body = {
            "project_id": project.pk,
            "hourly_rate": 60,
            "valid_from": f"{days[2 * number + 1]}",
        }
        return partial(api.post, PATH, body)

    answers = at_once([call(number) for number in range(3) for call in (editing, posting)])
    assert [answer.status_code for answer in answers] == [302, 201] * 3
    assert ends() == ends_by_the_days()


@pytest.mark.django_db(transaction=True)
def test_who_deletes_a_client_in_the_admin_waits_for_who_writes_its_rates() -> None:
    client, is_locked = make_client(default_hourly_rate=50), Event()
    rate, browser = Rate.objects.get(), admin_as(make_administrator())

    def write() -> None:
        with transaction.atomic():
            lock_places(Rate.objects.all())
            is_locked.set()
            time.sleep(0.5)
            rate.hourly_rate = Decimal(60)
            rate.save()

    def delete() -> None:
        is_locked.wait(5)
        browser.post(url(Client, "delete", client.pk), {"post": "yes"})

    at_once([write, delete])
    assert (Client.objects.count(), Rate.objects.count()) == (0, 0)
