"""The length of the queue, read from the partial indexes: ended transactions cost nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class QueueLength:
    """How many queued transactions are pending, and for how long."""

    #: Ready to run and never tried.
    untried: int
    #: Ready to run; an earlier attempt failed.
    due: int
    #: Their last attempt failed and the next is not due yet.
    retrying: int
    #: Age of the oldest of `untried`; None: there is none.
    oldest_seconds: float | None
    #: When the next of `retrying` is due; None: there is none.
    next_retry_at: datetime | None


class _Cursor(Protocol):
    def execute(self, query: str, params: dict[str, Any], /) -> object: ...
    def fetchall(self) -> list[tuple[Any, ...]]: ...


# The conditions are exactly those of the indexes queued_by_age and queued_retries.
_QUEUE_LENGTH = """
    SELECT ready.untried, ready.due,
           (SELECT count(*) FROM (SELECT 1 FROM intake_queuedtransaction
             WHERE status = 'pending' AND next_attempt_at IS NOT NULL LIMIT %(limit)s) AS retrying),
           (SELECT extract(epoch FROM now() - created_at) FROM intake_queuedtransaction
             WHERE status = 'pending' AND next_attempt_at IS NULL AND NOT is_failed
             ORDER BY id LIMIT 1),
           (SELECT min(next_attempt_at) FROM intake_queuedtransaction
             WHERE status = 'pending' AND next_attempt_at IS NOT NULL)
      FROM (SELECT count(*) FILTER (WHERE NOT is_failed) AS untried,
                   count(*) FILTER (WHERE is_failed) AS due
              FROM (SELECT is_failed FROM intake_queuedtransaction
                     WHERE status = 'pending' AND next_attempt_at IS NULL
                     LIMIT %(limit)s) AS each) AS ready
"""


def queue_length(cursor: _Cursor, *, limit: int | None = None) -> QueueLength:
    """Count the pending transactions: all, or up to `limit` ready and up to `limit` retrying."""
    cursor.execute(_QUEUE_LENGTH, {"limit": limit})
    [(untried, due, retrying, oldest_seconds, next_retry_at)] = cursor.fetchall()
    return QueueLength(
        untried,
        due,
        retrying,
        None if oldest_seconds is None else float(oldest_seconds),
        next_retry_at,
    )
