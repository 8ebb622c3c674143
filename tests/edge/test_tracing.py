"""The trace of a request in its log lines."""

import pytest
from django.test import RequestFactory
from opentelemetry.trace import NonRecordingSpan, SpanContext, use_span

from edge.tracing import trace_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FOUND = {"trace_id": TRACE, "span_id": SPAN}


@pytest.mark.parametrize(
    ("header", "found"),
    [
        pytest.param(f"00-{TRACE}-{SPAN}-01", FOUND, id="sampled"),
        pytest.param(f"00-{TRACE}-{SPAN}-00", FOUND, id="not sampled"),
        pytest.param(f"cc-{TRACE}-{SPAN}-01-what-will-be", FOUND, id="a later version"),
        pytest.param("", {}, id="none"),
        pytest.param(f"00-{TRACE}-{SPAN}-01-more", {}, id="too long for its version"),
        pytest.param(f"ff-{TRACE}-{SPAN}-01", {}, id="forbidden version"),
        pytest.param(f"00-{TRACE.upper()}-{SPAN}-01", {}, id="capitals"),
        pytest.param(f"00-{'0' * 32}-{SPAN}-01", {}, id="no trace"),
        pytest.param(f"00-{TRACE}-{'0' * 16}-01", {}, id="no span"),
        pytest.param(f"00-{TRACE}-{SPAN}-01\n", {}, id="line break"),
        pytest.param("x" * 10_000, {}, id="long"),
    ],
)
def test_trace_of_the_caller(header: str, found: dict[str, str]) -> None:
    request = RequestFactory().get("/", headers={"traceparent": header})
    assert trace_of(request) == found


def test_the_span_of_opentelemetry_comes_before_that_of_the_caller() -> None:
    ours = SpanContext(int(TRACE, 16), 0x532988ABC271327A, is_remote=False)
    request = RequestFactory().get("/", headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})
    assert trace_of(request) == FOUND
    with use_span(NonRecordingSpan(ours)):
        assert trace_of(request) == {"trace_id": TRACE, "span_id": "532988abc271327a"}
