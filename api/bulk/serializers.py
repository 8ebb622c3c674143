"""Many writes in one request, on the wire."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from api.conditional import TAG
from api.serializers import fields
from api.serializers.base import refuse_unknown

Operation = dict[str, Any]  # as it came: each member may be any JSON

MOST_OPERATIONS = 500
ATOMIC, PARTIAL = "atomic", "partial"


@extend_schema_field({"type": "integer", "minimum": 1})
class IdField(serializers.Field[int, object, int, object]):
    """The id of a row, as an integer or a string of digits."""

    also_accepted = fields.DIGITS

    def to_internal_value(self, data: object) -> int:
        """Return the id; 400 for anything else."""
        return fields.id_of(data)


@extend_schema_field({"type": "object", "additionalProperties": True})
class FieldsField(serializers.Field[Operation, object, object, object]):
    """The fields of a row, validated by the row's own serializer."""

    def to_internal_value(self, data: object) -> Operation:
        """Return the object; 400 for anything else."""
        if not isinstance(data, dict):
            raise serializers.ValidationError("Must be an object.")
        return data


@extend_schema_field({"type": "integer", "minimum": 1})
class MatchField(serializers.Field[int | str, object, object, object]):
    """The version or entity tag that a row must have."""

    also_accepted: fields.AlsoAccepted = (
        "its `ETag`, quotes included",
        {"type": "string", "pattern": r'^(?:W/)?"[\x21\x23-\x7e]*"$'},
    )

    def to_internal_value(self, data: object) -> int | str:
        """Return the version or the tag; 400 for anything else."""
        if isinstance(data, str) and TAG.fullmatch(data):
            return data
        if isinstance(data, bool) or not isinstance(data, int) or data < 1:
            raise serializers.ValidationError(
                "Must be a version (a whole number from 1) or an ETag in quotes."
            )
        return data


class BulkOperationSerializer(serializers.Serializer[Operation]):
    """One write: `create` with `data`, `update` with `id` and `data`, `delete` with `id`."""

    op = fields.ChoiceField(["create", "update", "delete"])
    id = IdField(required=False)
    if_match = MatchField(
        required=False,
        help_text="The `version` that the row must have; the operation fails with 412 otherwise.",
    )
    data = FieldsField(  # type: ignore[assignment] # a field, not the property
        required=False,
        help_text="The fields, as POST (`create`) or PATCH (`update`) of a single row takes them.",
    )

    needed: ClassVar[dict[str, set[str]]] = {
        "create": {"data"},
        "update": {"id", "data"},
        "delete": {"id"},
    }
    taken: ClassVar[dict[str, set[str]]] = {
        "create": {"data"},
        "update": {"id", "data", "if_match"},
        "delete": {"id", "if_match"},
    }

    def to_internal_value(self, data: Operation) -> Operation:
        """Return an operation; 400 names every unknown member."""
        refuse_unknown(data, self.fields)
        operation: Operation = super().to_internal_value(data)
        return operation

    def validate(self, attrs: Operation) -> Operation:
        """Refuse missing members, and members that this operation does not take."""
        kind, given = attrs["op"], set(attrs) - {"op"}
        missing = {name: ["This field is required."] for name in self.needed[kind] - given}
        surplus = {name: [f"Not allowed in a {kind}."] for name in given - self.taken[kind]}
        if missing or surplus:
            raise serializers.ValidationError(missing | surplus)
        return attrs


@extend_schema_serializer(component_name="BulkOperation")
class LaterOperationSerializer(BulkOperationSerializer):
    """One write: `create` with `data`, `update` with `id` and `data`, `delete` with `id`."""

    # Validated individually, by its base class, when it is carried out.

    def run_validation(self, data: object = serializers.empty) -> Operation:
        """Return the object unchanged."""
        if not isinstance(data, dict):
            raise serializers.ValidationError("Each operation must be an object.")
        return data


class BulkSerializer(serializers.Serializer[object]):
    """Operations to carry out together."""

    mode = fields.ChoiceField(
        [ATOMIC, PARTIAL],
        default=ATOMIC,
        help_text="`atomic` writes all operations or none; `partial` writes those that succeed.",
    )
    dry_run = fields.SwitchField(
        default=False, help_text="Validate every operation without writing anything."
    )
    operations: serializers.ListSerializer[list[Operation]] = serializers.ListSerializer(
        child=LaterOperationSerializer(), allow_empty=False, max_length=MOST_OPERATIONS
    )

    def to_internal_value(self, data: Operation) -> Operation:
        """Return the values; 400 names every unknown field."""
        refuse_unknown(data, self.fields)
        values: Operation = super().to_internal_value(data)
        return values


class BulkErrorSerializer(serializers.Serializer[object]):
    """The error that the same request sent alone would return."""

    error = serializers.CharField()
    message = serializers.CharField()
    error_code = serializers.CharField()
    errors = serializers.DictField(  # type: ignore[assignment] # a field, not the property
        child=serializers.ListField(child=serializers.CharField()), required=False
    )
    version = serializers.IntegerField(required=False)
    etag = serializers.CharField(required=False)
    closed_through = serializers.DateField(required=False, allow_null=True)


class BulkResultSerializer(serializers.Serializer[object]):
    """The result of an operation."""

    index = serializers.IntegerField(help_text="Position of the operation in the request, from 0.")
    status = serializers.IntegerField(
        help_text="The status of the same request sent alone; 424 if it failed along with another."
    )
    id = serializers.IntegerField(
        allow_null=True, help_text="The id of the row; null if a create created nothing."
    )
    error = BulkErrorSerializer(required=False)


class BulkResponseSerializer(serializers.Serializer[object]):
    """Whether the operations were committed, and the result of each."""

    committed = serializers.BooleanField()
    results = BulkResultSerializer(many=True)
