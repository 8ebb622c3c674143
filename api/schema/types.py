"""How tokens, parameters and our own serializer fields are written in OpenAPI."""

# drf-spectacular has types for a part of its functions.
# mypy: disable-error-code="no-untyped-call"

from typing import Any, Literal, get_type_hints

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import CheckConstraint, Q
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.plumbing import resolve_type_hint

from api.serializers.fields import AnyField

Schema = dict[str, Any]
Direction = Literal["request", "response"]

# On a property of a request: the schema of what is accepted beside the property's type.
ALSO_ACCEPTED = "x-also-accepted"
ID: Schema = {"type": "integer", "minimum": 0}
PATH_PARAMETERS: dict[str, tuple[Schema, str]] = {
    "id": (ID, "The id of the {one}."),
    "project_id": (ID, "The id of the project."),
    "delivery_id": (ID, "The id of the delivery."),
    "external_id": (
        {"type": "string", "minLength": 1, "maxLength": 255},
        "The id that you gave the {one}.",
    ),
    "reference": (
        {"type": "string", "minLength": 1, "maxLength": 100},
        "The reference under which it was billed.",
    ),
}
PAGE_PARAMETERS: dict[str, tuple[Schema, str]] = {
    "page": ({"type": "integer", "minimum": 1, "default": 1}, "The number of the page."),
    "per_page": (
        {"type": "integer", "minimum": 1, "default": 50},
        "The number of rows, at most 100 (200 with an app login). Also accepted: `perPage`.",
    ),
    "cursor": (
        {"type": "string", "minLength": 1},
        "The `next_cursor` of the previous page, with the same filters and without `page`.",
    ),
}
UNDOCUMENTED = {"perPage"}  # a client would have two parameters `per_page`

# name: its type, what it asks for, and an example
REQUEST_HEADERS: dict[str, tuple[Schema, str, str]] = {
    "If-None-Match": (
        {"type": "string"},
        "One or more `ETag` values that you have: 304 without a body if one of them is current.",
        '"9d2c71a04b5e8f3360ad1c47"',
    ),
    "If-Match": (
        {"type": "string"},
        "The `ETag` that your change is based on: 412 if the resource has changed since.",
        '"9d2c71a04b5e8f3360ad1c47"',
    ),
    "Idempotency-Key": (
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        "Send the same key with each retry: the request is carried out once. Kept for 24 hours.",
        "8e03978e-40d5-43dd-bc93-6894a57f9324",
    ),
}


class TokenSchemes(OpenApiAuthenticationExtension):
    """One token, in one of two headers."""

    target_class = "apitokens.authentication.ApiTokenAuthentication"
    name = ["bearerAuth", "apiKeyAuth"]

    def get_security_requirement(self, auto_schema: object) -> list[dict[str, list[str]]]:
        """Return two alternatives; one mapping with two names would ask for both."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: object) -> list[Schema]:
        return [
            {"type": "http", "scheme": "bearer", "description": "Recommended: `Bearer tt_…`"},
            {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "`tt_…`"},
        ]


class NumberFieldSchema(OpenApiSerializerFieldExtension):
    """A number, in a request with the bounds that column and constraint set."""

    target_class = "api.serializers.fields.NumberField"

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

    target_class = "rest_framework.serializers.EmailField"
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

    target_class = "api.serializers.representation.ComputedField"

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
        try:
            column: Any = model and model._meta.get_field(name)
        except FieldDoesNotExist:
            return False
        if not column or column.null:
            return bool(column)
        model = column.related_model
    return False


def query_parameter(name: str, schema: Schema, description: str) -> Schema:
    """Return a query parameter; each of them may be left out."""
    return {"name": name, "in": "query", "description": description, "schema": schema}


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
