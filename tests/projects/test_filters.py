"""What narrows a list of projects, and what it refuses."""

from datetime import UTC, datetime

import pytest

from clients.models import Client
from projects.models import Project
from tests.support.answers import invalid
from tests.support.factories import api_as, make_client, make_project, make_user

pytestmark = pytest.mark.django_db

MARCH = datetime(2024, 3, 1, tzinfo=UTC)
STATUS = "Must be one or more of: active, archived, on_hold; separated by commas."


@pytest.fixture
def acme() -> Client:
    """The client of two of four projects."""
    acme = make_client("Acme")
    make_project("App", client=acme, description="For phones")
    make_project("Book", client=acme, status="archived")
    make_project("Course", client=make_client("Birch"), status="on_hold")
    make_project("Drawing", description="An APP of its own")
    Project.objects.update(updated_at=MARCH.replace(month=2))
    Project.objects.filter(name="Book").update(updated_at=MARCH)
    return acme


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param({}, ["App", "Book", "Course", "Drawing"], id="nothing: every status"),
        pytest.param({"status": "active"}, ["App", "Drawing"], id="active"),
        pytest.param({"status": "archived"}, ["Book"], id="archived"),
        pytest.param({"status": "on_hold"}, ["Course"], id="on hold"),
        pytest.param({"status": "on_hold,archived"}, ["Book", "Course"], id="one of two"),
        pytest.param({"client_id": "ACME"}, ["App", "Book"], id="client"),
        pytest.param({"client_id": "999999"}, [], id="a client that is not there"),
        pytest.param({"search": "app"}, ["App", "Drawing"], id="name and description"),
        pytest.param({"search": "acme"}, [], id="the client's name is not searched"),
        pytest.param({"updated_since": "2024-03-01T00:00:00Z"}, ["Book"], id="since"),
        pytest.param({"updated_since": "2024-03-01T00:00:00.000001Z"}, [], id="since just later"),
        pytest.param({"client_id": "ACME", "status": "active"}, ["App"], id="two filters"),
    ],
)
def test_list_keeps(acme: Client, query: dict[str, str], names: list[str]) -> None:
    query = {name: str(acme.pk) if text == "ACME" else text for name, text in query.items()}
    response = api_as(make_user(), "read:projects").get("/api/v1/projects", query)
    assert response.status_code == 200
    assert [project["name"] for project in response.json()["projects"]] == names


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        pytest.param({"status": "done"}, STATUS, id="status"),
        pytest.param({"status": "active,done"}, STATUS, id="one of several statuses"),
        pytest.param({"status": "active,"}, STATUS, id="nothing after a comma"),
        pytest.param({"status": "active, on_hold"}, STATUS, id="a blank after a comma"),
        pytest.param({"status": "all"}, STATUS, id="all is no status"),
        pytest.param({"client_id": "acme"}, "Must be an id: a whole number.", id="word for id"),
        pytest.param({"client_id": "1.5"}, "Must be an id: a whole number.", id="fraction for id"),
        pytest.param({"client_id": "-1"}, "Must be an id: a whole number.", id="negative id"),
        pytest.param(
            {"updated_since": "2024-02-30T00:00:00Z"},
            "Must be a date and time such as 2024-01-15T14:30:00Z.",
            id="no such day",
        ),
        pytest.param({"client": "1"}, "Unknown parameter. Did you mean 'client_id'?", id="a slip"),
    ],
)
def test_list_refuses(query: dict[str, str], sentence: str) -> None:
    response = api_as(make_user(), "read:projects").get("/api/v1/projects", query)
    assert response.status_code == 400
    assert response.json() == invalid(response, **dict.fromkeys(query, sentence))
