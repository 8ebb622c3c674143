"""System checks on our own settings."""

import os
from collections.abc import Sequence

from django.apps import AppConfig
from django.core.cache import caches
from django.core.checks import CheckMessage, Error, register

from ratelimit.counters import CounterCache

WORKER_VARIABLES = ("GRANIAN_WORKERS", "WEB_CONCURRENCY")


@register
def several_processes_share_counters(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[CheckMessage]:
    """Refuse several server processes whose rate limits would each count alone."""
    several = [name for name in WORKER_VARIABLES if os.environ.get(name, "1") != "1"]
    if not several or isinstance(caches["ratelimit"], CounterCache):
        return []
    return [
        Error(
            f"{several[0]} asks for several processes, which would each count rate limits "
            "separately.",
            hint="Set REDIS_URL or run one process.",
            id="timetracker.E001",
        )
    ]
