"""Strict filters; django-filter would ignore `?billable=maybe`."""

import copy
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypedDict, Unpack, cast
from zoneinfo import ZoneInfo

import django_filters
from django import forms
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, QueryDict
from django_filters import rest_framework as drf_filters
from rest_framework.exceptions import ValidationError as InvalidQuery

from api.filters.parameters import (
    AnyOfParameter,
    ChoiceParameter,
    ChoicesParameter,
    DayParameter,
    IdParameter,
    InstantParameter,
    Parameter,
    SpanParameter,
    SwitchParameter,
    TextParameter,
    ZoneParameter,
)
from api.schema.types import ID, Schema
from api.serializers.fields import LOCAL_TIME
from values.instants import DATE, INSTANT, Span
from values.text import LONGEST_SEARCH

if TYPE_CHECKING:
    from users.models import User


NO_WORDS: Mapping[str, Sequence[str]] = {}


class FilterOptions(TypedDict, total=False):
    """What a declared filter may say."""

    field_name: str
    method: str
    help_text: str
    max_length: int
    strip: bool


class Filter(django_filters.Filter):
    """A filter that FilterSets copy cheaply.

    In the OpenAPI document its type is `schema`, and without a `help_text` its description is
    `about` with the parameter's name.
    """

    schema: Schema = {"type": "string", "minLength": 1}
    about = ""

    def __deepcopy__(self, memo: object) -> "Filter":
        """Return a copy whose method, if it has one, is that of its own FilterSet."""
        copied = copy.copy(self)
        copied.method = self.method
        return copied


class IdFilter(Filter):
    """Keep the rows that refer to an id."""

    field_class = IdParameter
    schema = ID
    about = "Only those of this {}."


class SwitchFilter(Filter):
    """Keep the rows of a boolean: `true` or `false`."""

    field_class = SwitchParameter
    schema = {"type": "boolean"}
    about = "Only those that are, or are not, {}."


class ChoiceFilter(Filter):
    """Keep the rows of one choice, or of any of several, separated by commas.

    A word of `words` stands for several choices. The OpenAPI document gives the type of one.
    """

    field_class = AnyOfParameter
    about = "Only those of this {}. Also accepted: several, separated by commas."

    def __init__(
        self,
        *,
        choices: Sequence[tuple[str, object]],
        words: Mapping[str, Sequence[str]] = NO_WORDS,
        **kwargs: Unpack[FilterOptions],
    ) -> None:
        super().__init__(lookup_expr="in", choices=choices, words=words, **kwargs)
        self.schema = _one_of([value for value, _ in choices])
        for word, meant in words.items():
            self.about += f" `{word}` stands for `{','.join(meant)}`."


class SinceFilter(Filter):
    """Keep the rows changed at an instant or later."""

    field_class = InstantParameter
    schema = {"type": "string", "format": "date-time"}
    about = f"Only those changed then or later. Also accepted: {LOCAL_TIME}."

    def __init__(self) -> None:
        super().__init__(field_name="updated_at", lookup_expr="gte")


class TextFilter(Filter):
    """Keep the rows that have a text."""

    field_class: type[forms.CharField] = TextParameter

    def __init__(self, **kwargs: Unpack[FilterOptions]) -> None:
        kwargs.setdefault("max_length", LONGEST_SEARCH)
        super().__init__(**kwargs)


class ExternalIdFilter(TextFilter):
    """Keep the row to which the caller assigned an `external_id`."""

    field_class = forms.CharField  # unchanged
    schema = {"type": "string", "minLength": 1, "maxLength": 255}

    parent: "FilterSet"

    def __init__(self) -> None:
        about = "The row to which you assigned this id."
        super().__init__(help_text=about, max_length=255, strip=False)

    def filter(self, qs: QuerySet[Model], value: str) -> QuerySet[Model]:
        user = self.parent.user
        return qs.filter(external_id=value, external_user=user) if value else qs


class SpanFilter(Filter):
    """A day or an instant, which the FilterSet applies as a bound."""

    field_class = SpanParameter
    schema = {
        "type": "string",
        "pattern": f"^(?:{DATE.pattern}|{INSTANT.pattern})$",
        "examples": ["2024-01-15", "2024-01-15T14:30:00Z"],
    }

    def filter(self, qs: QuerySet[Model], value: Span | None) -> QuerySet[Model]:
        """Do nothing: DateRangeFilterSet applies both bounds together."""
        return qs


class OptionFilter(Filter):
    """A parameter that affects the response format, not the rows."""

    def filter(self, qs: QuerySet[Model], value: object) -> QuerySet[Model]:
        """Leave the rows alone."""
        return qs


class ZoneFilter(OptionFilter):
    """The time zone of dates; the user's by default."""

    field_class = ZoneParameter


class DayOption(OptionFilter):
    """A date."""

    field_class = DayParameter
    schema = {"type": "string", "format": "date"}


class ChoiceOption(OptionFilter):
    """One of a fixed set of words."""

    field_class = ChoiceParameter

    def __init__(self, words: Sequence[str], **kwargs: Unpack[FilterOptions]) -> None:
        super().__init__(choices=[(word, word) for word in words], **kwargs)
        self.schema = _one_of(words)


class ChoicesOption(OptionFilter):
    """Several of a fixed set of words, separated by commas, in the given order."""

    field_class = ChoicesParameter

    def __init__(
        self, words: Sequence[str], *, at_most: int, **kwargs: Unpack[FilterOptions]
    ) -> None:
        choices = [(word, word) for word in words]
        super().__init__(choices=choices, at_most=at_most, **kwargs)
        word = "|".join(words)
        pattern = f"^({word})(,({word})){{0,{at_most - 1}}}$"
        self.schema = {"type": "string", "pattern": pattern}


class SearchFilter(TextFilter):
    """Keep the rows that contain a text in one of several columns, ignoring case."""

    def __init__(self, *columns: str) -> None:
        about = f"Case-insensitive search in {', '.join(columns)}."
        super().__init__(help_text=about)
        self.columns = columns

    def filter(self, qs: QuerySet[Model], value: str) -> QuerySet[Model]:
        """Search every column."""
        if not value:
            return qs
        matches = Q()
        for column in self.columns:
            matches |= Q(**{f"folded_{column}__holds": value})
        return qs.filter(matches)


class FilterSet(drf_filters.FilterSet):
    """A list's query parameters. A bad value is 400; the view refuses unknown names.

    Only filters present in the query are instantiated, because django-filter would create a form
    field for each of them on every request.
    """

    request: HttpRequest

    def __init__(
        self,
        data: QueryDict | dict[str, str] | None = None,
        queryset: QuerySet[Model] | None = None,
        *,
        request: HttpRequest | None = None,
    ) -> None:
        filters = self.base_filters.items()
        self.base_filters = OrderedDict(each for each in filters if each[0] in (data or ()))
        super().__init__(data, queryset, request=request)

    def get_form_class(self) -> type[forms.Form]:
        """Return a form class for the filters in the query."""
        return _form_class(type(self), tuple(self.filters))

    @property
    def form(self) -> forms.Form:
        """The form, with the user's time zone in each field that reads times."""
        form: forms.Form = super().form
        for field in form.fields.values():
            if isinstance(field, Parameter):
                field.zone = self.zone
        return form

    @property
    def zone(self) -> ZoneInfo:
        """The zone of dates and of times without an offset."""
        return self.user.zone

    @property
    def user(self) -> "User":
        """The authenticated user."""
        return cast("User", self.request.user)


def _one_of(words: Sequence[str]) -> Schema:
    return {"type": "string", "enum": [*words]}


@lru_cache(maxsize=200)
def _form_class(filterset: type[FilterSet], names: Sequence[str]) -> type[forms.Form]:
    fields = {name: filterset.base_filters[name].field for name in names}
    return type(f"{filterset.__name__}Form", (forms.Form,), fields)


class DateRangeFilterSet(FilterSet):
    """`start_date` and `end_date`, both inclusive, select entries by their `start_time`."""

    start_date = SpanFilter(help_text="Start of the range: a local date or an instant.")
    end_date = SpanFilter(help_text="End of the range, inclusive: a local date or an instant.")

    def filter_queryset(self, queryset: QuerySet[Model]) -> QuerySet[Model]:
        """Keep the entries that start within the range; a day that the zone skipped is empty."""
        queryset = super().filter_queryset(queryset)
        start, end = self.date_range()
        if start and end and start.first >= end.end and start.first > end.first:
            raise InvalidQuery({"start_date": [self.reversed_range]})
        bounds = {}
        if start:
            bounds["start_time__gte"] = start.first
        if end:
            bounds["start_time__lt"] = end.end
        return queryset.filter(**bounds) if bounds else queryset

    @property
    def reversed_range(self) -> str:
        """Error message for a range that ends before it starts."""
        return "start_date must not be after end_date."

    def date_range(self) -> tuple[Span | None, Span | None]:
        """Return both bounds, None where not given."""
        return self.form.cleaned_data.get("start_date"), self.form.cleaned_data.get("end_date")
