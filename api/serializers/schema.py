"""Fields in the OpenAPI document, where drf-spectacular cannot see what is special about them."""

# drf-spectacular has types for a part of its functions.
# mypy: disable-error-code="no-untyped-call"

from typing import get_type_hints

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import CheckConstraint, Q
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.plumbing import resolve_type_hint
from rest_framework import serializers

from api.schema.types import Direction, Schema
from api.serializers.fields import AnyField, NumberField
from api.serializers.representation import ComputedField


class NumberFieldSchema(OpenApiSerializerFieldExtension):
    """A number, in a request with the bounds that column and constraint set."""

    target_class = NumberField

    def map_serializer_field(self, auto_schema: object, direction: Direction) -> Schema:
        if direction == "response":
            return {"type": "number"}
        return {
            "type": "number",
            **_minimum(self.target),
            "exclusiveMaximum": 10**self.target.max_whole_digits,
            "description": f"At most {self.target.decimal_places} decimals.",
        }


class EmailFieldSchema(OpenApiSerializerFieldExtension):
    """A text: with the format `email` a generated client would refuse to send none."""

    target_class = serializers.EmailField
    match_subclasses = True

    def map_serializer_field(self, auto_schema: object, direction: Direction) -> Schema:
        self.target.validators = []  # drf-spectacular would derive the format from them
        if direction == "response":
            return {"type": "string"}
        return {
            "type": "string",
            "maxLength": self.target.max_length,
            "description": "An email address, or empty for none.",
        }


class ComputedFieldSchema(OpenApiSerializerFieldExtension):
    """A computed value is what its function returns, and says of it."""

    target_class = ComputedField

    def map_serializer_field(self, auto_schema: object, direction: Direction) -> Schema:
        returned = get_type_hints(self.target.function)["return"]
        words = str(self.target.function.__doc__).removeprefix("Return ")
        return {**resolve_type_hint(returned), "description": words[:1].upper() + words[1:]}


def is_nullable(field: AnyField) -> bool:
    """Return whether what a field shows may be null: a null column is on the way to it.

    DRF marks only fields that accept null, and those that are read only accept nothing.
    """
    model = _model_of(field)
    for name in getattr(field, "source_attrs", ()):  # what stands in for a field has none
        if model is None:
            return False
        try:
            column = model._meta.get_field(name)
        except FieldDoesNotExist:
            return False
        if column.null:
            return True
        model = column.related_model if isinstance(column.related_model, type) else None
    return False


def _model_of(field: AnyField) -> type[models.Model] | None:
    return getattr(getattr(field.parent, "Meta", None), "model", None)


def _minimum(field: AnyField) -> Schema:
    """Return the minimum 0 of a column that a check of its model keeps from being negative."""
    not_negative = Q(**{f"{field.source}__gte": 0})
    model = _model_of(field)
    for constraint in model._meta.constraints if model else ():
        if isinstance(constraint, CheckConstraint) and constraint.condition == not_negative:
            return {"minimum": 0}
    return {}
