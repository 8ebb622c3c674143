"""Rules about clients, asked of the database and of Django's own validation."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from clients.models import Client
from tests.support.factories import make_client

pytestmark = pytest.mark.django_db

BROKEN = [
    pytest.param(
        {"name": "ACME"}, "A client with this name already exists.", id="a name of another case"
    ),
    pytest.param(
        {"name": "Birch", "default_hourly_rate": Decimal("-0.01")},
        "The default hourly rate cannot be negative.",
        id="a negative rate",
    ),
]


@pytest.mark.parametrize(("fields", "sentence"), BROKEN)
def test_database_refuses(fields: dict[str, Any], sentence: str) -> None:
    make_client("Acme")
    with pytest.raises(IntegrityError), transaction.atomic():
        Client.objects.create(**fields)
    assert [client.name for client in Client.objects.all()] == ["Acme"]


@pytest.mark.parametrize(("fields", "sentence"), BROKEN)
def test_validation_says_the_sentence_of_the_rule(fields: dict[str, Any], sentence: str) -> None:
    make_client("Acme")
    with pytest.raises(ValidationError) as caught:
        Client(**fields).full_clean()
    assert caught.value.messages == [sentence]


def test_database_refuses_a_name_of_another_case_beyond_ascii() -> None:
    make_client("Öl Müller")
    with pytest.raises(IntegrityError), transaction.atomic():
        Client.objects.create(name="ÖL MÜLLER")


def test_a_rate_of_zero_is_a_rate() -> None:
    assert make_client(default_hourly_rate=Decimal(0)).default_hourly_rate == 0
