"""Users on the wire."""

from rest_framework import serializers

from api.serializers.base import ModelSerializer
from api.serializers.representation import ComputedField
from users.models import User, full_name, role_of, zone_name


class UserSerializer(ModelSerializer[User]):
    """A user. Read-only: users are managed in the admin."""

    full_name = ComputedField(full_name, "first_name", "last_name")
    role = ComputedField(role_of, "is_active", "is_superuser")
    time_zone = ComputedField(zone_name, "time_zone")
    active = serializers.BooleanField(source="is_active", read_only=True)

    class Meta:
        model = User
        fields = ["id", "username", "email", "full_name", "role", "time_zone", "active"]
        read_only_fields = fields
