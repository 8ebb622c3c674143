"""Filters of the admin's lists."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from values.text import LONGEST_SEARCH


class TypedFilter(admin.SimpleListFilter):
    """A filter by typed words, where a list of all choices would be longer than the page."""

    template = "admin/typed_filter.html"
    relation: str
    lookups_of_words: tuple[str, ...]

    def has_output(self) -> bool:
        """There is always something to type."""
        return True

    def lookups(self, request: HttpRequest, model_admin: object) -> list[Any]:
        return []

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Yield the template's variables, including the other query parameters."""
        others = {name: value for name, value in changelist.params.items() if name != "p"}
        yield {
            "name": self.parameter_name,
            "value": others.pop(self.parameter_name, ""),
            "others": others.items(),
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows that refer to one of those found, which are few and found first."""
        words = (self.value() or "").strip()
        if not words:
            return queryset
        if len(words) > LONGEST_SEARCH:
            return queryset.none()
        model: Any = queryset.model._meta.get_field(self.relation).related_model
        found = Q(*((lookup, words) for lookup in self.lookups_of_words), _connector=Q.OR)
        return queryset.filter(**{f"{self.relation}__in": model._default_manager.filter(found)})


class PersonFilter(TypedFilter):
    """The rows of a person."""

    title = "user"
    parameter_name = "person"
    relation = "user"
    lookups_of_words = ("folded_names__holds",)
