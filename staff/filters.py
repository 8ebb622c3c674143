"""Filters of the admin's lists."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from database.columns import model_behind
from values.text import LONGEST_SEARCH


class TypedFilter(admin.SimpleListFilter):
    """A filter by typed words, where a list of all choices would be longer than the page."""

    template = "admin/typed_filter.html"
    parameter_name: str
    relation: str
    lookups_of_words: tuple[str, ...]

    def has_output(self) -> bool:
        """There is always something to type."""
        return True

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return []

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Yield the template's variables, including the other query parameters."""
        others = {name: value for name, value in changelist.params.items() if name != "p"}
        yield {
            "name": self.parameter_name,
            "value": others.pop(self.parameter_name, ""),
            "others": others.items(),
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        """Keep the rows that refer to one of those found, which are few and found first."""
        words = (self.value() or "").strip()
        if not words:
            return queryset
        if len(words) > LONGEST_SEARCH:
            return queryset.none()
        model = model_behind(queryset.model, self.relation)
        found = Q(*((lookup, words) for lookup in self.lookups_of_words), _connector=Q.OR)
        return queryset.filter(**{f"{self.relation}__in": model._default_manager.filter(found)})


class PersonFilter(TypedFilter):
    """The rows of a person."""

    title = "user"
    parameter_name = "person"
    relation = "user"
    lookups_of_words = ("folded_names__holds",)
