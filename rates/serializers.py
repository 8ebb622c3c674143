"""Rates on the wire."""

from datetime import date
from typing import Any

from rest_framework import serializers

from api.serializers.base import ModelSerializer
from api.serializers.fields import DateField
from api.serializers.representation import ComputedField
from rates.models import ALWAYS, Rate
from values.money import service_currency


def currency(
    client: str | None, project: str | None, client_id: int | None, project_id: int | None
) -> str | None:
    """Return the currency; null for a rate that takes that of whichever client it is used for."""
    if client_id is None and project_id is None:
        return None
    return client or project or service_currency()


class FirstDayField(DateField):
    """The first day of a rate; null for always."""

    def run_validation(self, data: object = serializers.empty) -> date:
        """Return the day; null is before any entry."""
        day: date = ALWAYS if data is None else super().run_validation(data)
        return day

    def to_representation(self, value: date) -> Any:
        """Return the day, or null for always."""
        return None if value == ALWAYS else super().to_representation(value)


class RateSerializer(ModelSerializer[Rate]):
    """An hourly rate of a user, a client, a project, or a user in one of these, from a day on."""

    valid_from = FirstDayField(
        required=False,
        allow_null=True,
        help_text="The first local day of an entry's owner that has this rate; null for always.",
    )
    currency = ComputedField(
        currency, "client.currency", "project.client.currency", "client_id", "project_id"
    )

    class Meta:
        model = Rate
        fields = [
            "id",
            "user_id",
            "client_id",
            "project_id",
            "hourly_rate",
            "valid_from",
            "valid_until",
            "currency",
            "created_at",
            "updated_at",
            "version",
            "external_id",
        ]
        extra_kwargs = {"hourly_rate": {"required": True, "allow_null": False}}
