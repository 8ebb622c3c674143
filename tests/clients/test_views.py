"""The clients' endpoints: whole answers, then the row."""

from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from clients.models import Client
from tests.support.answers import instant, page_of, refusal
from tests.support.factories import api_as, make_client, make_project, make_user
from tests.support.racing import at_once
from users.models import User

PATH = "/api/v1/clients"


def client_json(client: Client) -> dict[str, Any]:
    """A client as the API shows it."""
    rate = client.default_hourly_rate
    return {
        "id": client.pk,
        "name": client.name,
        "email": client.email,
        "company": client.company,
        "phone": client.phone,
        "address": client.address,
        "default_hourly_rate": None if rate is None else float(rate),
        "currency": client.currency,
        "rounding": None,
        "status": client.status,
        "created_at": instant(client.created_at),
        "updated_at": instant(client.updated_at),
        "version": client.version,
        "external_id": None,
    }


def test_list_is_ordered_by_name_then_id(owner: User) -> None:
    cedar, acme = make_client("Cedar"), make_client("Acme", default_hourly_rate=Decimal("75.5"))
    response = api_as(owner, "read:clients").get(PATH)
    assert response.status_code == 200
    assert response.json() == page_of("clients", [client_json(acme), client_json(cedar)])


def test_empty_list_has_no_pages(owner: User) -> None:
    response = api_as(owner, "read:clients").get(PATH)
    assert response.status_code == 200
    assert response.json() == page_of("clients", [])


def test_list_costs_the_same_for_one_and_for_twenty(
    owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    api = api_as(owner, "read:clients")
    make_client("Client 0")
    api.get(PATH)
    with django_assert_num_queries(4):  # token, tag, count, page
        assert len(api.get(PATH).json()["clients"]) == 1
    for number in range(1, 20):
        make_client(f"Client {number}")
    with django_assert_num_queries(4):
        assert len(api.get(PATH).json()["clients"]) == 20


def test_get_returns_all_fields(owner: User) -> None:
    client = make_client(
        "Acme Corp",
        email="contact@acme.com",
        company="Acme Corporation",
        phone="+1-555-0123",
        address="Lane 1\n12345 Town",
        default_hourly_rate=Decimal("80.00"),
        status="inactive",
    )
    response = api_as(owner, "read:clients").get(f"{PATH}/{client.pk}")
    assert response.status_code == 200
    assert response.json() == {
        "client": {
            "id": client.pk,
            "name": "Acme Corp",
            "email": "contact@acme.com",
            "company": "Acme Corporation",
            "phone": "+1-555-0123",
            "address": "Lane 1\n12345 Town",
            "default_hourly_rate": 80.0,
            "currency": None,
            "rounding": None,
            "status": "inactive",
            "created_at": instant(client.created_at),
            "updated_at": instant(client.updated_at),
            "version": 1,
            "external_id": None,
        }
    }


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_a_missing_client_is_not_found(owner: User, method: str) -> None:
    response = getattr(api_as(owner, "write:clients"), method)(f"{PATH}/999999")
    assert response.status_code == 404
    assert response.json() == refusal(
        response, "not_found", "There is no client with the id 999999."
    )


def test_create_as_documented(owner: User) -> None:
    body = {
        "name": "Acme Corp",
        "email": "contact@acme.com",
        "company": "Acme Corporation",
        "phone": "+1-555-0123",
    }
    response = api_as(owner, "write:clients").post(PATH, body)
    assert response.status_code == 201
    client = Client.objects.get()
    assert response.json() == {
        "message": "Client created successfully",
        "client": {
            "id": client.pk,
            **body,
            "address": "",
            "default_hourly_rate": None,
            "currency": None,
            "rounding": None,
            "status": "active",
            "created_at": instant(client.created_at),
            "updated_at": instant(client.updated_at),
            "version": 1,
            "external_id": None,
        },
    }
    assert response["Location"] == f"{PATH}/{client.pk}"
    assert client_json(client) == response.json()["client"]


@pytest.mark.parametrize("method", ["put", "patch"])
def test_update_changes_what_was_sent_and_nothing_else(owner: User, method: str) -> None:
    client = make_client("Acme", phone="1", default_hourly_rate=Decimal("75.5"))
    api = api_as(owner, "write:clients")
    response = getattr(api, method)(f"{PATH}/{client.pk}", {"company": "Acme Corp"})
    assert response.status_code == 200
    changed = Client.objects.get()
    assert changed.updated_at > client.updated_at
    expected = client_json(client) | {
        "company": "Acme Corp",
        "updated_at": instant(changed.updated_at),
        "version": 2,
        "external_id": None,
    }
    assert response.json() == {"message": "Client updated successfully", "client": expected}
    assert client_json(changed) == expected


def test_what_get_returns_can_be_put_back(owner: User) -> None:
    client = make_client("Acme", email="a@acme.example", default_hourly_rate=Decimal("75.55"))
    api = api_as(owner, "write:clients")
    body = api.get(f"{PATH}/{client.pk}").json()["client"]
    response = api.put(f"{PATH}/{client.pk}", body)
    assert response.status_code == 200
    assert response.json()["client"] == body


def test_read_only_fields_are_ignored(owner: User) -> None:
    client = make_client("Acme")
    body = {"id": 7, "created_at": "never", "updated_at": None, "version": 9, "phone": "2"}
    response = api_as(owner, "write:clients").patch(f"{PATH}/{client.pk}", body)
    assert response.status_code == 200
    changed = Client.objects.get()
    assert client_json(changed) == client_json(client) | {
        "phone": "2",
        "updated_at": instant(changed.updated_at),
        "version": 2,
        "external_id": None,
    }


def test_delete_removes_the_client(owner: User) -> None:
    client, other = make_client("Acme"), make_client("Birch")
    response = api_as(owner, "write:clients").delete(f"{PATH}/{client.pk}")
    assert response.status_code == 200
    assert response.json() == {"message": "Client deleted successfully"}
    assert list(Client.objects.all()) == [other]


@pytest.mark.parametrize(
    ("projects", "sentence"),
    [
        pytest.param(1, "This client is used by 1 project.", id="one project"),
        pytest.param(2, "This client is used by 2 projects.", id="two projects"),
    ],
)
def test_a_client_with_projects_cannot_be_deleted(
    owner: User, projects: int, sentence: str
) -> None:
    client = make_client("Acme")
    for number in range(projects):
        make_project(f"Site {number}", client=client, status="archived")
    response = api_as(owner, "write:clients").delete(f"{PATH}/{client.pk}")
    assert response.status_code == 409
    assert response.json() == refusal(response, "in_use", sentence)
    assert Client.objects.get() == client


def test_a_name_that_differs_in_case_alone_is_taken(owner: User) -> None:
    acme = make_client("Acme")
    response = api_as(owner, "write:clients").post(PATH, {"name": "aCME"})
    assert response.status_code == 409
    assert response.json() == refusal(
        response,
        "conflict",
        "A client with this name already exists.",
        conflicting_id=acme.pk,
    )
    assert Client.objects.count() == 1


def test_renaming_to_a_taken_name_is_refused(owner: User) -> None:
    acme = make_client("Acme")
    birch = make_client("Birch")
    response = api_as(owner, "write:clients").put(f"{PATH}/{birch.pk}", {"name": "ACME"})
    assert response.status_code == 409
    assert response.json() == refusal(
        response,
        "conflict",
        "A client with this name already exists.",
        conflicting_id=acme.pk,
    )
    assert Client.objects.get(pk=birch.pk).name == "Birch"


def test_a_client_can_change_the_case_of_its_own_name(owner: User) -> None:
    client = make_client("acme")
    response = api_as(owner, "write:clients").put(f"{PATH}/{client.pk}", {"name": "ACME"})
    assert response.status_code == 200
    assert Client.objects.get().name == "ACME"


@pytest.mark.django_db(transaction=True)
def test_racing_creates_of_one_name_leave_one_client() -> None:
    owner = make_user()
    names = ["Acme", "ACME"] * 8
    responses = at_once(
        [partial(api_as(owner, "write:clients").post, PATH, {"name": name}) for name in names]
    )
    assert sorted(response.status_code for response in responses) == [201] + [409] * 15
    assert Client.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_racing_delete_and_first_project_leave_no_project_without_its_client() -> None:
    owner = make_user()
    for number in range(24):
        client = make_client(f"Client {number}")
        writer = api_as(owner, "write:projects")
        body = {"name": f"Site {number}", "client_id": client.pk}
        deleter = api_as(owner, "write:clients")
        responses = at_once(
            [
                partial(deleter.delete, f"{PATH}/{client.pk}"),
                partial(writer.post, "/api/v1/projects", body),
            ]
        )
        outcome = tuple(response.status_code for response in responses)
        # Either the project was first, or the client was gone before (400) or during (409) it.
        assert outcome in {(409, 201), (200, 400), (200, 409)}
        assert Client.objects.filter(pk=client.pk).exists() == (outcome[0] == 409)
