"""The counters of the rate limits, in PostgreSQL; exact with any number of workers."""

from typing import Any

from django.core.cache.backends.base import BaseCache
from django.db import connection

TABLE = "core_counter"


class CounterCache(BaseCache):
    """A cache of whole numbers with an atomic `add` and `incr`, in the table of its LOCATION.

    Django's own backends read, then write: with several workers they let a multiple of a limit
    through. Only the methods that the rate limiter calls are implemented; the others raise
    `NotImplementedError`. The table is UNLOGGED: after a crash the counters start again at zero.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._table = connection.ops.quote_name(location)

    def add(
        self, key: str, value: int, timeout: float | None = None, version: int | None = None
    ) -> bool:
        """Set the counter for `timeout` seconds unless it exists and has not expired.

        Return whether it was set.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {self._table} AS counter (key, value, expires_at)"  # noqa: S608
                " VALUES (%s, %s, now() + make_interval(secs => %s))"
                " ON CONFLICT (key) DO UPDATE"
                " SET value = excluded.value, expires_at = excluded.expires_at"
                " WHERE counter.expires_at < now()",
                [self.make_and_validate_key(key, version), value, timeout],
            )
            return bool(cursor.rowcount == 1)

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Add `delta` and return the sum. Raises `ValueError` when there is no such counter."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {self._table} SET value = value + %s"  # noqa: S608
                " WHERE key = %s RETURNING value",
                [delta, self.make_and_validate_key(key, version)],
            )
            row = cursor.fetchone()
        if row is None:
            raise ValueError(f"There is no counter {key!r}.")
        return int(row[0])

    def delete_expired(self) -> int:
        """Delete the expired counters and return how many there were."""
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {self._table} WHERE expires_at < now()")  # noqa: S608
            return int(cursor.rowcount)
