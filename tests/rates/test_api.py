"""Rates and explanations over the API."""

from datetime import date
from typing import Any

import pytest
from rest_framework.test import APIClient

from projects.models import Project
from rates.models import Rate
from tests.support.factories import api_as, make_client, make_entry, make_project, make_user
from users.models import User

PATH = "/api/v1/rates"


@pytest.fixture
def site(db: None) -> Project:
    return make_project("Site", client=make_client("Acme", currency="EUR"))


@pytest.fixture
def api(administrator: User) -> APIClient:
    return api_as(administrator, "write:rates", "write:projects", "read:time_entries")


def test_a_rate_as_documented(api: APIClient, site: Project, owner: User) -> None:
    body = {
        "project_id": site.pk,
        "user_id": owner.pk,
        "hourly_rate": 90,
        "valid_from": "2024-02-01",
    }
    response = api.post(PATH, body)
    assert response.status_code == 201
    rate = response.json()["rate"]
    shown = {**body, "client_id": None, "valid_until": None, "currency": "EUR", "version": 1}
    assert rate | shown == rate
    later = api.post(PATH, body | {"valid_from": "2024-03-01"}).json()["rate"]
    assert api.get(f"{PATH}/{rate['id']}").json()["rate"]["valid_until"] == "2024-02-29"
    assert (
        api.put(f"{PATH}/{later['id']}", {"valid_from": None}).json()["rate"]["valid_from"] is None
    )
    assert api.delete(f"{PATH}/{rate['id']}").status_code == 200


@pytest.mark.parametrize("place", ["user_id", "client_id", "project_id", "user in project"])
def test_a_place_has_one_rate_from_a_day_on(
    api: APIClient, site: Project, owner: User, place: str
) -> None:
    ids = {"user_id": owner.pk, "client_id": site.client_id, "project_id": site.pk}
    at = (
        {"user_id": owner.pk, "project_id": site.pk}
        if place == "user in project"
        else {place: ids[place]}
    )
    for valid_from in (None, "2024-02-01"):
        body = {**at, "hourly_rate": 90, "valid_from": valid_from}
        taken = api.post(PATH, body).json()["rate"]["id"]
        refused = api.post(PATH, body)
        assert (refused.status_code, refused.json()["error_code"]) == (409, "rate_exists")
        assert refused.json()["conflicting_id"] == taken


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({"hourly_rate": 5}, "client_id", id="no place"),
        pytest.param({"project_id": 1, "client_id": 1, "hourly_rate": 5}, "client_id", id="both"),
        pytest.param({"project_id": 1}, "hourly_rate", id="no rate"),
        pytest.param({"project_id": 1, "hourly_rate": None}, "hourly_rate", id="null"),
        pytest.param({"project_id": 1, "hourly_rate": -1}, "hourly_rate", id="negative"),
        pytest.param(
            {"project_id": 1, "hourly_rate": 5, "valid_from": "2024-02-30"},
            "valid_from",
            id="no day",
        ),
        pytest.param({"project_id": 99, "hourly_rate": 5}, "project_id", id="no project"),
    ],
)
def test_bad_input_is_400(api: APIClient, site: Project, body: dict[str, Any], field: str) -> None:
    for name, pk in (("project_id", site.pk), ("client_id", site.client_id)):
        if body.get(name) == 1:
            body = body | {name: pk}
    response = api.post(PATH, body)
    assert response.status_code == 400, response.content
    assert [*response.json()["errors"]] == [field]


def test_only_administrators_write_and_others_see_theirs(owner: User, site: Project) -> None:
    Rate(user=owner, hourly_rate=50).save()
    Rate(user=make_user("other"), hourly_rate=70).save()
    Rate(project=site, hourly_rate=90).save()
    api = api_as(owner, "write:rates")
    assert {rate["hourly_rate"] for rate in api.get(PATH).json()["rates"]} == {50.0, 90.0}
    refused = api.post(PATH, {"project_id": site.pk, "hourly_rate": 5})
    assert refused.status_code == 403
    assert refused.json()["message"] == "Only administrators may change rates."


def test_a_rate_is_explained(owner: User, site: Project, api: APIClient) -> None:
    used = Rate(project=site, hourly_rate=90)
    used.save()
    later = Rate(project=site, hourly_rate=95, valid_from=date(2024, 2, 1))
    later.save()
    general = Rate(client=site.client, hourly_rate=50)
    general.save()
    entry = make_entry(owner, site)
    shown = api.get(f"/api/v1/time-entries/{entry.pk}/rate").json()["rate"]
    outcomes = {each["id"]: each["outcome"] for each in shown.pop("considered")}
    assert outcomes == {used.pk: "used", later.pk: "not_yet_valid", general.pk: "less_specific"}
    assert shown == {
        "rate_id": used.pk,
        "hourly_rate": 90.0,
        "currency": "EUR",
        "rounded_seconds": 3600,
        "amount": 90.0,
        "day": "2024-01-15",
        "rounding": None,
        "reason": "The entry has the most specific rate that is valid on its day.",
    }
    Rate(user=owner, project=site, hourly_rate=99).save()
    again = api.get(f"/api/v1/time-entries/{entry.pk}/rate").json()["rate"]
    assert again["amount"] == 90.0
    assert again["reason"].startswith("The entry keeps the price that it got")
