"""The counters of the rate limits, in Redis; loaded only when REDIS_URL is set."""

import logging
import time
from collections.abc import Callable
from math import ceil
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
#: Redis runs a script whole, with nothing in between.
_ADD_UP_TO = """
    local value = tonumber(redis.call('GET', KEYS[1]) or '0')
    if value + tonumber(ARGV[1]) > tonumber(ARGV[2]) then
        return -1
    end
    if value == 0 then
        redis.call('SET', KEYS[1], '0', 'EX', ARGV[3])
    end
    return redis.call('INCRBY', KEYS[1], ARGV[1])
"""


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

    def add_up_to(self, key: str, amount: int, *, most: int, timeout: float) -> int | None:
        """Do as `CounterCache.add_up_to` does."""
        redis_key = self.make_and_validate_key(key)

        def add() -> int | None:
            client = self._cache.get_client(redis_key, write=True)
            added: int = client.eval(_ADD_UP_TO, 1, redis_key, amount, most, ceil(timeout))
            return None if added < 0 else added

        return self._with_fallback(
            add, lambda: self._fallback.add_up_to(key, amount, most=most, timeout=timeout)
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
