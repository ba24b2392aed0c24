"""The counters of the rate limits, in Redis; loaded with REDIS_URL only."""

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

#: How long Redis may take to answer, and how long a process leaves it alone when it did not.
ANSWER_SECONDS = 0.5
PAUSE_SECONDS = 5
#: Longer than any window; which window a counter is of, its key says.
_SUBSTITUTE_SECONDS = 86_400


class RedisCounterCache(RedisCache):
    """Counters in Redis. While Redis is away they are in PostgreSQL, and start from zero there.

    So money does not stop for want of a counter, and nobody guesses or hashes without limit.
    """

    _away_until: ClassVar[float] = 0

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        options = {
            "socket_connect_timeout": ANSWER_SECONDS,
            "socket_timeout": ANSWER_SECONDS,
            # Once more, at once: a connection of the pool may be older than the Redis behind it.
            "retry": Retry(NoBackoff(), 1),
        }
        super().__init__(server, {**params, "OPTIONS": options})
        self._substitute = CounterCache(TABLE, params)

    def add(
        self, key: str, value: Any, timeout: float | None = None, version: int | None = None
    ) -> bool:
        """Set the counter for `timeout` seconds unless it is alive. Return whether it was set."""
        return self._ask(
            lambda: super(RedisCounterCache, self).add(key, value, timeout, version),
            lambda: self._substitute.add(key, value, timeout, version),
        )

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Add `delta` and return the sum. Raises `ValueError` when there is no such counter."""

        def substitute() -> int:
            # It may have been added to the Redis that is gone since.
            self._substitute.add(key, 0, _SUBSTITUTE_SECONDS, version)
            return self._substitute.incr(key, delta, version)

        return self._ask(
            lambda: super(RedisCounterCache, self).incr(key, delta, version), substitute
        )

    def _ask(self, redis: Callable[[], Result], substitute: Callable[[], Result]) -> Result:
        if time.monotonic() < RedisCounterCache._away_until:
            return substitute()
        try:
            return redis()
        except RedisError as error:
            RedisCounterCache._away_until = time.monotonic() + PAUSE_SECONDS
            # Not its text, which may quote the URL.
            logger.warning("Redis is away (%s): counting in PostgreSQL.", type(error).__name__)
            return substitute()
