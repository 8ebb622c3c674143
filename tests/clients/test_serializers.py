"""What a client's fields take, and what they refuse."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from clients.models import Client
from clients.serializers import ClientSerializer
from resources.refusals import Vanished
from tests.support.answers import invalid, refusal
from tests.support.factories import api_as, make_client, make_user

pytestmark = pytest.mark.django_db

STRING = "Must be a string."
BLANK = "This field may not be blank."
NULL = "This field may not be null."
STATUS = "Must be one of: active, inactive."
NUMBER = "Must be a number such as 75.5."
INVALID_NUMBER = "A valid number is required."


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        pytest.param("name", 5, STRING, id="number for name"),
        pytest.param("name", True, STRING, id="boolean for name"),
        pytest.param("name", ["Acme"], STRING, id="array for name"),
        pytest.param("name", {"first": "Acme"}, STRING, id="object for name"),
        pytest.param("name", None, NULL, id="null for name"),
        pytest.param("name", "", BLANK, id="empty name"),
        pytest.param("name", " \t ", BLANK, id="blank name"),
        pytest.param(
            "name", "x" * 201, "Ensure this field has no more than 200 characters.", id="long name"
        ),
        pytest.param("email", "nobody", "Enter a valid email address.", id="no email address"),
        pytest.param("email", 5, STRING, id="number for email"),
        pytest.param("company", 5, STRING, id="number for company"),
        pytest.param("phone", 15550123, STRING, id="number for phone"),
        pytest.param("address", 5, STRING, id="number for address"),
        pytest.param("default_hourly_rate", "seventy", INVALID_NUMBER, id="word for rate"),
        pytest.param("default_hourly_rate", "NaN", INVALID_NUMBER, id="NaN for rate"),
        pytest.param("default_hourly_rate", "Infinity", INVALID_NUMBER, id="infinite rate"),
        pytest.param("default_hourly_rate", "-Infinity", INVALID_NUMBER, id="minus infinite rate"),
        pytest.param("default_hourly_rate", True, NUMBER, id="boolean for rate"),
        pytest.param("default_hourly_rate", [75], NUMBER, id="array for rate"),
        pytest.param(
            "default_hourly_rate",
            75.005,
            "Ensure that there are no more than 2 decimal places.",
            id="three decimals",
        ),
        pytest.param(
            "default_hourly_rate",
            100_000_000,
            "Ensure that there are no more than 8 digits before the decimal point.",
            id="nine digits",
        ),
        pytest.param(
            "default_hourly_rate",
            -0.01,
            "The default hourly rate cannot be negative.",
            id="negative rate",
        ),
        pytest.param("status", "asleep", STATUS, id="unknown status"),
        pytest.param("status", "ACTIVE", STATUS, id="upper case status"),
        pytest.param("status", 1, STATUS, id="number for status"),
        pytest.param("status", None, NULL, id="null for status"),
        pytest.param("nmae", "Acme", "Unknown field. Did you mean 'name'?", id="a slip"),
        pytest.param(
            "colour",
            "red",
            "Unknown field. Accepted: address, company, created_at, currency, "
            "default_hourly_rate, email, external_id, id, name, phone, rounding, status, "
            "updated_at, version.",
            id="a stranger",
        ),
    ],
)
def test_field_refuses(field: str, value: Any, sentence: str) -> None:
    api = api_as(make_user(), "write:clients")
    response = api.post("/api/v1/clients", {"name": "Acme", field: value})
    assert response.status_code == 400
    assert response.json() == invalid(response, **{field: sentence})
    assert Client.objects.count() == 0


def test_every_wrong_field_is_named() -> None:
    api = api_as(make_user(), "write:clients")
    response = api.post("/api/v1/clients", {"email": "nobody", "status": "asleep"})
    assert response.status_code == 400
    assert response.json() == invalid(
        response,
        name="This field is required.",
        email="Enter a valid email address.",
        status=STATUS,
    )


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_a_word_that_is_no_json_number_is_refused(word: str) -> None:
    api = api_as(make_user(), "write:clients")
    body = f'{{"name": "Acme", "default_hourly_rate": {word}}}'
    response = api.post("/api/v1/clients", body, content_type="application/json")
    assert response.status_code == 400
    assert response.json() == refusal(
        response, "bad_request", f"The body is not valid JSON: {word} is not a JSON number."
    )


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        pytest.param("name", "x" * 200, "x" * 200, id="name of 200 characters"),
        pytest.param("name", "  Acme ", "Acme", id="name with spaces around"),
        pytest.param("address", " Lane 1\n\n 12345 ", " Lane 1\n\n 12345 ", id="address as it is"),
        pytest.param("email", "", "", id="no email"),
        pytest.param("default_hourly_rate", None, None, id="no rate"),
        pytest.param("default_hourly_rate", 0, Decimal(0), id="rate of zero"),
        pytest.param("default_hourly_rate", 75, Decimal(75), id="whole rate"),
        pytest.param("default_hourly_rate", 75.1, Decimal("75.10"), id="rate with decimals"),
        pytest.param("default_hourly_rate", "75.05", Decimal("75.05"), id="rate as a string"),
        pytest.param("default_hourly_rate", 99999999.99, Decimal("99999999.99"), id="top rate"),
    ],
)
def test_field_takes(field: str, value: Any, stored: Any) -> None:
    api = api_as(make_user(), "write:clients")
    response = api.post("/api/v1/clients", {"name": "Birch", field: value})
    assert response.status_code == 201
    assert getattr(Client.objects.get(), field) == stored


def test_update_leaves_a_racing_change_to_another_column_alone() -> None:
    stale = make_client("Acme", phone="1")
    Client.objects.update(phone="2", status="inactive")
    serializer = ClientSerializer(stale, data={"company": "Acme Corp"}, partial=True)
    assert serializer.is_valid()
    serializer.save()
    assert Client.objects.values("phone", "status", "company").get() == {
        "phone": "2",
        "status": "inactive",
        "company": "Acme Corp",
    }


def test_update_stamps_the_change() -> None:
    client = make_client()
    Client.objects.update(updated_at=client.updated_at - timedelta(days=1))
    serializer = ClientSerializer(client, data={"company": "Acme Corp"}, partial=True)
    assert serializer.is_valid()
    serializer.save()
    assert Client.objects.get().updated_at > client.created_at


def test_update_of_a_row_deleted_meanwhile_is_not_found() -> None:
    stale = make_client()
    Client.objects.all().delete()
    serializer = ClientSerializer(stale, data={"phone": "2"}, partial=True)
    assert serializer.is_valid()
    with pytest.raises(Vanished, match="It has been deleted in the meantime"):
        serializer.save()
    assert Client.objects.count() == 0
