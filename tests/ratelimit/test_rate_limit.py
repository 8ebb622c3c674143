import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count as endless

import pytest
from django.test import RequestFactory

from ratelimit import limits as rate_limit
from ratelimit.limits import HOUR, MINUTE, Usage
from tests.support.clock import Clock


@pytest.mark.parametrize("period", [MINUTE, HOUR])
def test_the_reset_is_the_second_of_the_first_allowed_request(
    rf: RequestFactory, clock: Clock, period: int
) -> None:
    request, start = rf.get("/"), int(clock.now)
    for second in range(0, 2 * period + 2, period // 60):
        clock.now = start + second + 0.9
        key = f"second {second}"
        rate_limit.count(request, "test", key, 1, period)
        refused = rate_limit.count(request, "test", key, 1, period)
        assert refused.exceeded
        assert clock.now < refused.reset <= clock.now + period
        assert refused.retry_after == refused.reset - int(clock.now)
        clock.now = refused.reset - 0.001
        assert rate_limit.peek(request, "test", key, 1, period).remaining == 0
        clock.now = refused.reset
        assert rate_limit.peek(request, "test", key, 1, period).remaining == 1


def test_a_window_counts_down_and_then_refuses(rf: RequestFactory, clock: Clock) -> None:
    usages = [rate_limit.count(rf.get("/"), "test", "key", 2, MINUTE) for _ in range(4)]
    reset = usages[0].reset
    assert usages == [
        Usage(limit=2, remaining=1, reset=reset, exceeded=False),
        Usage(limit=2, remaining=0, reset=reset, exceeded=False),
        Usage(limit=2, remaining=0, reset=reset, exceeded=True),
        Usage(limit=2, remaining=0, reset=reset, exceeded=True),
    ]


def test_the_next_window_starts_afresh(rf: RequestFactory, clock: Clock) -> None:
    first = rate_limit.count(rf.get("/"), "test", "key", 1, MINUTE)
    clock.now = first.reset
    assert rate_limit.count(rf.get("/"), "test", "key", 1, MINUTE) == Usage(
        limit=1, remaining=0, reset=first.reset + MINUTE, exceeded=False
    )


def test_a_peek_counts_nothing(rf: RequestFactory, clock: Clock) -> None:
    for _ in range(3):
        peeked = rate_limit.peek(rf.get("/"), "test", "key", 1, MINUTE)
        assert (peeked.remaining, peeked.exceeded) == (1, False)
    rate_limit.count(rf.get("/"), "test", "key", 1, MINUTE)
    for _ in range(3):
        peeked = rate_limit.peek(rf.get("/"), "test", "key", 1, MINUTE)
        assert (peeked.remaining, peeked.exceeded) == (0, False)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(("test", "another key", 1, MINUTE), id="key"),
        pytest.param(("another group", "key", 1, MINUTE), id="group"),
        pytest.param(("test", "key", 1, HOUR), id="period"),
    ],
)
def test_windows_do_not_mix(
    rf: RequestFactory, clock: Clock, other: tuple[str, str, int, int]
) -> None:
    rate_limit.count(rf.get("/"), "test", "key", 1, MINUTE)
    assert rate_limit.peek(rf.get("/"), *other).remaining == 1


def test_a_clock_that_ticks_while_we_count_leaves_the_reset_alone(
    rf: RequestFactory, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    reset = rate_limit.count(rf.get("/"), "test", "key", 9, MINUTE).reset
    for seconds_before in (0.1, 1.1, 2.1, 30.1, MINUTE - 0.1):
        ticks = endless(reset - seconds_before, 0.6)
        monkeypatch.setattr(time, "time", lambda ticks=ticks: next(ticks))
        counted = rate_limit.count(rf.get("/"), "test", "key", 9, MINUTE)
        assert counted.reset == reset


def test_a_wait_is_at_least_a_second(clock: Clock) -> None:
    over = Usage(limit=1, remaining=0, reset=int(clock.now) - 3, exceeded=True)
    assert over.retry_after == 1


def test_racing_requests_are_counted_exactly(rf: RequestFactory, clock: Clock) -> None:
    def allowed(_: int) -> bool:
        return not rate_limit.count(rf.get("/"), "test", "key", 50, HOUR).exceeded

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(allowed, range(200))) == 50
