"""Projects on the wire."""

from rest_framework import serializers

from api.serializers.base import ModelSerializer
from projects.models import FavoriteProject, Project
from rates.rounding import RoundingObjectField


class ProjectSerializer(ModelSerializer[Project]):
    """A project; `client_id` may be null."""

    client_name = serializers.CharField(source="client.name", allow_null=True, read_only=True)
    rounding = RoundingObjectField(required=False, allow_null=True)

    class Meta:
        model = Project
        fields = [
            "id",
            "name",
            "description",
            "client_id",
            "client_name",
            "hourly_rate",
            "estimated_hours",
            "billable",
            "rounding",
            "status",
            "created_at",
            "updated_at",
            "version",
            "external_id",
        ]


class FavoriteProjectSerializer(ModelSerializer[FavoriteProject]):
    """A project that the user marked as a favorite."""

    user_id = serializers.IntegerField(read_only=True)

    class Meta:
        model = FavoriteProject
        fields = ["id", "user_id", "project_id", "created_at"]
