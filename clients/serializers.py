"""Clients on the wire."""

from api.serializers.base import ModelSerializer
from clients.models import Client
from rates.rounding import RoundingObjectField


class ClientSerializer(ModelSerializer[Client]):
    """A client."""

    rounding = RoundingObjectField(required=False, allow_null=True)

    class Meta:
        model = Client
        fields = [
            "id",
            "name",
            "email",
            "company",
            "phone",
            "address",
            "default_hourly_rate",
            "currency",
            "rounding",
            "status",
            "created_at",
            "updated_at",
            "version",
            "external_id",
        ]
