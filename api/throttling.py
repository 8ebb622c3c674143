"""Rate limits: django-ratelimit counts, DRF responds with 429."""

import logging
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from django.conf import settings
from rest_framework.throttling import BaseThrottle

from api.conditional import may_be_unchanged
from ratelimit import limits as rate_limit
from ratelimit.limits import HOUR, MINUTE, Usage

if TYPE_CHECKING:  # the settings name this module, and rest_framework.views reads the settings
    from rest_framework.request import Request
    from rest_framework.views import APIView

    from api.views import ApiView
    from apitokens.models import ApiToken


security_log = logging.getLogger("timetracker.security")


class TokenThrottle(BaseThrottle):
    """Count each token's requests per minute and hour, and report how many are left.

    A 304 counts only for the minute, since polling for changes is cheap. That is not known in
    advance, so the view calls `settle` with the status code. The hour neither counts nor refuses
    what a view that `is_polled` answers.
    """

    tightest: Usage
    unsettled: Usage | None = None  # the minute of a request that the hour may not count

    def allow_request(self, request: "Request", view: "APIView | ApiView") -> bool:
        """Return whether the request is within both windows; requests without a token are."""
        if request.auth is None:
            return True
        minute, hour = self._usages(request, is_polled=getattr(view, "is_polled", False))
        self._set_headers(request, view, minute, hour)
        if not (minute.exceeded or hour.exceeded):
            return True
        token = cast("ApiToken", request.auth)
        security_log.warning("Rate limited", extra={"prefix": token.prefix})
        return False

    def settle(self, request: "Request", view: "APIView | ApiView", status_code: int) -> None:
        """Also count for the hour unless the response is 304."""
        if self.unsettled and status_code != HTTPStatus.NOT_MODIFIED:
            self._set_headers(
                request, view, self.unsettled, _usage(request, rate_limit.count, "hour")
            )

    def wait(self) -> float:
        """Return the seconds until the next request is allowed."""
        return self.tightest.retry_after

    def _set_headers(
        self, request: "Request", view: "APIView | ApiView", minute: Usage, hour: Usage
    ) -> None:
        self.tightest = min(minute, hour, key=lambda usage: (usage.remaining, -usage.reset))
        headers = {
            "X-RateLimit-Limit": str(self.tightest.limit),
            "X-RateLimit-Remaining": str(self.tightest.remaining),
            "X-RateLimit-Reset": str(self.tightest.reset),
        }
        view.headers.update(headers)
        request._request.rate_limit_headers = headers  # type: ignore[attr-defined]  # noqa: SLF001 - for what fails outside DRF

    def _usages(self, request: "Request", *, is_polled: bool) -> tuple[Usage, Usage]:
        """Count the request; one that exceeds the minute limit does not count for the hour."""
        minute = _usage(request, rate_limit.count, "minute")
        if is_polled:
            hour = _usage(request, rate_limit.peek, "hour")
            return minute, replace(hour, exceeded=False)
        if minute.exceeded:
            return minute, _usage(request, rate_limit.peek, "hour")
        if may_be_unchanged(request):
            hour = _usage(request, rate_limit.peek, "hour")
            if hour.remaining:
                self.unsettled = minute
                return minute, hour
        return minute, _usage(request, rate_limit.count, "hour")


def _usage(request: "Request", ask: Callable[..., Usage], window: str) -> Usage:
    limit, period = {
        "minute": (settings.RATE_LIMIT_PER_MINUTE, MINUTE),
        "hour": (settings.RATE_LIMIT_PER_HOUR, HOUR),
    }[window]
    http_request = request._request  # noqa: SLF001 - DRF has no other way to Django's
    return ask(http_request, window, f"token:{request.auth.pk}", limit, period)
