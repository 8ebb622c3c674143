"""The trace of which a request is part: W3C Trace Context, and OpenTelemetry if it runs."""

import re
import sys

from django.http import HttpRequest

# Later versions begin in the same way and may have more behind it.
TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace_id>[0-9a-f]{32})"
    r"-(?!0{16})(?P<span_id>[0-9a-f]{16})-[0-9a-f]{2}(?P<more>-.*)?",
    re.ASCII,
)


def trace_of(request: HttpRequest) -> dict[str, str]:
    """Return `trace_id` and `span_id` for the log; nothing where the caller sent no valid trace.

    Where OpenTelemetry instruments the process, its own span; otherwise that of the caller.
    """
    return _span_of_ours() or _span_of_caller(request.META.get("HTTP_TRACEPARENT", ""))


def _span_of_caller(header: str) -> dict[str, str]:
    match = TRACEPARENT.fullmatch(header)
    if match is None or (match["version"] == "00" and match["more"]):
        return {}
    return {"trace_id": match["trace_id"], "span_id": match["span_id"]}


def _span_of_ours() -> dict[str, str]:
    """Return the current span of OpenTelemetry, if something has loaded it."""
    opentelemetry = sys.modules.get("opentelemetry.trace")
    if opentelemetry is None:
        return {}
    context = opentelemetry.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
