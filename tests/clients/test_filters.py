"""What narrows a list of clients, and what it refuses."""

from datetime import UTC, datetime

import pytest

from clients.models import Client
from tests.support.answers import invalid
from tests.support.factories import api_as, make_client, make_user

pytestmark = pytest.mark.django_db

MARCH = datetime(2024, 3, 1, tzinfo=UTC)
STATUS = "Must be one or more of: active, inactive; separated by commas."


@pytest.fixture
def _three_clients() -> None:
    make_client("Acme", email="billing@acme.example", company="Acme Corporation")
    make_client("birch_works", email="hello@birch.example", status="inactive")
    make_client("Cedar 100%", company="Corp of Cedar", phone="+1-555-0123", address="Acme Lane 1")
    Client.objects.update(updated_at=MARCH.replace(month=2))
    Client.objects.filter(name="Acme").update(updated_at=MARCH)


@pytest.mark.usefixtures("_three_clients")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param({}, ["Acme", "Cedar 100%", "birch_works"], id="nothing"),
        pytest.param({"status": "active"}, ["Acme", "Cedar 100%"], id="active"),
        pytest.param(
            {"status": "inactive,active"}, ["Acme", "Cedar 100%", "birch_works"], id="both"
        ),
        pytest.param({"status": "inactive"}, ["birch_works"], id="inactive"),
        pytest.param({"search": "cEdAr"}, ["Cedar 100%"], id="name of another case"),
        pytest.param({"search": "HELLO@"}, ["birch_works"], id="email"),
        pytest.param({"search": "corp"}, ["Acme", "Cedar 100%"], id="company"),
        pytest.param({"search": "555"}, [], id="phone is not searched"),
        pytest.param({"search": "Lane"}, [], id="address is not searched"),
        pytest.param({"search": "0%"}, ["Cedar 100%"], id="percent sign is itself"),
        pytest.param({"search": "h_w"}, ["birch_works"], id="underscore is itself"),
        pytest.param({"updated_since": "2024-03-01T00:00:00Z"}, ["Acme"], id="since that instant"),
        pytest.param({"updated_since": "2024-03-01T00:00:01Z"}, [], id="since a second later"),
        pytest.param(
            {"updated_since": "2024-03-01T01:00:00+01:00"}, ["Acme"], id="since, with an offset"
        ),
        pytest.param({"updated_since": "2024-03-01T00:00:00"}, ["Acme"], id="since, without one"),
        pytest.param({"status": "active", "search": "corp o"}, ["Cedar 100%"], id="two filters"),
    ],
)
def test_list_keeps(query: dict[str, str], names: list[str]) -> None:
    response = api_as(make_user(), "read:clients").get("/api/v1/clients", query)
    assert response.status_code == 200
    # PostgreSQL may sort by a language's rules, SQLite by code points.
    assert sorted(client["name"] for client in response.json()["clients"]) == names


def test_search_knows_case_beyond_ascii() -> None:
    make_client("Öl Müller")
    response = api_as(make_user(), "read:clients").get("/api/v1/clients", {"search": "MÜLL"})
    assert [client["name"] for client in response.json()["clients"]] == ["Öl Müller"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        pytest.param({"status": "asleep"}, STATUS, id="status"),
        pytest.param({"status": "ACTIVE"}, STATUS, id="upper case"),
        pytest.param(
            {"status": ""},
            "Must not be empty. Send a value or omit the parameter.",
            id="empty status",
        ),
        pytest.param(
            {"updated_since": "yesterday"},
            "Must be a date and time such as 2024-01-15T14:30:00Z.",
            id="updated_since",
        ),
        pytest.param(
            {"stauts": "active"}, "Unknown parameter. Did you mean 'status'?", id="a slip"
        ),
        pytest.param(
            {"colour": "red"},
            "Unknown parameter. Accepted: cursor, external_id, page, perPage, per_page, "
            "search, status, "
            "updated_since.",
            id="a stranger",
        ),
    ],
)
def test_list_refuses(query: dict[str, str], sentence: str) -> None:
    response = api_as(make_user(), "read:clients").get("/api/v1/clients", query)
    assert response.status_code == 400
    assert response.json() == invalid(response, **dict.fromkeys(query, sentence))
