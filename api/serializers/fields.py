"""Strict serializer fields, whose errors name accepted values."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

from django.db import models
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from database.prepared import PreparedGet
from resources.models import Resource
from values.folding import normal
from values.instants import INSTANT, format_instant, parse_date, parse_instant

BIGGEST_INTEGER = 2_147_483_647
M = TypeVar("M", bound=models.Model)
AnyField = serializers.Field[Any, Any, Any, Any]
AnySerializer = serializers.Serializer[Any]
Validated = dict[str, Any]  # the attributes of a row, each of its own type
ID = re.compile(r"[0-9]{1,18}", re.ASCII)

# What a field takes beside the type that the OpenAPI document gives it, in words and as a schema.
AlsoAccepted = tuple[str, dict[str, object]]
DIGITS: AlsoAccepted = (
    "its digits as a string",
    {"type": "string", "pattern": f"^{ID.pattern}$"},
)
NULL_FOR_EMPTY: AlsoAccepted = ("null for an empty text", {"type": "null"})
LOCAL_TIME = "a time without an offset, which is in the time zone of the token's user"


def zone_of(context: Mapping[str, Any]) -> ZoneInfo:
    """Return the time zone of the user whose request a serializer serves."""
    zone: ZoneInfo = context["request"].user.zone
    return zone


def id_of(data: object) -> int:
    """Return an id that came as an integer or a string of digits; 400 for anything else."""
    if isinstance(data, bool) or not ID.fullmatch(str(data)):
        raise serializers.ValidationError("Must be an id: a whole number.")
    return int(str(data))


class TextField(serializers.CharField):
    """Text, and only text: DRF would store the number 5 as "5".

    Where it may be empty, null is the empty text, unless null has a meaning of its own.
    """

    @property
    def also_accepted(self) -> AlsoAccepted | None:
        """Null, where the text may be empty."""
        return NULL_FOR_EMPTY if self._takes_null_for_empty else None

    @property
    def _takes_null_for_empty(self) -> bool:
        return self.allow_blank and not self.allow_null

    def run_validation(self, data: object = empty) -> str | None:
        """Validate, with null as the empty text."""
        text: str | None = super().run_validation(
            "" if data is None and self._takes_null_for_empty else data
        )
        return text

    def to_internal_value(self, data: object) -> str:
        """Return the text in normal form, before its length is judged; 400 for another type."""
        return normal(self._as_it_came(data))

    def _as_it_came(self, data: object) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("Must be a string.")
        return super().to_internal_value(data)


def own_external_id(row: models.Model | None, user_id: int) -> str | None:
    """Return the id that a user gave a row; None for one that is another user's."""
    if not isinstance(row, Resource) or row.external_user_id != user_id:
        return None
    return row.external_id


class ExternalIdField(TextField):
    """The id in another system, unchanged, visible only to the user who assigned it.

    If all users saw it, a mirror could merge the rows "17" of two systems.
    """

    columns = ("external_id", "external_user_id")

    def get_attribute(self, instance: Resource) -> str | None:
        """Return the id if the caller gave it."""
        return own_external_id(instance, self.context["request"].user.pk)

    def to_internal_value(self, data: object) -> str:
        """Return the text; 400 for one that no path could name."""
        text = self._as_it_came(data)
        if not text.strip() or text.endswith("/"):
            raise serializers.ValidationError('Must not be blank or end with "/".')
        if {".", ".."} & set(text.split("/")):  # clients and proxies take them out of a path
            raise serializers.ValidationError('"." and ".." cannot be parts of a path.')
        return text


class EmailField(TextField, serializers.EmailField):
    """An email address."""


class SwitchField(serializers.BooleanField):
    """A JSON true or false; DRF would take "yes", 1 and "off" too."""

    def to_internal_value(self, data: object) -> bool:
        """Return the boolean; 400 for another JSON type."""
        if not isinstance(data, bool):
            raise serializers.ValidationError("Must be true or false.")
        return data


class IntegerField(serializers.IntegerField):
    """A JSON integer that both databases can store."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_value", BIGGEST_INTEGER)
        super().__init__(**kwargs)

    def to_internal_value(self, data: object) -> int:
        """Return the integer; 400 for another JSON type."""
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError("Must be a whole number.")
        return data


class NumberField(serializers.DecimalField):
    """A decimal number, as a JSON number or a string of digits."""

    @property
    def also_accepted(self) -> AlsoAccepted:
        """A string of as many digits as the column holds."""
        whole, places = self.max_whole_digits, self.decimal_places
        pattern = rf"^[0-9]{{1,{whole}}}(\.[0-9]{{1,{places}}})?$"
        return DIGITS[0], {"type": "string", "pattern": pattern}

    def validate_empty_values(self, data: object) -> tuple[bool, object]:
        """Leave empty text to be refused; DRF would take it for null."""
        return serializers.Field.validate_empty_values(self, data)

    def to_internal_value(self, data: object) -> Decimal:
        """Return the exact decimal; 400 for another JSON type or too many digits."""
        if isinstance(data, bool) or not isinstance(data, int | float | str):
            raise serializers.ValidationError("Must be a number such as 75.5.")
        if isinstance(data, str) and ("_" in data or not data.isascii()):  # Python reads both
            raise serializers.ValidationError("Must be a number such as 75.5.")
        number = super().to_internal_value(data)
        return number or abs(number)  # no minus before a zero


class InstantField(serializers.DateTimeField):
    """An RFC 3339 instant; out as UTC with Z."""

    also_accepted: AlsoAccepted = (
        LOCAL_TIME,
        {"type": "string", "pattern": f"^{INSTANT.pattern}$"},
    )

    def to_internal_value(self, value: object) -> datetime:
        """Return the UTC instant; a time without an offset is in the user's zone."""
        if not isinstance(value, str):
            raise serializers.ValidationError("Must be a string such as 2024-01-15T14:30:00Z.")
        try:
            return parse_instant(value, zone_of(self.context))
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error

    def to_representation(self, value: datetime) -> str:
        """Return the instant as `2024-01-15T14:30:00Z`."""
        return format_instant(value)


class DateField(serializers.DateField):
    """A calendar date."""

    def to_internal_value(self, value: object) -> date:
        """Return the date of a text YYYY-MM-DD."""
        if not isinstance(value, str):
            raise serializers.ValidationError("Must be a string such as 2024-01-15.")
        try:
            return parse_date(value)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class ChoiceField(serializers.ChoiceField):
    """One of a few words; the error names them."""

    def to_internal_value(self, data: object) -> str:
        """Return the choice; 400 with the accepted words for anything else."""
        if not isinstance(data, str) or data not in self.choices:
            accepted = ", ".join(str(choice) for choice in self.choices)
            raise serializers.ValidationError(f"Must be one of: {accepted}.")
        return data


@extend_schema_field({"type": "integer"})
class ReferenceField(serializers.PrimaryKeyRelatedField[M]):
    """The id of another resource, as an integer or a string of digits.

    `context["references"]` may have resources that are fetched already: `{"project_id": {7: …}}`.
    """

    also_accepted = DIGITS

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not self.read_only:
            self._find = PreparedGet(self.rows, "pk", example=0)

    @property
    def rows(self) -> models.QuerySet[M]:
        """The resources that it can refer to."""
        return cast("models.QuerySet[M]", self.get_queryset())

    def run_validation(self, data: object = empty) -> M | None:
        """Leave empty text to be refused; DRF would take it for null."""
        found: M | None = serializers.Field.run_validation(self, data)
        return found

    def to_internal_value(self, data: object) -> M:
        """Return the resource; 400 if there is none of that id."""
        key = id_of(data)
        known: dict[int, M] = self.context.get("references", {}).get(self.field_name, {})
        found = known.get(key) or self._find(key)
        if found is None:
            name = self.rows.model._meta.verbose_name
            raise serializers.ValidationError(f"There is no {name} with the id {data}.")
        return found
