"""Count requests, and what the log says about them."""

import logging
from collections.abc import Callable
from functools import cache
from time import perf_counter
from typing import NamedTuple

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Histogram

from metrics import instruments
from metrics.routes import route_of
from metrics.spent import spent

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OTHER = "other"  # a caller can invent methods without end


class Series(NamedTuple):
    """What requests of a method, route and status add to."""

    seconds: Histogram
    database: Counter
    statements: Counter
    redis: Counter


@cache
def _series(method: str, route: str, status: int) -> Series:
    """Return the series, which else take longer to find than to add to."""
    return Series(
        instruments.REQUESTS.labels(method, route, status),
        instruments.DATABASE.labels(route),
        instruments.STATEMENTS.labels(route),
        instruments.REDIS.labels(route),
    )


class MetricsMiddleware:
    """Count each request, its time, and what it waited for; nothing without METRICS_ADDRESS."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.METRICS_ADDRESS:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = perf_counter()
        database, statements, redis = spent.database, spent.statements, spent.redis
        response = self.get_response(request)
        method = request.method if request.method in METHODS else OTHER
        series = _series(method, route_of(request), response.status_code)
        series.seconds.observe(perf_counter() - started)
        series.database.inc(spent.database - database)
        series.statements.inc(spent.statements - statements)
        series.redis.inc(spent.redis - redis)
        return response


class CountingHandler(logging.Handler):
    """Count lines of the log by their text without its values; nothing without METRICS_ADDRESS."""

    def emit(self, record: logging.LogRecord) -> None:
        """Count a line."""
        if settings.METRICS_ADDRESS:
            instruments.EVENTS.labels(record.name, str(record.msg)).inc()
