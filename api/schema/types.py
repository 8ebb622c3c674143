"""How tokens, and the fields and query parameters that are our own, are written in OpenAPI."""

# drf-spectacular has types for a part of its functions.
# mypy: disable-error-code="no-untyped-call"

from typing import Any, Literal, get_type_hints

import django_filters
from django.core.exceptions import FieldDoesNotExist
from django.db.models import CheckConstraint, Q
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.plumbing import resolve_type_hint
from rest_framework import serializers

from api.filters import base as filters
from values.instants import DATE, INSTANT

Schema = dict[str, Any]
Direction = Literal["request", "response"]

ID: Schema = {"type": "integer", "minimum": 0}
DIGITS = "^[0-9]{1,18}$"
ZONE = "A time without an offset is in the time zone of the token's user."
INSTANT_INPUT: Schema = {
    "type": "string",
    "pattern": f"^{INSTANT.pattern}$",
    "examples": ["2024-01-15T14:30:00Z"],
    "description": ZONE,
}
PATH_PARAMETERS: dict[str, tuple[Schema, str]] = {
    "id": (ID, "The id of the {one}."),
    "external_id": (
        {"type": "string", "minLength": 1, "maxLength": 255},
        "The id that you gave the {one}.",
    ),
}
PAGE_PARAMETERS: dict[str, tuple[Schema, str]] = {
    "page": ({"type": "integer", "minimum": 1, "default": 1}, "The number of the page."),
    "per_page": (
        {"type": "integer", "minimum": 1, "default": 50},
        "How many a page holds; more than 100 means 100.",
    ),
    "perPage": ({"type": "integer", "minimum": 1}, "Another spelling of `per_page`."),
    "cursor": (
        {"type": "string", "minLength": 1},
        "The `next_cursor` of the page before, with the same filters and without a `page`.",
    ),
}

# name: its type, what it asks for, and an example
REQUEST_HEADERS: dict[str, tuple[Schema, str, str]] = {
    "If-None-Match": (
        {"type": "string"},
        "The `ETag` of what you have, or several: 304 without a body if one is current.",
        '"9d2c71a04b5e8f3360ad1c47"',
    ),
    "If-Match": (
        {"type": "string"},
        "The `ETag` that your change is based on: 412 if somebody else was faster.",
        '"9d2c71a04b5e8f3360ad1c47"',
    ),
    "Idempotency-Key": (
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        "The same for each repetition of this request, which is carried out once; kept 24 hours.",
        "8e03978e-40d5-43dd-bc93-6894a57f9324",
    ),
}


class TokenSchemes(OpenApiAuthenticationExtension):
    """One token, in one of two headers."""

    target_class = "apitokens.authentication.ApiTokenAuthentication"
    name = ["bearerAuth", "apiKeyAuth"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        """Return two alternatives; one mapping with two names would ask for both."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> list[Schema]:
        """Return the definition of each."""
        return [
            {"type": "http", "scheme": "bearer", "description": "Recommended: `Bearer tt_…`"},
            {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "`tt_…`"},
        ]


class ReferenceFieldSchema(OpenApiSerializerFieldExtension):
    """An id goes in as an integer or a string of digits, and comes out as an integer."""

    target_class = "api.serializers.fields.ReferenceField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Direction) -> Schema:
        """Return the id of a direction."""
        if direction == "response":
            return {"type": "integer"}
        return {"type": ["integer", "string"], "minimum": 0, "pattern": DIGITS}


class IdFieldSchema(OpenApiSerializerFieldExtension):
    """An id goes in as an integer or a string of digits."""

    target_class = "api.bulk.serializers.IdField"

    def map_serializer_field(self, auto_schema: Any, direction: Direction) -> Schema:
        """Return the id."""
        return {"type": ["integer", "string"], "minimum": 1, "pattern": DIGITS}


class MatchFieldSchema(OpenApiSerializerFieldExtension):
    """An integer or a tag."""

    target_class = "api.bulk.serializers.MatchField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> Schema:
        """Return the schema."""
        return {
            "type": ["integer", "string"],
            "minimum": 1,
            "pattern": r'^(?:W/)?"[\x21\x23-\x7e]*"$',
        }


class FieldsFieldSchema(OpenApiSerializerFieldExtension):
    """The fields of a row, which its own POST and PATCH describe."""

    target_class = "api.bulk.serializers.FieldsField"

    def map_serializer_field(self, auto_schema: Any, direction: Direction) -> Schema:
        """Return an object."""
        sentence = "The fields, as POST (`create`) and PATCH (`update`) of a single one take them."
        return {"type": "object", "additionalProperties": True, "description": sentence}


class NumberFieldSchema(OpenApiSerializerFieldExtension):
    """A decimal goes in as a number or its digits, and comes out as a number."""

    target_class = "api.serializers.fields.NumberField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Direction) -> Schema:
        """Return the number of a direction, with the bounds that column and constraint set."""
        if direction == "response":
            return {"type": "number"}
        whole, places = self.target.max_whole_digits, self.target.decimal_places
        return {
            "type": ["number", "string"],
            **_minimum(self.target),
            "exclusiveMaximum": 10**whole,
            "pattern": rf"^[0-9]{{1,{whole}}}(\.[0-9]{{1,{places}}})?$",
            "description": f"At most {places} decimals; a string of digits is accepted too.",
        }


class EmailFieldSchema(OpenApiSerializerFieldExtension):
    """An email address, or nothing: the one may be the other, where a format is only a remark."""

    target_class = "rest_framework.serializers.EmailField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Direction) -> Schema:
        """Return the text; drf-spectacular would say that exactly one of the two fits."""
        self.target.validators = []  # of which it makes what it says
        if self.target.read_only:
            return {"type": "string"}
        address = {"type": "string", "format": "email", "maxLength": self.target.max_length}
        return {"anyOf": [address, {"type": "string", "maxLength": 0}]}


class ComputedFieldSchema(OpenApiSerializerFieldExtension):
    """A computed value is what its function returns, and says of it."""

    target_class = "api.serializers.representation.ComputedField"

    def map_serializer_field(self, auto_schema: Any, direction: Direction) -> Schema:
        """Return the type of the value."""
        returned = get_type_hints(self.target.function)["return"]
        words = str(self.target.function.__doc__).removeprefix("Return ")
        return {**resolve_type_hint(returned), "description": words[:1].upper() + words[1:]}


class InstantFieldSchema(OpenApiSerializerFieldExtension):
    """An instant may go in without an offset, and comes out as UTC with Z."""

    target_class = "api.serializers.fields.InstantField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Direction) -> Schema:
        """Return the instant of a direction."""
        if direction == "response":
            return {"type": "string", "format": "date-time"}
        return {**INSTANT_INPUT}


def is_nullable(field: serializers.Field[Any, Any, Any, Any]) -> bool:
    """Return whether what a field shows may be null: a null column is on the way to it.

    DRF marks only fields that accept null, and those that are read only accept nothing.
    """
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    for name in field.source_attrs:
        try:
            column: Any = model and model._meta.get_field(name)
        except FieldDoesNotExist:
            return False
        if not column or column.null:
            return bool(column)
        model = column.related_model
    return False


def filter_parameter(name: str, declared: django_filters.Filter) -> Schema:
    """Return a filter of a FilterSet as a query parameter."""
    schema, description = _filter_type(name, declared)
    return query_parameter(name, schema, declared.extra.get("help_text") or description)


def query_parameter(name: str, schema: Schema, description: str) -> Schema:
    """Return a query parameter; each of them may be left out."""
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _filter_type(name: str, declared: django_filters.Filter) -> tuple[Schema, str]:
    match declared:
        case filters.IdFilter():
            return ID, f"Only those of this {name.removesuffix('_id')}."
        case filters.ExternalIdFilter():
            return {"type": "string", "minLength": 1, "maxLength": 255}, ""
        case filters.SwitchFilter():
            return {"type": "boolean"}, f"Only those that are, or are not, {name}."
        case filters.ChoiceFilter() | filters.ChoiceOption():
            choices = [str(value) for value, _ in declared.extra["choices"]]
            return {"type": "string", "enum": choices}, f"Only those of this {name}."
        case filters.SinceFilter():
            return _instant(), f"Only those changed then or later. {ZONE}"
        case filters.ChoicesOption():
            words = "|".join(word for word, _ in declared.extra["choices"])
            more = declared.extra["at_most"] - 1
            return {"type": "string", "pattern": f"^({words})(,({words})){{0,{more}}}$"}, ""
        case filters.DayOption() | filters.SpanFilter():
            return _day() if isinstance(declared, filters.DayOption) else _day_or_instant(), ""
    return {"type": "string", "minLength": 1}, ""


def _day_or_instant() -> Schema:
    return {"anyOf": [_day(), _instant()]}


def _instant() -> Schema:
    return {name: INSTANT_INPUT[name] for name in ("type", "pattern", "examples")}


def _day() -> Schema:
    return {"type": "string", "pattern": f"^{DATE.pattern}$", "examples": ["2024-01-15"]}


def _minimum(field: serializers.Field[Any, Any, Any, Any]) -> Schema:
    """Return the minimum 0 of a column that a check of its model keeps from being negative."""
    not_negative = Q(**{f"{field.source}__gte": 0})
    model = field.parent.Meta.model  # type: ignore[attr-defined]
    for constraint in model._meta.constraints:
        if isinstance(constraint, CheckConstraint) and constraint.condition == not_negative:
            return {"minimum": 0}
    return {}
