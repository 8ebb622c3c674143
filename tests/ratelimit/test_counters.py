"""Counters in a Redis that is killed, started again or hung, or that drops connections."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Timer

import pytest
import redis

from ratelimit.counters import RETRY_REDIS_AFTER, CounterCache, Counters
from tests.support.servers import NoServer, Redis, redis_of_our_own

TIMEOUT = 0.1  # seconds


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    """A Redis that tests may kill and hang."""
    with ExitStack() as lent:
        try:
            running = lent.enter_context(redis_of_our_own())
        except NoServer as reason:
            pytest.skip(str(reason))
        yield running


@pytest.fixture
def counters(server: Redis, monkeypatch: pytest.MonkeyPatch) -> CounterCache:
    """Counters in a Redis that is there and empty."""
    monkeypatch.setattr(Counters, "_away_until", 0.0)
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    options = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT}
    return CounterCache(server.url, {"OPTIONS": options})


def counted(counters: CounterCache, key: str) -> int:
    """What django-ratelimit gets for one request."""
    return 1 if counters.add(key, 1, 60) else counters.incr(key)


def stored(server: Redis) -> int:
    """How many counters are in Redis itself."""
    with redis.Redis.from_url(server.url) as client:
        size: int = client.dbsize()
        return size


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let time pass."""
    now = time.monotonic() + seconds
    monkeypatch.setattr(time, "monotonic", lambda: now)


def test_counters_end_with_their_windows(server: Redis, counters: CounterCache) -> None:
    assert [counted(counters, "one") for _ in range(3)] == [1, 2, 3]
    assert counters.get("one", 0) == 3
    assert counters.get("other", 0) == 0
    with redis.Redis.from_url(server.url) as client:
        assert 0 < client.ttl(counters.make_key("one")) <= 60


def test_a_dropped_connection_is_replaced_and_counting_goes_on(
    server: Redis, counters: CounterCache
) -> None:
    for expected in (1, 2, 3):
        assert counted(counters, "one") == expected
        with redis.Redis.from_url(server.url) as client:
            client.client_kill_filter(_type="normal", skipme=True)
    assert counters.counters.answers()
    assert stored(server) == 1


def test_a_redis_started_again_counts_at_once(server: Redis, counters: CounterCache) -> None:
    assert [counted(counters, "one") for _ in range(2)] == [1, 2]
    server.kill()
    server.start()
    assert [counted(counters, "one") for _ in range(2)] == [1, 2]  # it kept nothing
    assert stored(server) == 1


def test_without_redis_the_process_counts_alone_for_a_while(
    server: Redis, counters: CounterCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [counted(counters, "one") for _ in range(2)] == [1, 2]
    server.kill()
    assert [counted(counters, "one") for _ in range(2)] == [1, 2]
    assert counters.get("one") == 2
    assert not counters.counters.answers()
    server.start()
    assert counted(counters, "one") == 3
    assert stored(server) == 0
    later(monkeypatch, RETRY_REDIS_AFTER)
    assert [counted(counters, "one") for _ in range(2)] == [1, 2]
    assert stored(server) == 1


def test_an_answer_that_comes_too_late_is_no_other_requests(
    server: Redis, counters: CounterCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [counted(counters, "slow") for _ in range(7)] == [*range(1, 8)]
    server.send(signal.SIGSTOP)
    assert counted(counters, "slow") == 1
    server.send(signal.SIGCONT)
    later(monkeypatch, RETRY_REDIS_AFTER)
    assert counted(counters, "other") == 1
    assert counters.get("another", 0) == 0


def test_a_redis_that_pauses_counts_a_request_once(
    server: Redis, counters: CounterCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert counted(counters, "one") == 1
    server.send(signal.SIGSTOP)
    resuming = Timer(1.5 * TIMEOUT, server.send, [signal.SIGCONT])
    resuming.start()
    counted(counters, "one")
    resuming.join()
    later(monkeypatch, RETRY_REDIS_AFTER)
    assert counters.get("one") == 2


def test_a_redis_that_refuses_to_count_is_left_for_another_at_its_address(
    server: Redis, counters: CounterCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that became a replica, for instance: the connection would go on to it for ever."""
    assert counted(counters, "moved") == 1
    with redis.Redis.from_url(server.url) as client:
        kept = client.info("clients")["connected_clients"]
        client.config_set("min-replicas-to-write", 1)
        assert counted(counters, "moved") == 1  # alone
        assert client.info("clients")["connected_clients"] == kept - 1
        client.config_set("min-replicas-to-write", 0)
    later(monkeypatch, RETRY_REDIS_AFTER + 1)
    assert counted(counters, "moved") == 2
