"""Rounding on the wire."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.serializers.base import refuse_unknown
from values.currencies import MINUTES, MODES, Rounding

ACCEPTED = (
    f'Must be null, or an object such as {{"minutes": 15, "mode": "up"}}: minutes '
    f"{', '.join(map(str, MINUTES))}; mode {', '.join(MODES)}."
)


@extend_schema_field(
    {
        "type": "object",
        "description": "How the time of each entry is rounded before it is billed.",
        "properties": {
            "minutes": {"type": "integer", "enum": [*MINUTES]},
            "mode": {"type": "string", "enum": [*MODES]},
        },
        "required": ["minutes", "mode"],
    }
)
class RoundingObjectField(serializers.Field[str, object, object, object]):
    """`{"minutes": 15, "mode": "up"}`, or null."""

    def run_validation(self, data: object = serializers.empty) -> str:
        """Return the rounding as it is stored."""
        rounding: str = "" if data is None else super().run_validation(data)
        return rounding

    def to_internal_value(self, data: object) -> str:
        """Return the rounding as it is stored; 400 for any other."""
        if not isinstance(data, dict):
            raise serializers.ValidationError(ACCEPTED)
        refuse_unknown(data, known=("minutes", "mode"))
        minutes, mode = data.get("minutes"), data.get("mode")
        if minutes not in MINUTES or isinstance(minutes, bool) or mode not in MODES:
            raise serializers.ValidationError(ACCEPTED)
        return str(Rounding(int(minutes), mode))

    def to_representation(self, value: str) -> dict[str, object] | None:
        """Return the object, or null."""
        rounding = Rounding.of(value)
        return {"minutes": rounding.minutes, "mode": rounding.mode} if rounding else None
