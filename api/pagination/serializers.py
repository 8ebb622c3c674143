"""Pages in the OpenAPI document: their parameters, their place among the others, an example."""

from rest_framework import serializers

from api.pagination.pages import MAX_PER_PAGE_OF_APPS
from api.schema.types import Schema

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
EXAMPLE = {
    "page": 1,
    "per_page": 50,
    "total": 150,
    "pages": 3,
    "has_next": True,
    "has_prev": False,
    "next_page": 2,
    "prev_page": None,
    "next_cursor": "WyJTaG9wIiw1MF0:pA0s2BHoAXXgVkCqnQ7Mh1N2xWUgYfqkL8rD3eJtZSs",
}


class PaginationSerializer(serializers.Serializer[object]):
    """The place of a page among the others. After a cursor there is no number and no total."""

    page = serializers.IntegerField(min_value=1, required=False)
    per_page = serializers.IntegerField(min_value=1, max_value=MAX_PER_PAGE_OF_APPS)
    total = serializers.IntegerField(
        min_value=0, required=False, help_text="The number of rows on all pages."
    )
    pages = serializers.IntegerField(min_value=0, required=False)
    has_next = serializers.BooleanField()
    has_prev = serializers.BooleanField(required=False)
    next_page = serializers.IntegerField(min_value=2, allow_null=True, required=False)
    prev_page = serializers.IntegerField(min_value=1, allow_null=True, required=False)
    next_cursor = serializers.CharField(
        allow_null=True, help_text="Send it as `cursor` for the next page; null on the last one."
    )
