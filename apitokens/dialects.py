"""Dialects: how a service speaks to clients that were written for another one.

A token may name a dialect. What it sends is then read, and what it gets is answered, through the
dialect of that name that an app declares. All other tokens pay for one look at an empty text.
"""

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse

from registry import declared

if TYPE_CHECKING:
    from rest_framework.views import APIView

    from api.views import ApiView
    from apitokens.models import ApiToken
    from users.models import User


class Dialect:
    """The API as it is. A dialect overrides what its clients need otherwise."""

    title = ""  # in the admin
    scheme = ""  # of Authorization, in lower case, besides Bearer

    def is_of(self, request: HttpRequest) -> bool:
        """Return whether a request without a token comes from such a client.

        A login gives the new token this dialect.
        """
        return False

    def mark(self, user: "User") -> str:
        """Return all that its answers depend on besides the rows, for their entity tags."""
        return self.title

    def body(self, view: "ApiView") -> object:
        """Return the body of a view's request as the API reads it, or raise an APIException."""
        return view.request.data

    def answer(self, response: HttpResponse, view: "APIView") -> None:
        """Change the answer of a view to what the client reads."""


def spoken_by(token: "ApiToken") -> Dialect | None:
    """Return the dialect of a token; None if it has none, or one that no app declares any more."""
    return declared.dialects().get(token.dialect) if token.dialect else None


def name_for_client(request: HttpRequest) -> str:
    """Return the name of the dialect of the client that sends a request, or an empty text."""
    found = (name for name, dialect in declared.dialects().items() if dialect.is_of(request))
    return next(found, "")


def name_choices() -> list[tuple[str, str]]:
    """Return the names of all dialects with their titles, after that of none."""
    titles = [(name, dialect.title) for name, dialect in declared.dialects().items()]
    return [("", "None: the API as documented"), *titles]


def has_scheme(token: "ApiToken", scheme: str) -> bool:
    """Return whether a token may be sent in an Authorization of this scheme."""
    dialect = spoken_by(token)
    return dialect is not None and dialect.scheme == scheme


def is_scheme(scheme: str) -> bool:
    """Return whether any dialect sends tokens in an Authorization of this scheme."""
    return any(dialect.scheme == scheme for dialect in declared.dialects().values())
