"""The shared counters of the rate limit, which must not take the service down with them."""

import hashlib
import logging
import time
from typing import Any

import redis
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.locmem import LocMemCache
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

RETRY_REDIS_AFTER = 5  # seconds during which this process counts alone
# In one command, because redis-py takes longer over a pipeline of two than Redis over both.
COUNT = """
    local count = redis.call('INCR', KEYS[1])
    if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
    return count
"""
COUNT_SHA = hashlib.sha1(COUNT.encode(), usedforsecurity=False).hexdigest()

log = logging.getLogger("ratelimit.counters")


class CounterCache(BaseCache):
    """Counters in Redis; while it is away each process counts by itself.

    Neither open nor closed: at worst a token gets its limit once from each process. It offers
    what django-ratelimit uses (`add`, then `incr` or `get`), each window in one round trip:
    `add` of 1 also counts, and `incr` returns the count. It keeps a connection of its own:
    a client with a pool takes three times as long over a command.
    """

    _away_until = 0.0  # monotonic seconds; of the class, because Django makes one per thread

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        """Connect to `server` when first asked."""
        super().__init__(params)
        options = {**params.get("OPTIONS", {}), "retry": Retry(NoBackoff(), 0)}
        self._redis = redis.ConnectionPool.from_url(server, **options).make_connection()
        self._alone = LocMemCache("counters", {"OPTIONS": {"MAX_ENTRIES": 100_000}})
        self._counted: dict[str, int] = {}

    def add(
        self,
        key: str,
        value: int,
        timeout: Any = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        """Store a counter if there is none and return whether there was none."""
        if self._is_away():
            return self._alone.add(key, value, timeout, version)
        try:
            return self._add(self.make_key(key, version), value, timeout)
        except redis.RedisError:
            self._count_alone()
            return self._alone.add(key, value, timeout, version)

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Return the count of the `add` that came before; counted there already."""
        counted = self._counted.pop(self.make_key(key, version), None)
        return self._alone.incr(key, delta, version) if counted is None else counted

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """Return a counter."""
        if self._is_away():
            return self._alone.get(key, default, version)
        try:
            count = self._ask("GET", self.make_key(key, version))
            return default if count is None else int(count)
        except redis.RedisError:
            self._count_alone()
            return self._alone.get(key, default, version)

    def answers(self) -> bool:
        """Return whether Redis answers now."""
        try:
            return bool(self._ask("PING"))
        except redis.RedisError:
            return False

    def _add(self, key: str, value: int, timeout: Any) -> bool:
        if value == 0:
            return False  # to look at a counter needs none: `get` says what follows
        count: int = self._ask_script(key, int(timeout))
        if count > 1:
            self._counted[key] = count
        return count == 1

    def _ask_script(self, key: str, timeout: int) -> Any:
        try:
            return self._ask("EVALSHA", COUNT_SHA, 1, key, timeout)
        except NoScriptError:  # a Redis that was started since
            return self._ask("EVAL", COUNT, 1, key, timeout)

    def _ask(self, *command: str | int) -> Any:
        """Return the answer to a command, on a new connection where the one kept is dead.

        One that is late may be carried out yet: a second would count the request twice.
        """
        try:
            return self._exchange(*command)
        except redis.ConnectionError:
            return self._exchange(*command)

    def _exchange(self, *command: str | int) -> Any:
        """Send a command and read its answer; redis-py closes the connection if that fails."""
        self._redis.send_command(*command)  # type: ignore[no-untyped-call]
        return self._redis.read_response()

    def _is_away(self) -> bool:
        return time.monotonic() < CounterCache._away_until

    def _count_alone(self) -> None:
        CounterCache._away_until = time.monotonic() + RETRY_REDIS_AFTER
        log.error("Redis is unavailable: counting in this process only")
