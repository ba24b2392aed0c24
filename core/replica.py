"""Reads from a replica that is never older than what its caller has already read (ADR 12).

`DATABASE_REPLICA_URL` names a streaming replica. For each caller the table `core_position` holds
the position of the primary's write-ahead log when the primary last answered that caller. The
replica may answer once it has replayed the log up to that position. The primary answers callers
without a row, and all callers while the replica is behind or unavailable. Without the setting,
none of this runs.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    InterfaceError,
    OperationalError,
    connection,
    connections,
)

from core.connections import REPLICA

Result = TypeVar("Result")
logger = logging.getLogger(__name__)

#: After a failed connection, this process does not use the replica for so long.
RETRY_AFTER_SECONDS = 5
#: Pauses between the three checks that a read makes while the replica is slightly behind.
RECHECK_PAUSES_SECONDS = (0.002, 0.008)
#: The caller's position, as a column of the authentication query: it costs no extra round trip.
RECORDED_POSITION = "(SELECT position::text FROM core_position WHERE caller_id = accounts_user.id)"

# A replica that restarts may show an older state for a moment: it receives log again only after it
# has replayed all that it had stored. A promoted replica no longer follows the primary.
_HAS_REACHED = """
    SELECT pg_is_in_recovery() AND pg_last_wal_receive_lsn() IS NOT NULL
           AND pg_last_wal_replay_lsn() >= %s::pg_lsn
"""
# The position is read after the commit, so it is not below the commit's. It never decreases, though
# two requests of one caller may write it in the other order. What other sessions can see has been
# flushed, and the replica reaches the flush position. The insert position may be beyond it (by this
# row's own commit, for one) until the next flush, and frequent calls would keep it out of reach.
_RECORD_POSITION = """
    INSERT INTO core_position AS stored (caller_id, position, recorded_at)
    VALUES (%s, CASE current_setting('synchronous_commit')
                     WHEN 'off' THEN pg_current_wal_insert_lsn()
                                ELSE pg_current_wal_flush_lsn() END, now())
        ON CONFLICT (caller_id) DO UPDATE
       SET position = greatest(stored.position, excluded.position),
           recorded_at = excluded.recorded_at
"""

_alias: ContextVar[str] = ContextVar("reads_from", default=DEFAULT_DB_ALIAS)
_unavailable_until = 0.0


class Router:
    """Sends the reads inside `use_replica` to the replica, and all else to the primary."""

    def db_for_read(self, _model: Any, **_hints: Any) -> str:
        return current_alias()

    def db_for_write(self, _model: Any, **_hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, _one: Any, _other: Any, **_hints: Any) -> bool:
        return True

    def allow_migrate(self, alias: str, _app: str, **_hints: Any) -> bool:
        return alias == DEFAULT_DB_ALIAS


def is_configured() -> bool:
    """Whether this process has a replica to read from."""
    return REPLICA in settings.DATABASES


def current_alias() -> str:
    """Return the alias that reads use here: inside a database transaction always the primary."""
    return DEFAULT_DB_ALIAS if connection.in_atomic_block else _alias.get()


@contextmanager
def use_replica() -> Iterator[None]:
    """Send the reads in the block to the replica."""
    token = _alias.set(REPLICA)
    try:
        yield
    finally:
        _alias.reset(token)


def has_reached(position: str) -> bool:
    """Return whether the replica has replayed the log up to `position`."""
    global _unavailable_until  # noqa: PLW0603 (state of this process)
    if time.monotonic() < _unavailable_until:
        return False
    try:
        with connections[REPLICA].cursor() as cursor:
            for pause_seconds in (*RECHECK_PAUSES_SECONDS, None):
                cursor.execute(_HAS_REACHED, [position])
                (reached,) = cursor.fetchone()
                if reached or pause_seconds is None:
                    return bool(reached)
                time.sleep(pause_seconds)
    except (OperationalError, InterfaceError) as error:
        _unavailable_until = time.monotonic() + RETRY_AFTER_SECONDS
        logger.warning("The replica is unavailable; the primary answers: %s", error)
    return False


def record_position(caller_id: UUID) -> None:
    """Record the primary's current log position for the caller.

    Call it outside a unit of work: after the commit and before the answer is sent.
    """
    try:
        _record_position(caller_id)
    except (OperationalError, InterfaceError):
        connection.close()
        try:
            _record_position(caller_id)
        except (OperationalError, InterfaceError) as error:
            # The work is committed, so the caller still gets the answer.
            logger.warning("Could not record the replica position of %s: %s", caller_id, error)


def read(alias: str, query: Callable[[str], Result]) -> Result:
    """Return the result of `query` on that database; when it fails there, on the primary."""
    if alias != DEFAULT_DB_ALIAS:
        try:
            return query(alias)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The replica failed; the primary answers: %s", error)
    return query(DEFAULT_DB_ALIAS)


def delete_idle_positions(*, days: int = 1) -> int:
    """Delete the positions of callers without a call for `days`; return how many.

    The primary answers the next call of such a caller.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM core_position WHERE recorded_at < now() - make_interval(days => %s)",
            [days],
        )
        return int(cursor.rowcount)


def _record_position(caller_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_RECORD_POSITION, [caller_id])
