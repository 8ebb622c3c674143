"""The feed on the wire, for the OpenAPI document."""

from rest_framework import serializers

from changes.feed import VIEWSETS


class RowField(serializers.JSONField):
    """A row of any type, as its own endpoints show it."""


class ChangeSerializer(serializers.Serializer[object]):
    """The last change of a row, and the row as it is now."""

    seq = serializers.IntegerField(help_text="Never falls from one change to the next.")
    type = serializers.ChoiceField([*VIEWSETS])
    id = serializers.IntegerField()
    op = serializers.ChoiceField(
        ["upsert", "delete"], help_text="`delete`: you do not see this row (any more)."
    )
    data = RowField(  # type: ignore[assignment] # a field, not the property
        allow_null=True, help_text="The row as it is now; null for a `delete`."
    )
    changed_at = serializers.DateTimeField()
    changed_by = serializers.IntegerField(
        allow_null=True,
        help_text="A user's id; null for what was there before, or a command did.",
    )


class ChangesSerializer(serializers.Serializer[object]):
    """A page of the feed."""

    changes = ChangeSerializer(many=True)
    next_cursor = serializers.CharField(help_text="What to send as `cursor` the next time.")
    has_more = serializers.BooleanField(help_text="Whether to ask again at once.")
