"""What a project's fields take, and what they refuse."""

from decimal import Decimal
from typing import Any

import pytest

from projects.models import Project
from projects.serializers import ProjectSerializer
from resources.refusals import Vanished
from tests.support.answers import invalid
from tests.support.factories import api_as, make_client, make_project, make_user

pytestmark = pytest.mark.django_db

STRING = "Must be a string."
NULL = "This field may not be null."
STATUS = "Must be one of: active, archived, on_hold."
NUMBER = "Must be a number such as 75.5."
SWITCH = "Must be true or false."
ID = "Must be an id: a whole number."
DECIMALS = "Ensure that there are no more than 2 decimal places."


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        pytest.param("name", 5, STRING, id="number for name"),
        pytest.param("name", None, NULL, id="null for name"),
        pytest.param("name", " ", "This field may not be blank.", id="blank name"),
        pytest.param(
            "name", "x" * 201, "Ensure this field has no more than 200 characters.", id="long name"
        ),
        pytest.param("description", 5, STRING, id="number for description"),
        pytest.param("client_id", 1.5, ID, id="fraction for client"),
        pytest.param("client_id", 1.0, ID, id="float for client"),
        pytest.param("client_id", "1.5", ID, id="text of a fraction for client"),
        pytest.param("client_id", "acme", ID, id="word for client"),
        pytest.param("client_id", True, ID, id="boolean for client"),
        pytest.param("client_id", [1], ID, id="array for client"),
        pytest.param("client_id", -1, ID, id="negative client"),
        pytest.param("client_id", 10**30, ID, id="client beyond all integers"),
        pytest.param(
            "client_id", 999999, "There is no client with the id 999999.", id="no such client"
        ),
        pytest.param("hourly_rate", "NaN", "A valid number is required.", id="NaN for rate"),
        pytest.param("hourly_rate", "1_000", NUMBER, id="underscore in rate"),
        pytest.param("hourly_rate", "\u0661\u0662", NUMBER, id="Arabic-Indic digits for rate"),
        pytest.param("client_id", "1_000", ID, id="underscore in id"),
        pytest.param("client_id", "\u0661", ID, id="Arabic-Indic digit for client"),
        pytest.param("hourly_rate", False, NUMBER, id="boolean for rate"),
        pytest.param("hourly_rate", 0.001, DECIMALS, id="three decimals in rate"),
        pytest.param("hourly_rate", -1, "The hourly rate cannot be negative.", id="negative rate"),
        pytest.param("estimated_hours", {"h": 1}, NUMBER, id="object for hours"),
        pytest.param("estimated_hours", 1.125, DECIMALS, id="three decimals in hours"),
        pytest.param(
            "estimated_hours", -1, "The estimated hours cannot be negative.", id="negative hours"
        ),
        pytest.param("billable", "yes", SWITCH, id="yes for billable"),
        pytest.param("billable", "true", SWITCH, id="text for billable"),
        pytest.param("billable", 1, SWITCH, id="number for billable"),
        pytest.param("billable", None, NULL, id="null for billable"),
        pytest.param("status", "done", STATUS, id="unknown status"),
        pytest.param("status", ["active"], STATUS, id="array for status"),
        pytest.param("cleint_id", 1, "Unknown field. Did you mean 'client_id'?", id="a slip"),
    ],
)
def test_field_refuses(field: str, value: Any, sentence: str) -> None:
    api = api_as(make_user(), "write:projects")
    response = api.post("/api/v1/projects", {"name": "Site", field: value})
    assert response.status_code == 400
    assert response.json() == invalid(response, **{field: sentence})
    assert Project.objects.count() == 0


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        pytest.param("description", " as\n it is ", " as\n it is ", id="description as it is"),
        pytest.param("client_id", None, None, id="no client"),
        pytest.param("hourly_rate", None, None, id="no rate"),
        pytest.param("hourly_rate", 75.0, Decimal("75.00"), id="rate"),
        pytest.param("hourly_rate", "75.05", Decimal("75.05"), id="rate as a string"),
        pytest.param("estimated_hours", 0, Decimal(0), id="no hours"),
        pytest.param("billable", False, False, id="not billable"),
        pytest.param("status", "on_hold", "on_hold", id="on hold"),
    ],
)
def test_field_takes(field: str, value: Any, stored: Any) -> None:
    api = api_as(make_user(), "write:projects")
    response = api.post("/api/v1/projects", {"name": "Site", field: value})
    assert response.status_code == 201
    assert getattr(Project.objects.get(), field) == stored


@pytest.mark.parametrize("zero", [-0.0, "-0.00"])
def test_a_zero_has_no_minus(zero: Any) -> None:
    api = api_as(make_user(), "write:projects")
    response = api.post("/api/v1/projects", {"name": "Site", "hourly_rate": zero})
    assert b"-0" not in response.content.partition(b"created_at")[0]
    assert str(response.json()["project"]["hourly_rate"]) == "0.0"


@pytest.mark.parametrize("kind", [int, str])
def test_an_id_may_be_a_number_or_a_string_of_digits(kind: type) -> None:
    client = make_client()
    api = api_as(make_user(), "write:projects")
    response = api.post("/api/v1/projects", {"name": "Site", "client_id": kind(client.pk)})
    assert response.status_code == 201
    assert response.json()["project"]["client_id"] == client.pk
    assert Project.objects.get().client == client


def test_update_leaves_a_racing_change_to_another_column_alone() -> None:
    stale = make_project("Site", hourly_rate=Decimal(50))
    Project.objects.update(hourly_rate=Decimal(60), status="archived")
    serializer = ProjectSerializer(stale, data={"description": "New"}, partial=True)
    assert serializer.is_valid()
    serializer.save()
    assert Project.objects.values("hourly_rate", "status", "description").get() == {
        "hourly_rate": Decimal(60),
        "status": "archived",
        "description": "New",
    }


def test_update_of_a_row_deleted_meanwhile_is_not_found() -> None:
    stale = make_project()
    Project.objects.all().delete()
    serializer = ProjectSerializer(stale, data={"description": "New"}, partial=True)
    assert serializer.is_valid()
    with pytest.raises(Vanished, match="It has been deleted in the meantime"):
        serializer.save()
    assert Project.objects.count() == 0
