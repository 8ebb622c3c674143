"""Rates on the wire."""

from datetime import date
from typing import Any

from rest_framework import serializers

from api.serializers.base import ModelSerializer
from api.serializers.fields import DateField
from api.serializers.representation import ComputedField
from rates.models import ALWAYS, Rate, currency_of


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
        help_text="The first day of the rate, in the zone of an entry's user; null for always.",
    )
    currency = ComputedField(
        currency_of, "client.currency", "project.client.currency", "client_id", "project_id"
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
