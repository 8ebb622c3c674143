"""What is valid today is shown from the beginning of the day on."""

import logging
from collections.abc import Callable
from datetime import date
from typing import ClassVar

from django.db import DatabaseError
from django.db.models import F
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from rates.models import Rate, settled

CREDENTIALS = {"HTTP_AUTHORIZATION", "HTTP_X_API_KEY", "HTTP_COOKIE"}

log = logging.getLogger("timetracker.rates")


class RolloverMiddleware:
    """Before the first request of a day (UTC), let projects and clients show their rates of it.

    A caller without credentials, such as a probe, gets no rate either.
    """

    day: ClassVar[date | None] = None  # of the process

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, after a look at the date."""
        today = timezone.now().date()
        if today != RolloverMiddleware.day and any(map(request.META.get, CREDENTIALS)):
            try:
                roll_over()
                RolloverMiddleware.day = today
            except DatabaseError as error:  # the next request tries again
                log.error("Rates of today are not shown yet", extra={"cause": str(error)})
        return self._get_response(request)


def roll_over() -> None:
    """Write what projects and clients show, where a rate has begun since it was written."""
    begun = Rate.objects.filter(user=None, valid_from__lte=timezone.now().date())
    ended = {"valid_until__isnull": False, "valid_until__lt": timezone.now().date()}
    valid = begun.exclude(**ended)
    stale = [
        *valid.filter(project__isnull=False).exclude(project__hourly_rate=F("hourly_rate")),
        *valid.filter(client__isnull=False).exclude(client__default_hourly_rate=F("hourly_rate")),
    ]
    with settled({rate.place for rate in stale}):
        pass  # the rates stay: only what is shown of them changes
