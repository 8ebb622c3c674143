"""One window of django-ratelimit's counting, in the words of our headers."""

import time
import zlib
from dataclasses import dataclass

from django.http import HttpRequest
from django_ratelimit.core import get_usage

MINUTE = 60  # seconds
HOUR = 3600


@dataclass(frozen=True)
class Usage:
    """How much of one window is used up; `reset` is the Unix second of the next free request."""

    limit: int
    remaining: int
    reset: int
    exceeded: bool

    @property
    def retry_after(self) -> int:
        """Whole seconds until a request is allowed again; at least 1."""
        return max(1, self.reset - int(time.time()))


def count(request: HttpRequest, group: str, key: str, limit: int, period: int) -> Usage:
    """Count a request of `key` against `limit` requests in `period` seconds."""
    return _usage(request, group, key, limit, period, increment=True)


def peek(request: HttpRequest, group: str, key: str, limit: int, period: int) -> Usage:
    """Return the usage of a window without counting a request."""
    return _usage(request, group, key, limit, period, increment=False)


def _usage(
    request: HttpRequest, group: str, key: str, limit: int, period: int, *, increment: bool
) -> Usage:
    usage = get_usage(
        request, group, key=lambda *_: key, rate=(limit, period), increment=increment
    )
    window_end = int(time.time()) + usage["time_left"]
    # The clock may have ticked since get_usage read it; its windows end at this offset.
    window_end -= (window_end - zlib.crc32(key.encode())) % period
    return Usage(
        limit=limit,
        remaining=max(0, limit - usage["count"]),
        # django-ratelimit's windows include their last second.
        reset=window_end + 1,
        exceeded=usage["count"] > limit,
    )
