"""Reads that follow: from a replica, and never behind what their caller was told (ADR 12).

`DATABASE_REPLICA_URL` names a streaming replica. For each caller the table `core_position` keeps
how far the primary's log had been written when the primary last answered them. The replica may
answer once it has replayed that much. Who is not in the table is answered by the primary, and so
is everybody while the replica is behind or away. Without the setting, nothing of this runs.
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

#: After it could not be reached, this process leaves the replica alone for so long.
AWAY_SECONDS = 5
#: How long a read waits for a replica that is a little behind: pauses between three looks.
PAUSES_SECONDS = (0.002, 0.008)
#: The caller's position, for a query of tokens: it comes with the authentication, at no trip.
RECORDED_POSITION = "(SELECT seen::text FROM core_position WHERE caller_id = accounts_user.id)"

# A replica that restarts may show an older state for a moment: it receives again only when it has
# replayed all that it had. One that was promoted follows nobody any more.
_HAS_REACHED = """
    SELECT pg_is_in_recovery() AND pg_last_wal_receive_lsn() IS NOT NULL
           AND pg_last_wal_replay_lsn() >= %s::pg_lsn
"""
# The position is read after the commit, so it is not below it. It never steps back, though two
# requests of one caller may write it in the other order. Whatever can be seen has been flushed, and
# the flush position is one that the replica reaches: what is inserted beyond it (this very row's
# commit, for one) may wait for the next flush, and a caller who asks often would chase it for ever.
_RECORD_POSITION = """
    INSERT INTO core_position AS known (caller_id, seen, seen_at)
    VALUES (%s, CASE current_setting('synchronous_commit')
                     WHEN 'off' THEN pg_current_wal_insert_lsn()
                                ELSE pg_current_wal_flush_lsn() END, now())
        ON CONFLICT (caller_id) DO UPDATE
       SET seen = greatest(known.seen, excluded.seen), seen_at = excluded.seen_at
"""

_alias: ContextVar[str] = ContextVar("reads_from", default=DEFAULT_DB_ALIAS)
_away_until = 0.0


class Router:
    """Sends the reads inside `reading` to the replica, and nothing else."""

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
    """Return the database that reads go to here. What decides, decides on the primary."""
    return DEFAULT_DB_ALIAS if connection.in_atomic_block else _alias.get()


@contextmanager
def use_replica() -> Iterator[None]:
    """Let the reads in the block follow."""
    token = _alias.set(REPLICA)
    try:
        yield
    finally:
        _alias.reset(token)


def has_reached(position: str) -> bool:
    """Return whether what the replica shows from now on is not older than `position`."""
    global _away_until  # noqa: PLW0603 (what this process knows of the replica)
    if time.monotonic() < _away_until:
        return False
    try:
        with connections[REPLICA].cursor() as cursor:
            for pause_seconds in (*PAUSES_SECONDS, None):
                cursor.execute(_HAS_REACHED, [position])
                (reached,) = cursor.fetchone()
                if reached or pause_seconds is None:
                    return bool(reached)
                time.sleep(pause_seconds)
    except (OperationalError, InterfaceError) as error:
        _away_until = time.monotonic() + AWAY_SECONDS
        logger.warning("The replica is away; the primary answers: %s", error)
    return False


def record_position(caller_id: UUID) -> None:
    """Keep that the caller was told what the primary holds by now.

    Outside a unit of work, after its commit and before the answer goes out.
    """
    try:
        _record_position(caller_id)
    except (OperationalError, InterfaceError):
        connection.close()
        try:
            _record_position(caller_id)
        except (OperationalError, InterfaceError) as error:
            # What was committed is answered all the same.
            logger.warning("Could not keep how far %s has seen: %s", caller_id, error)


def read(alias: str, query: Callable[[str], Result]) -> Result:
    """Return what `query` finds in the database of that alias; failing that, in the primary."""
    if alias != DEFAULT_DB_ALIAS:
        try:
            return query(alias)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The replica could not answer; the primary does: %s", error)
    return query(DEFAULT_DB_ALIAS)


def forget_idle(*, days: int = 1) -> int:
    """Forget callers who have not called for `days`; return how many. The primary greets them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM core_position WHERE seen_at < now() - make_interval(days => %s)", [days]
        )
        return int(cursor.rowcount)


def _record_position(caller_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_RECORD_POSITION, [caller_id])
