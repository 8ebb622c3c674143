"""Logs as JSON lines, each with the id of its request and none with a token."""

import re
from typing import Any

import structlog

SECRET = re.compile(r"(tt_|sr_)[0-9A-Za-z_-]{32}")  # of a token, of a shared report

COUNTED = ("timetracker", "ratelimit")  # and the loggers below them


def logging_settings(level: str) -> dict[str, Any]:
    """Return Django's LOGGING: one JSON object a line on standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [
                    structlog.contextvars.merge_contextvars,
                    structlog.stdlib.add_log_level,
                    structlog.stdlib.add_logger_name,
                    structlog.stdlib.ExtraAdder(),
                    structlog.processors.TimeStamper(fmt="iso", utc=True),
                ],
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    _without_objects,
                    structlog.processors.format_exc_info,
                    structlog.processors.JSONRenderer(),
                    hide_tokens,
                ],
            }
        },
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "json", "level": level},
            "metrics": {"class": "metrics.counting.CountingHandler", "level": "WARNING"},
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Counted also where LOG_LEVEL keeps them from being written.
            **{name: {"handlers": ["metrics"], "level": _at_least(level)} for name in COUNTED},
            "django": {"handlers": [], "propagate": True},
            # The access log already contains refused requests.
            "django.request": {"level": "ERROR"},
            # It would log the URLs of webhooks, whose paths are often secret.
            "urllib3": {"level": "ERROR"},
            # Host scanners would fill the log with tracebacks.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
        },
    }


def _at_least(level: str) -> str:
    """Return a level at which warnings pass."""
    return level if level in ("DEBUG", "INFO") else "WARNING"


def hide_tokens(_logger: object, _method: str, line: str) -> str:
    """Return a line with whatever looks like a token made unreadable."""
    return SECRET.sub(r"\1*****", line)


def _without_objects(
    _logger: object, _method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Drop Django's `request` attribute, which would be printed in full."""
    event.pop("request", None)
    return event
