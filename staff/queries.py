"""Queries of the admin's pages that no database can answer."""

import re

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import BadRequest
from django.http import HttpRequest

TYPED = {"q", "term"}  # words, in which a long number is a text like any other
KEY = re.compile(r"[0-9]{1,18}")
NUMBER = re.compile(r"-?\d{19,}")
YEAR = re.compile(r"(\d+)(-|$)")
YEARS = range(1970, 2201)


def refuse_unanswerable(request: HttpRequest) -> None:
    """Raise BadRequest for a value that a database or a calendar would fail on."""
    for name, values in request.GET.lists():
        for value in (name, *values):
            if "\0" in value:
                raise BadRequest("Text must not contain a zero byte.")
        if name not in TYPED and any(_beyond(name, value) for value in values):
            raise BadRequest("A number or a year is out of range.")
    if not all(map(KEY.fullmatch, request.POST.getlist(ACTION_CHECKBOX_NAME))):
        raise BadRequest("Selected rows must be identified by whole numbers.")


def _beyond(name: str, value: str) -> bool:
    if any(NUMBER.fullmatch(part.strip()) for part in value.split(",")):
        return True
    year = YEAR.match(value)
    dated = name.endswith("__year") or (year is not None and year[2] == "-")
    return "__" in name and dated and (year is None or int(year[1]) not in YEARS)
