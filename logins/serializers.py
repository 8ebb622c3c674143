"""Logins on the wire."""

from collections.abc import Mapping

from rest_framework import serializers

from api.serializers.base import refuse_unknown
from api.serializers.fields import TextField, Validated
from users.serializers import UserSerializer


class PasswordField(TextField):
    """A password, exactly as it came: the stored one is hashed from what was typed."""

    def to_internal_value(self, data: object) -> str:
        """Return the text; 400 for another type."""
        return self._as_it_came(data)


class LoginSerializer(serializers.Serializer[object]):
    """A username, regardless of case if only one user has it, and a password."""

    username = TextField(max_length=150)
    password = PasswordField(max_length=1000, trim_whitespace=False, write_only=True)

    def to_internal_value(self, data: Mapping[str, object]) -> Validated:
        """Return both; 400 names every unknown field."""
        if isinstance(data, Mapping):
            refuse_unknown(data, self.fields)
        values: Validated = super().to_internal_value(data)
        return values


class LoggedInSerializer(serializers.Serializer[object]):
    """The token of the login, which is shown only here, and its user."""

    token = serializers.CharField(help_text="Send it as `Authorization: Bearer tt_…`.")
    expires_at = serializers.DateTimeField()
    scopes = serializers.ListField(child=serializers.CharField())
    user = UserSerializer()
