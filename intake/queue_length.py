"""What waits in the queue. Asked by the partial indexes alone: what has ended costs nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many transactions wait, and for how long."""

    #: Ready to run, for the first time.
    untried: int
    #: Ready to run once more.
    due: int
    #: Failed; their next attempt is not due yet.
    retrying: int
    #: How long the oldest of `untried` has waited; None: there is none.
    oldest_seconds: float | None
    #: When the first of `retrying` is due; None: there is none.
    next_retry_at: datetime | None


class _Cursor(Protocol):
    def execute(self, query: str, params: dict[str, Any], /) -> object: ...
    def fetchall(self) -> list[tuple[Any, ...]]: ...


# The conditions are those of the indexes queued_by_age and queued_retries, to the letter.
_WAITING = """
    SELECT ready.untried, ready.due,
           (SELECT count(*) FROM (SELECT 1 FROM intake_queuedtransaction
             WHERE status = 'pending' AND next_attempt_at IS NOT NULL LIMIT %(most)s) AS retrying),
           (SELECT extract(epoch FROM now() - created_at) FROM intake_queuedtransaction
             WHERE status = 'pending' AND next_attempt_at IS NULL AND NOT is_failed
             ORDER BY id LIMIT 1),
           (SELECT min(next_attempt_at) FROM intake_queuedtransaction
             WHERE status = 'pending' AND next_attempt_at IS NOT NULL)
      FROM (SELECT count(*) FILTER (WHERE NOT is_failed) AS untried,
                   count(*) FILTER (WHERE is_failed) AS due
              FROM (SELECT is_failed FROM intake_queuedtransaction
                     WHERE status = 'pending' AND next_attempt_at IS NULL
                     LIMIT %(most)s) AS each) AS ready
"""


def waiting(cursor: _Cursor, *, most: int | None = None) -> Waiting:
    """Count what waits: all of it, or up to `most` that are ready and as many that retry later."""
    cursor.execute(_WAITING, {"most": most})
    [(untried, due, retrying, oldest_seconds, next_retry_at)] = cursor.fetchall()
    return Waiting(
        untried,
        due,
        retrying,
        None if oldest_seconds is None else float(oldest_seconds),
        next_retry_at,
    )
