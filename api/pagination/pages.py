"""Pages of a list: numbered, `page` from 1, or one after another by a cursor."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db.models import Model
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination.keyset import Keyset

if TYPE_CHECKING:  # the settings name this module, and rest_framework.views reads the settings
    from api.serializers.representation import Representation, Row
    from resources.models import ResourceQuerySet

DEFAULT_PER_PAGE = 50
MAX_PER_PAGE = 100
MAX_PER_PAGE_OF_APPS = 200  # what the original's apps ask for, and then no second page


class PagePagination(BasePagination):
    """Answer `{"<plural>": […], "pagination": {…}}`; a page past the end is empty.

    Each page has a `next_cursor`. What follows a cursor costs the same wherever it is, and its
    rows are neither counted nor numbered.
    """

    parameters = ("page", "per_page", "perPage", "cursor")
    per_page: int

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return the page that the request asks for, as rows of the view's representation."""
        self.key: str = view.plural_key
        self.list_name: str = getattr(view, "list_name", self.key)
        self.representation: Representation = view.representation
        spelling = "perPage" if "perPage" in request.query_params else "per_page"
        asked = positive(request, spelling, DEFAULT_PER_PAGE)
        self.per_page = min(asked, most_per_page(request))
        self.keyset = Keyset(queryset, self._seal(request))
        cursor = request.query_params.get("cursor")
        if cursor is None:
            return self._numbered(queryset, positive(request, "page", 1))
        if "page" in request.query_params:
            raise ValidationError({"cursor": ["Send page or cursor, not both."]})
        return self._following(cursor)

    def count(self, queryset: "ResourceQuerySet[Model]") -> int:
        """Return how many there are on all pages."""
        return queryset.exact_count()

    def get_paginated_response(self, data: object) -> Response:
        """Return the envelope around serialized rows."""
        return Response({self.key: data, "pagination": self.pagination})

    def _numbered(self, queryset: "ResourceQuerySet[Model]", page: int) -> "list[Row]":
        """Return the rows of a page, and say where it stands among the others."""
        total = self.count(queryset)
        pages = -(-total // self.per_page)
        has_next, has_prev = page < pages, page > 1
        first = (page - 1) * self.per_page
        rows = []
        if first < total:
            rows = self.representation.rows(queryset[first : first + self.per_page])
        self.pagination = {
            "page": page,
            "per_page": self.per_page,
            "total": total,
            "pages": pages,
            "has_next": has_next,
            "has_prev": has_prev,
            "next_page": page + 1 if has_next else None,
            "prev_page": max(1, min(page - 1, pages)) if has_prev else None,
            "next_cursor": self._cursor(rows) if has_next else None,
        }
        return rows

    def _following(self, cursor: str) -> "list[Row]":
        """Return the rows after a cursor, and say whether there are more."""
        rows: list[Row] = []
        for part in self.keyset.after(cursor):
            rows += self.representation.rows(part[: self.per_page + 1 - len(rows)])
            if len(rows) > self.per_page:
                break
        has_next = len(rows) > self.per_page
        rows = rows[: self.per_page]
        self.pagination = {
            "per_page": self.per_page,
            "has_next": has_next,
            "next_cursor": self._cursor(rows) if has_next else None,
        }
        return rows

    def _cursor(self, rows: "Sequence[Row]") -> str | None:
        """Return the cursor of the last row."""
        places = [self.representation.sources.index(c.name) for c in self.keyset.columns]
        return self.keyset.cursor([rows[-1][place] for place in places]) if rows else None

    def _seal(self, request: Request) -> str:
        """Return the salt that binds a cursor to this list and its filters."""
        names = sorted(set(request.query_params) - set(self.parameters))
        return (
            f"{self.list_name}?{urlencode([(name, request.query_params[name]) for name in names])}"
        )


def most_per_page(request: Request) -> int:
    """Return how many rows a page may have; the token of an app login may ask for more."""
    is_app = getattr(request.auth, "from_login", False)
    return MAX_PER_PAGE_OF_APPS if is_app else MAX_PER_PAGE


def positive(request: Request, name: str, default: int) -> int:
    """Return the whole number from 1 of a query parameter; 400 for anything else."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"0*[1-9][0-9]{0,17}", text):
        raise ValidationError({name: ["Must be a whole number, 1 or greater."]})
    return int(text)
