"""Rate limits: django-ratelimit counts, DRF answers 429."""

import logging
from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.throttling import BaseThrottle

from timetracker import rate_limit
from timetracker.rate_limit import HOUR, MINUTE, Usage

if TYPE_CHECKING:  # the settings name this module, and rest_framework.views reads the settings
    from rest_framework.request import Request
    from rest_framework.views import APIView

    from apitokens.models import ApiToken


security_log = logging.getLogger("timetracker.security")


class TokenThrottle(BaseThrottle):
    """Count each token's requests in a minute and in an hour, and say how many are left."""

    tightest: Usage

    def allow_request(self, request: "Request", view: "APIView") -> bool:
        """Return whether the request is within both windows; requests without a token are."""
        token: ApiToken | None = request.auth  # type: ignore[assignment]
        if token is None:
            return True
        minute, hour = self._usages(request)
        self.tightest = min(minute, hour, key=lambda usage: (usage.remaining, -usage.reset))
        headers = {
            "X-RateLimit-Limit": str(self.tightest.limit),
            "X-RateLimit-Remaining": str(self.tightest.remaining),
            "X-RateLimit-Reset": str(self.tightest.reset),
        }
        view.headers.update(headers)
        request._request.rate_limit_headers = headers  # type: ignore[attr-defined]  # noqa: SLF001 - for what fails outside DRF
        if not (minute.exceeded or hour.exceeded):
            return True
        security_log.warning("Rate limited", extra={"prefix": token.prefix})
        return False

    def wait(self) -> float:
        """Return the seconds until the next request is allowed."""
        return self.tightest.retry_after

    def _usages(self, request: "Request") -> tuple[Usage, Usage]:
        """Count the request; one that the minute refuses does not use up the hour."""
        key = f"token:{request.auth.pk}"
        http_request = request._request  # noqa: SLF001 - DRF has no other way to Django's
        minute = rate_limit.count(
            http_request, "minute", key, settings.RATE_LIMIT_PER_MINUTE, MINUTE
        )
        judge = rate_limit.peek if minute.exceeded else rate_limit.count
        return minute, judge(http_request, "hour", key, settings.RATE_LIMIT_PER_HOUR, HOUR)
