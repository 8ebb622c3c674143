"""Users on the wire."""

from rest_framework import serializers

from timetracker.api.serializers import ModelSerializer
from users.models import User


class UserSerializer(ModelSerializer[User]):
    """A user, read only: people are managed in the admin."""

    full_name = serializers.CharField(source="get_full_name", read_only=True)
    role = serializers.ChoiceField(["admin", "user"], read_only=True)
    time_zone = serializers.CharField(source="zone.key", read_only=True)
    active = serializers.BooleanField(source="is_active", read_only=True)

    class Meta:
        model = User
        fields = ["id", "username", "email", "full_name", "role", "time_zone", "active"]
        read_only_fields = fields
