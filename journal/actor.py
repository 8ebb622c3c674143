"""The current actor, taken from the request being handled."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


@dataclass(frozen=True)
class Actor:
    """A user with a token (API), a user without one (admin), or nobody (command)."""

    user_id: int | None = None
    token_id: int | None = None
    request_id: str = ""


class ActorMiddleware:
    """Remember the request during its handling.

    DRF adds the token and its user to it after authentication.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        before = _request.set(request)
        try:
            return self.get_response(request)
        finally:
            _request.reset(before)


def current_actor() -> Actor:
    """Return the current actor."""
    request = _request.get()
    if request is None:
        return Actor()
    token = getattr(request, "auth", None)
    return Actor(
        user_id=request.user.pk,
        token_id=token and token.pk,
        request_id=getattr(request, "request_id", ""),
    )
