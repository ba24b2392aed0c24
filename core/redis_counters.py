"""The counters of the rate limits, in Redis; loaded only when REDIS_URL is set."""

import logging
import time
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from core.counters import TABLE, CounterCache

Result = TypeVar("Result")
logger = logging.getLogger(__name__)

#: How long Redis may take to answer, and how long a process does not use it after a failure.
TIMEOUT_SECONDS = 0.5
RETRY_AFTER_SECONDS = 5
#: Longer than any rate limit's window. The key of a counter contains its window.
_FALLBACK_SECONDS = 86_400


class RedisCounterCache(RedisCache):
    """Counters in Redis. While Redis is unavailable they are in PostgreSQL, starting from zero.

    So money still moves without Redis, and guesses and password hashes stay limited.
    """

    _unavailable_until: ClassVar[float] = 0

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        options = {
            "socket_connect_timeout": TIMEOUT_SECONDS,
            "socket_timeout": TIMEOUT_SECONDS,
            # One immediate retry: a pooled connection may be older than a restarted Redis.
            "retry": Retry(NoBackoff(), 1),
        }
        super().__init__(server, {**params, "OPTIONS": options})
        self._fallback = CounterCache(TABLE, params)

    def add(
        self, key: str, value: Any, timeout: float | None = None, version: int | None = None
    ) -> bool:
        """Set the counter for `timeout` seconds unless it exists and has not expired.

        Return whether it was set.
        """
        return self._with_fallback(
            lambda: super(RedisCounterCache, self).add(key, value, timeout, version),
            lambda: self._fallback.add(key, value, timeout, version),
        )

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Add `delta` and return the sum. Raises `ValueError` when there is no such counter."""

        def fallback() -> int:
            # The counter may have been added to Redis before Redis became unavailable.
            self._fallback.add(key, 0, _FALLBACK_SECONDS, version)
            return self._fallback.incr(key, delta, version)

        return self._with_fallback(
            lambda: super(RedisCounterCache, self).incr(key, delta, version), fallback
        )

    def _with_fallback(self, redis: Callable[[], Result], fallback: Callable[[], Result]) -> Result:
        if time.monotonic() < RedisCounterCache._unavailable_until:
            return fallback()
        try:
            return redis()
        except RedisError as error:
            RedisCounterCache._unavailable_until = time.monotonic() + RETRY_AFTER_SECONDS
            # Without the error's text, which may quote the URL.
            logger.warning(
                "Redis is unavailable (%s): counting in PostgreSQL.", type(error).__name__
            )
            return fallback()
