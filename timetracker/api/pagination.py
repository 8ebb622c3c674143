"""Numbered pages: `page` from 1, `per_page` 50 and at most 100."""

import re
from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

if TYPE_CHECKING:  # the settings name this module, and rest_framework.views reads the settings
    from rest_framework.views import APIView

DEFAULT_PER_PAGE = 50
MAX_PER_PAGE = 100


class PagePagination(BasePagination):
    """Answer `{"<plural>": […], "pagination": {…}}`; a page past the end is empty."""

    parameters = ("page", "per_page", "perPage")
    page: int
    per_page: int
    total: int

    def paginate_queryset(
        self, queryset: Any, request: Request, view: "APIView | None" = None
    ) -> list[Any]:
        """Return the page that the request asks for, as rows of the view's representation."""
        self.key = view.plural_key  # type: ignore[union-attr]
        self.page = positive(request, "page", 1)
        spelling = "perPage" if "perPage" in request.query_params else "per_page"
        self.per_page = min(positive(request, spelling, DEFAULT_PER_PAGE), MAX_PER_PAGE)
        self.total = queryset.exact_count()
        first = (self.page - 1) * self.per_page
        if first >= self.total:
            return []
        page = queryset[first : first + self.per_page]
        return list(view.representation.rows(page))  # type: ignore[union-attr]

    def get_paginated_response(self, data: Any) -> Response:
        """Return the envelope around serialized rows."""
        return Response({self.key: data, "pagination": self.pagination()})

    def pagination(self) -> dict[str, Any]:
        """Return where this page stands among the others."""
        pages = -(-self.total // self.per_page)
        has_next, has_prev = self.page < pages, self.page > 1
        return {
            "page": self.page,
            "per_page": self.per_page,
            "total": self.total,
            "pages": pages,
            "has_next": has_next,
            "has_prev": has_prev,
            "next_page": self.page + 1 if has_next else None,
            "prev_page": max(1, min(self.page - 1, pages)) if has_prev else None,
        }


def positive(request: Request, name: str, default: int) -> int:
    """Return the whole number from 1 of a query parameter; 400 for anything else."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"0*[1-9][0-9]{0,17}", text):
        raise ValidationError({name: ["Give a whole number from 1."]})
    return int(text)
