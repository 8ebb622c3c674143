"""The shared counters of the rate limit, which must not take the service down with them."""

import logging
import time
from typing import Any

import redis
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.retry import Retry

RETRY_REDIS_AFTER = 5  # seconds during which this process counts alone
# In one command, because redis-py takes longer over a pipeline of two than Redis over both.
COUNT = """
    local count = redis.call('INCR', KEYS[1])
    if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
    return count
"""

log = logging.getLogger("timetracker.counters")


class CounterCache(RedisCache):
    """Counters in Redis; while it is away each process counts by itself.

    Neither open nor closed: at worst a token gets its limit once from each process. It offers
    what django-ratelimit uses (`add`, then `incr` or `get`), each window in one round trip:
    `add` of 1 also counts, and `incr` returns what was counted.
    """

    _away_until = 0.0  # monotonic seconds; of the class, because Django makes one per thread

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        """Connect to `server` when first asked; try again where a kept connection is dead."""
        options = {**params.get("OPTIONS", {}), "retry": Retry(NoBackoff(), 1)}
        super().__init__(server, {**params, "OPTIONS": options})
        self._alone = LocMemCache("counters", {"OPTIONS": {"MAX_ENTRIES": 100_000}})
        self._counted: dict[str, int] = {}
        self._client = self._cache.get_client(write=True)  # Django's makes one for each call
        self._count = self._client.register_script(COUNT)

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
            return self._add(self.make_and_validate_key(key, version), value, timeout)
        except redis.RedisError:
            self._count_alone()
            return self._alone.add(key, value, timeout, version)

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Return the count of the `add` that came before; counted there already."""
        counted = self._counted.pop(self.make_and_validate_key(key, version), None)
        return self._alone.incr(key, delta, version) if counted is None else counted

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """Return a counter."""
        if self._is_away():
            return self._alone.get(key, default, version)
        try:
            count = self._client.get(self.make_and_validate_key(key, version))
            return default if count is None else int(count)
        except redis.RedisError:
            self._count_alone()
            return self._alone.get(key, default, version)

    def answers(self) -> bool:
        """Return whether Redis answers now."""
        try:
            return bool(self._client.ping())
        except redis.RedisError:
            return False

    def _add(self, key: str, value: int, timeout: Any) -> bool:
        if value == 0:
            return False  # to look at a counter needs none: `get` says what follows
        count: int = self._count(keys=[key], args=[int(timeout)])
        if count > 1:
            self._counted[key] = count
        return count == 1

    def _is_away(self) -> bool:
        return time.monotonic() < CounterCache._away_until

    def _count_alone(self) -> None:
        CounterCache._away_until = time.monotonic() + RETRY_REDIS_AFTER
        log.error("Redis does not answer: this process counts alone")
