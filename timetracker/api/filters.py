"""Filters that understand a parameter wholly or refuse it; django-filter would ignore `maybe`."""

import copy
import re
import zoneinfo
from collections import OrderedDict
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django_filters import rest_framework as drf_filters
from rest_framework.exceptions import ValidationError as InvalidQuery

from timetracker.api.fields import ID
from timetracker.api.instants import Span, parse_date, parse_instant, parse_span

if TYPE_CHECKING:
    from users.models import User


class _Field(forms.Field):
    """A query parameter; `zone` is the user's, set by the FilterSet."""

    zone: ZoneInfo

    def __deepcopy__(self, memo: Any) -> "_Field":
        """Return a field for one form, which differs in its zone only."""
        return copy.copy(self)

    def to_python(self, value: str | None) -> Any:
        if value is None:
            return None
        try:
            return self.parse(value)
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def parse(self, text: str) -> Any:
        raise NotImplementedError


class _IdField(_Field):
    def parse(self, text: str) -> int:
        if not ID.fullmatch(text):
            raise ValueError("Give an id: a whole number.")
        return int(text)


class _SwitchField(_Field):
    def parse(self, text: str) -> bool:
        if text not in ("true", "false"):
            raise ValueError("Give true or false.")
        return text == "true"


class _ChoiceField(_Field):
    def __init__(self, *, choices: list[tuple[Any, Any]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.choices = choices

    def parse(self, text: str) -> str:
        accepted = [str(value) for value, _ in self.choices]
        if text not in accepted:
            raise ValueError(f"Choose one of: {', '.join(accepted)}.")
        return text


class _ChoicesField(_ChoiceField):
    def __init__(self, *, at_most: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.at_most = at_most

    def parse(self, text: str) -> Any:
        chosen = [super(_ChoicesField, self).parse(part) for part in text.split(",")]
        if len(chosen) > self.at_most or len(set(chosen)) < len(chosen):
            raise ValueError(f"Give at most {self.at_most}, each once, separated by commas.")
        return chosen


class _ZoneField(_Field):
    def parse(self, text: str) -> ZoneInfo:
        if text not in zone_names():
            raise ValueError("Give an IANA name such as Europe/Berlin.")
        return ZoneInfo(text)


@cache
def zone_names() -> set[str]:
    """Return the names of all time zones, which are looked for on the disk only once."""
    return zoneinfo.available_timezones()


class _InstantField(_Field):
    def parse(self, text: str) -> datetime:
        return parse_instant(_plus_restored(text), self.zone)


class _DayField(_Field):
    def parse(self, text: str) -> date:
        return parse_date(text)


class _SpanField(_Field):
    def parse(self, text: str) -> Span:
        return parse_span(_plus_restored(text), self.zone)


def _plus_restored(text: str) -> str:
    """Undo the form encoding's + → space in `2024-01-15T14:30:00+02:00` that nobody escaped."""
    return re.sub(r" (?=\d\d:\d\d$)", "+", text) if "T" in text.upper() else text


class Filter(django_filters.Filter):
    """A filter of which each FilterSet has its copy, made without what is alike in all of them."""

    def __deepcopy__(self, memo: Any) -> "Filter":
        """Return a copy whose method, if it has one, is that of its own FilterSet."""
        copied = copy.copy(self)
        copied.method = self.method
        return copied


class IdFilter(Filter):
    """Keep the rows that refer to an id."""

    field_class = _IdField


class SwitchFilter(Filter):
    """Keep the rows of a boolean: `true` or `false`."""

    field_class = _SwitchField


class ChoiceFilter(Filter):
    """Keep the rows of one choice."""

    field_class = _ChoiceField


class SinceFilter(Filter):
    """Keep the rows changed at an instant or later."""

    field_class = _InstantField

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(field_name="updated_at", lookup_expr="gte", **kwargs)


class TextFilter(Filter):
    """Keep the rows that have a text."""

    field_class = forms.CharField


class ExternalIdFilter(TextFilter):
    """Keep the row to which the user who asks gave an `external_id`."""

    def __init__(self) -> None:
        about = "The one to which you gave this id."
        super().__init__(help_text=about, max_length=255, strip=False)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Keep the row."""
        user = self.parent.user  # type: ignore[attr-defined] # the FilterSet
        return qs.filter(external_id=value, external_user=user) if value else qs


class SpanFilter(Filter):
    """A day or an instant; the FilterSet says what it bounds."""

    field_class = _SpanField

    def filter(self, qs: QuerySet[Any], value: Span | None) -> QuerySet[Any]:
        """Leave the rows alone: one bound alone cannot know the other."""
        return qs


class OptionFilter(Filter):
    """A parameter that tells how to answer, not which rows."""

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        """Leave the rows alone."""
        return qs


class ZoneFilter(OptionFilter):
    """The time zone in which dates are meant; the user's by default."""

    field_class = _ZoneField


class DayOption(OptionFilter):
    """A date."""

    field_class = _DayField


class ChoiceOption(OptionFilter):
    """One of a few words."""

    field_class = _ChoiceField

    def __init__(self, words: Sequence[str], **kwargs: Any) -> None:
        super().__init__(choices=[(word, word) for word in words], **kwargs)


class ChoicesOption(OptionFilter):
    """Some of a few words, separated by commas, their order kept."""

    field_class = _ChoicesField

    def __init__(self, words: Sequence[str], *, at_most: int, **kwargs: Any) -> None:
        choices = [(word, word) for word in words]
        super().__init__(choices=choices, at_most=at_most, **kwargs)


class SearchFilter(TextFilter):
    """Keep the rows that have a text, whatever its case, in one of a few columns."""

    def __init__(self, *columns: str) -> None:
        super().__init__(help_text=f"A part of {', '.join(columns)}, whatever its case.")
        self.columns = columns

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Search every column."""
        if not value:
            return qs
        matches = Q()
        for column in self.columns:
            matches |= Q(**{f"{column}__icontains": value})
        return qs.filter(matches)


class FilterSet(drf_filters.FilterSet):
    """A list's query parameters. A bad value is 400; unknown names are the view's to refuse.

    It has only those filters that were asked for: the others would leave the rows alone, and
    django-filter makes a form field of each for every request.
    """

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        filters = self.base_filters.items()
        self.base_filters = OrderedDict(each for each in filters if each[0] in (data or ()))
        super().__init__(data, *args, **kwargs)

    def get_form_class(self) -> type[forms.Form]:
        """Return the form of the filters that were asked for."""
        return _form_class(type(self), tuple(self.filters))

    @property
    def form(self) -> forms.Form:
        """The form, with the user's time zone in each field that reads times."""
        form: forms.Form = super().form
        for field in form.fields.values():
            field.zone = self.zone  # type: ignore[attr-defined]
        return form

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which days and times without an offset are meant."""
        return self.user.zone

    @property
    def user(self) -> "User":
        """The user who asks."""
        return cast("User", self.request.user)  # type: ignore[union-attr]


@lru_cache(maxsize=200)
def _form_class(filterset: type[FilterSet], names: Sequence[str]) -> type[forms.Form]:
    fields = {name: filterset.base_filters[name].field for name in names}
    return type(f"{filterset.__name__}Form", (forms.Form,), fields)


class DateRangeFilterSet(FilterSet):
    """`start_date` and `end_date`, both inclusive, select entries by their `start_time`."""

    start_date = SpanFilter(help_text="From this local day, or this instant, on.")
    end_date = SpanFilter(help_text="To the end of this local day, or to this instant.")

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the entries that start between the two dates."""
        queryset = super().filter_queryset(queryset)
        start, end = self.date_range()
        refuse_reversed(start, end)
        bounds = {}
        if start:
            bounds["start_time__gte"] = start.first
        if end:
            bounds["start_time__lt"] = end.end
        return queryset.filter(**bounds) if bounds else queryset

    def date_range(self) -> tuple[Span | None, Span | None]:
        """Return the two bounds, as far as they were given."""
        return self.form.cleaned_data.get("start_date"), self.form.cleaned_data.get("end_date")


def refuse_reversed(start: Span | None, end: Span | None) -> None:
    """Raise 400 if a range ends before it starts; a day that a zone skipped is empty."""
    if start and end and start.first >= end.end and start.first > end.first:
        raise InvalidQuery({"start_date": ["start_date lies after end_date."]})
