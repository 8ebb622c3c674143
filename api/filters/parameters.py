"""Strict form fields for query parameters."""

import copy
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TypedDict, Unpack
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError

from api.serializers.fields import ID
from values.folding import normal
from values.instants import Span, parse_date, parse_instant, parse_span
from values.wall_clock import zone_names


class ParameterOptions(TypedDict, total=False):
    """What a filter gives its field, beside what only some fields take."""

    required: bool
    label: str | None
    help_text: str


class Parameter(forms.Field):
    """A query parameter; `zone` is the user's, set by the FilterSet."""

    zone: ZoneInfo

    def __deepcopy__(self, memo: object) -> "Parameter":
        """Return a shallow copy: forms differ only in the zone."""
        return copy.copy(self)

    def to_python(self, value: str | None) -> object:
        if value is None:
            return None
        try:
            return self.parse(value)
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def parse(self, text: str) -> object:
        raise NotImplementedError


class TextParameter(forms.CharField):
    """A text, normalized as in the database."""

    def to_python(self, value: object) -> str:
        return normal(super().to_python(value) or "")


class IdParameter(Parameter):
    def parse(self, text: str) -> int:
        if not ID.fullmatch(text):
            raise ValueError("Must be an id: a whole number.")
        return int(text)


class SwitchParameter(Parameter):
    def parse(self, text: str) -> bool:
        if text not in ("true", "false"):
            raise ValueError("Must be true or false.")
        return text == "true"


class ChoiceParameter(Parameter):
    def __init__(
        self, *, choices: list[tuple[str, str]], **kwargs: Unpack[ParameterOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.choices = choices

    def parse(self, text: str) -> object:
        accepted = [str(value) for value, _ in self.choices]
        if text not in accepted:
            raise ValueError(f"Must be one of: {', '.join(accepted)}.")
        return text


class ChoicesParameter(ChoiceParameter):
    def __init__(
        self,
        *,
        choices: list[tuple[str, str]],
        at_most: int,
        **kwargs: Unpack[ParameterOptions],
    ) -> None:
        super().__init__(choices=choices, **kwargs)
        self.at_most = at_most

    def parse(self, text: str) -> list[object]:
        chosen = [super(ChoicesParameter, self).parse(part) for part in text.split(",")]
        if len(chosen) > self.at_most or len(set(chosen)) < len(chosen):
            raise ValueError(
                f"Must be at most {self.at_most} different values, separated by commas."
            )
        return chosen


class AnyOfParameter(ChoiceParameter):
    """One or more choices, separated by commas; a word of `words` stands for several."""

    def __init__(
        self,
        *,
        choices: list[tuple[str, str]],
        words: Mapping[str, Sequence[str]],
        **kwargs: Unpack[ParameterOptions],
    ) -> None:
        super().__init__(choices=choices, **kwargs)
        self.meant = {**{str(value): [value] for value, _ in choices}, **words}

    def parse(self, text: str) -> list[str]:
        parts = text.split(",")
        if not self.meant.keys() >= {*parts}:
            accepted = ", ".join(self.meant)
            raise ValueError(f"Must be one or more of: {accepted}; separated by commas.")
        return [*dict.fromkeys(value for part in parts for value in self.meant[part])]


class ZoneParameter(Parameter):
    def parse(self, text: str) -> ZoneInfo:
        if text not in zone_names():
            raise ValueError("Must be an IANA time zone name such as Europe/Berlin.")
        return ZoneInfo(text)


class InstantParameter(Parameter):
    def parse(self, text: str) -> datetime:
        return parse_instant(_plus_restored(text), self.zone)


class DayParameter(Parameter):
    def parse(self, text: str) -> date:
        return parse_date(text)


class SpanParameter(Parameter):
    def parse(self, text: str) -> Span:
        return parse_span(_plus_restored(text), self.zone)


def _plus_restored(text: str) -> str:
    """Restore the `+` of an unescaped `2024-01-15T14:30:00+02:00`, decoded as a space."""
    return re.sub(r" (?=\d\d:\d\d$)", "+", text) if "T" in text.upper() else text
