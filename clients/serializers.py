"""Clients on the wire."""

from api.serializers.base import ModelSerializer
from clients.models import Client


class ClientSerializer(ModelSerializer[Client]):
    """A client."""

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
            "status",
            "created_at",
            "updated_at",
            "version",
            "external_id",
        ]
