"""The feed on the wire, for the OpenAPI document."""

# drf-spectacular has types for a part of its functions.
# mypy: disable-error-code="no-untyped-call"

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from api.schema.types import Direction, Schema
from changes.feed import VIEWSETS


class RowField(serializers.JSONField):
    """A row of any type, as its own endpoints show it."""


class RowFieldSchema(OpenApiSerializerFieldExtension):
    """A reference to the schema of each type."""

    target_class = RowField

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> Schema:
        """Return the references; `null` is added."""
        rows = (viewset.serializer_class for viewset in VIEWSETS.values())
        return {"anyOf": [auto_schema.resolve_serializer(row, direction).ref for row in rows]}


class ChangeSerializer(serializers.Serializer[object]):
    """The last change of a row, and the row as it is now."""

    seq = serializers.IntegerField(help_text="Never decreases from one change to the next.")
    type = serializers.ChoiceField([*VIEWSETS])
    id = serializers.IntegerField()
    op = serializers.ChoiceField(
        ["upsert", "delete"], help_text="`delete` means that you can no longer see this row."
    )
    data = RowField(  # type: ignore[assignment] # a field, not the property
        allow_null=True, help_text="The row as it is now; null for a `delete`."
    )
    changed_at = serializers.DateTimeField()
    changed_by = serializers.IntegerField(
        allow_null=True,
        help_text=(
            "A user's id; null for rows from the initial listing and for changes by commands."
        ),
    )


class ChangeListSerializer(serializers.Serializer[object]):
    """A page of the feed."""

    changes = ChangeSerializer(many=True)
    next_cursor = serializers.CharField(help_text="Send this as `cursor` in the next request.")
    has_more = serializers.BooleanField(help_text="Whether to request the next page immediately.")
