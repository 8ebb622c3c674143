"""Refusal of admin queries that no database can answer."""

import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import BadRequest
from django.db.models import Model
from django.http import HttpRequest

P = ParamSpec("P")
T = TypeVar("T")

TYPED = {"q", "term", "bill"}  # words, in which a long number is a text like any other
KEY = re.compile(r"[0-9]{1,18}")
NUMBER = re.compile(r"-?\d{19,}")
YEAR = re.compile(r"(\d+)(-|$)")
YEARS = range(1970, 2201)


def refuse_unanswerable(request: HttpRequest) -> None:
    """Raise BadRequest for a value that a database or a calendar would fail on."""
    for name, values in (*request.GET.lists(), *request.POST.lists()):
        if any("\0" in text for text in (name, *values)):
            raise BadRequest("Text must not contain a zero byte.")
    for name, values in request.GET.lists():
        if name not in TYPED and any(_beyond(name, value) for value in values):
            raise BadRequest("A number or a year is out of range.")
    if not all(map(KEY.fullmatch, request.POST.getlist(ACTION_CHECKBOX_NAME))):
        raise BadRequest("Selected rows must be identified by whole numbers.")


def refuse_bad_choices(request: HttpRequest, model: type[Model]) -> None:
    """Raise BadRequest for a form that refers to rows by anything but whole numbers.

    Django would ask the database for them when it shows the form again, outside of every view.
    """
    for field in model._meta.get_fields():
        keys = request.POST.getlist(field.name) if field.remote_field else []
        if not all(map(KEY.fullmatch, filter(None, keys))):
            raise BadRequest("Choices in a form must be identified by whole numbers.")


def within_numbers(view: Callable[P, T]) -> Callable[P, T]:
    """Answer 400 where a number in an address is too large for SQLite."""

    @wraps(view)
    def answered(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return view(*args, **kwargs)
        except OverflowError as error:
            raise BadRequest("A number is out of range.") from error

    return answered


def _beyond(name: str, value: str) -> bool:
    if any(NUMBER.fullmatch(part.strip()) for part in value.split(",")):
        return True
    year = YEAR.match(value)
    dated = name.endswith("__year") or (year is not None and year[2] == "-")
    return "__" in name and dated and (year is None or int(year[1]) not in YEARS)
