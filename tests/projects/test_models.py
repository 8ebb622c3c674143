"""Rules about projects, asked of the database and of Django's own validation."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from projects.models import Project
from tests.support.factories import make_client, make_project

pytestmark = pytest.mark.django_db

TAKEN = "This client already has a project with this name."
BROKEN = [
    pytest.param({"name": "Site"}, TAKEN, id="a taken name"),
    pytest.param({"name": "Site", "status": "on_hold"}, TAKEN, id="a taken name, on hold"),
    pytest.param(
        {"name": "App", "hourly_rate": Decimal("-0.01")},
        "The hourly rate cannot be negative.",
        id="a negative rate",
    ),
    pytest.param(
        {"name": "App", "estimated_hours": Decimal("-0.01")},
        "The estimated hours cannot be negative.",
        id="negative hours",
    ),
]


@pytest.mark.parametrize(("fields", "sentence"), BROKEN)
def test_database_refuses(fields: dict[str, Any], sentence: str) -> None:
    client = make_client()
    site = make_project("Site", client=client)
    with pytest.raises(IntegrityError), transaction.atomic():
        Project.objects.create(client=client, **fields)
    assert Project.objects.get() == site


@pytest.mark.parametrize(("fields", "sentence"), BROKEN)
def test_validation_says_the_sentence_of_the_rule(fields: dict[str, Any], sentence: str) -> None:
    client = make_client()
    make_project("Site", client=client)
    with pytest.raises(ValidationError) as caught:
        Project(client=client, **fields).full_clean()
    assert caught.value.messages == [sentence]


def test_database_refuses_to_restore_a_project_whose_name_is_taken() -> None:
    client = make_client()
    old = make_project("Site", client=client, status="archived")
    make_project("Site", client=client)
    with pytest.raises(IntegrityError), transaction.atomic():
        Project.objects.filter(pk=old.pk).update(status="active")
    assert Project.objects.get(pk=old.pk).status == "archived"


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"status": "archived"}, id="an archived one"),
        pytest.param({"name": "site"}, id="another case"),
        pytest.param({"client": None}, id="without a client"),
        pytest.param({"hourly_rate": 0, "name": "App"}, id="a rate of zero"),
        pytest.param({"estimated_hours": 0, "name": "App"}, id="no hours"),
    ],
)
def test_database_takes(fields: dict[str, Any]) -> None:
    client = make_client()
    make_project("Site", client=client)
    Project.objects.create(**{"name": "Site", "client": client} | fields)
    assert Project.objects.count() == 2


def test_names_are_free_among_projects_without_a_client() -> None:
    make_project("Site")
    make_project("Site")
    assert Project.objects.count() == 2


def test_two_clients_may_each_have_a_project_of_a_name() -> None:
    make_project("Site", client=make_client("Acme"))
    make_project("Site", client=make_client("Birch"))
    assert Project.objects.count() == 2
