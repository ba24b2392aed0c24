"""The counters of the rate limits, in PostgreSQL; exact with any number of workers."""

from typing import Any

from django.core.cache.backends.base import BaseCache
from django.db import connection

TABLE = "core_counter"


class CounterCache(BaseCache):
    """A cache of whole numbers with an atomic `add_up_to`, in the table of its LOCATION.

    Django's own backends read, then write: with several workers they let a multiple of a limit
    through. Only the methods that the rate limiter calls are implemented; the others raise
    `NotImplementedError`. The table is UNLOGGED: after a crash the counters start again at zero.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._table = connection.ops.quote_name(location)

    def add_up_to(self, key: str, amount: int, *, most: int, timeout: float) -> int | None:
        """Add `amount` to a counter if the sum is at most `most`, and return the sum, else None.

        A counter begins at zero and is kept for `timeout` seconds from then on; its key says which
        window it counts. `amount` alone is at most `most`.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {self._table} AS counter (key, value, expires_at)"  # noqa: S608
                " VALUES (%s, %s, now() + make_interval(secs => %s))"
                " ON CONFLICT (key) DO UPDATE SET value = counter.value + excluded.value"
                " WHERE counter.value + excluded.value <= %s RETURNING value",
                [self.make_and_validate_key(key), amount, timeout, most],
            )
            row = cursor.fetchone()
        return None if row is None else int(row[0])

    def delete_expired(self) -> int:
        """Delete the expired counters and return how many there were."""
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {self._table} WHERE expires_at < now()")  # noqa: S608
            return int(cursor.rowcount)
