"""The shared counters of the rate limit, which must not take the service down with them."""

import hashlib
import logging
import time
from typing import Any

import redis
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry
from redis.sentinel import Sentinel

from metrics.spent import waiting_for_redis
from ratelimit import sentinels

RETRY_REDIS_AFTER = 5  # seconds during which this process counts alone
# In one command, because redis-py takes longer over a pipeline of two than Redis over both.
COUNT = """
    local count = redis.call('INCR', KEYS[1])
    if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
    return count
"""
COUNT_SHA = hashlib.sha1(COUNT.encode(), usedforsecurity=False).hexdigest()

Options = dict[str, Any]
Answer = Any  # of Redis: whatever the command returns

log = logging.getLogger("ratelimit.counters")


class Counters:
    """Counters in Redis; while it is away each process counts by itself.

    Neither open nor closed: at worst a token gets its limit once from each process. It keeps a
    connection of its own: a client with a pool takes three times as long over a command.
    """

    _away_until = 0.0  # monotonic seconds; of the class, because Django makes a cache per thread

    def __init__(self, server: str, options: Options) -> None:
        """Connect to `server` when first asked."""
        self._redis = _pool_of(server, options).make_connection()
        self._alone = LocMemCache("counters", {"OPTIONS": {"MAX_ENTRIES": 100_000}})

    def count(self, key: str, seconds: int) -> int:
        """Count one more and return the count, which is forgotten `seconds` after the first."""
        if not self._is_away():
            try:
                return self._counted(key, seconds)
            except redis.RedisError:
                self._count_alone()
        self._alone.add(key, 0, seconds)
        return self._alone.incr(key)

    def read(self, key: str) -> int:
        """Return a count without counting."""
        if not self._is_away():
            try:
                return int(self._ask("GET", key) or 0)
            except redis.RedisError:
                self._count_alone()
        return int(self._alone.get(key, 0))

    def answers(self) -> bool:
        """Return whether Redis answers now."""
        try:
            return bool(self._ask("PING"))
        except redis.RedisError:
            return False

    def _counted(self, key: str, seconds: int) -> int:
        try:
            return int(self._ask("EVALSHA", COUNT_SHA, 1, key, seconds))
        except NoScriptError:  # a Redis that was started since
            return int(self._ask("EVAL", COUNT, 1, key, seconds))

    def _ask(self, *command: str | int) -> Answer:
        """Return the answer to a command, on a new connection where the one kept is dead.

        One that is late may be carried out yet: a second would count the request twice.
        """
        with waiting_for_redis():
            try:
                return self._exchange(*command)
            except redis.ConnectionError:
                return self._exchange(*command)

    def _exchange(self, *command: str | int) -> Answer:
        """Send a command and read its answer; redis-py closes the connection if that fails."""
        self._redis.send_command(*command)
        return self._redis.read_response()

    def _is_away(self) -> bool:
        return time.monotonic() < Counters._away_until

    def _count_alone(self) -> None:
        Counters._away_until = time.monotonic() + RETRY_REDIS_AFTER
        self._redis.disconnect()  # from a master of before: another may have its address
        log.error("Redis is unavailable: counting in this process only")


def _pool_of(server: str, options: Options) -> redis.ConnectionPool:
    """Return a pool, which makes connections; with sentinels, to the master of that moment."""
    once = Retry(NoBackoff(), 0)
    if not server.startswith(sentinels.SCHEME):
        return redis.ConnectionPool.from_url(server, **options, retry=once)
    watched = sentinels.read(server)
    asked = Sentinel(watched.sentinels, sentinel_kwargs=options)
    master = asked.master_for(watched.name, **options, **watched.options, retry=once)
    found: redis.ConnectionPool = master.connection_pool
    return found


class CounterCache(BaseCache):
    """Counters as the cache that django-ratelimit insists on, each window in one round trip.

    It calls `add` and then, unless that added, `incr` to count or `get` to look: so `add` counts
    and says that it added nothing, and `incr` returns the count.
    """

    def __init__(self, server: str, params: Options) -> None:
        super().__init__(params)
        self.counters = Counters(server, params.get("OPTIONS", {}))
        self._counts: dict[str, int] = {}

    def add(
        self, key: str, value: int, timeout: float | None = None, version: int | None = None
    ) -> bool:
        """Count, if the value is one."""
        if value:
            counted = self.counters.count(self.make_key(key, version), int(timeout or 0))
            self._counts[key] = counted
        return False

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Return what `add` counted."""
        return self._counts.pop(key)

    def get(self, key: str, default: int | None = None, version: int | None = None) -> int:
        """Return a count."""
        return self.counters.read(self.make_key(key, version))
