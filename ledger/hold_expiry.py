"""Writes down what expired holds have released, where no movement of the wallet has done so.

Nobody waits for it: at its time the money is free, in every balance that is read and for the next
charge (`wallets/sql/held_now.sql`, `ledger_post`).
"""

import logging
from threading import Event

from django.conf import settings
from django.db import connection

from core.errors import Unavailable
from core.unit_of_work import requires_unit_of_work, unit_of_work

logger = logging.getLogger(__name__)

#: Between two looks, when nothing was left to do.
PAUSE_SECONDS = 2
#: In one unit of work, whose locks the movements of these wallets wait for.
_HOLDS_AT_ONCE = 100


def release_until(stop: Event) -> None:
    """Release what has expired until `stop` is set. Any number of workers may do so."""
    while not stop.is_set():
        try:
            released = unit_of_work(release_expired)
        except Unavailable as error:
            # The database is away, or somebody has a wallet locked: the next look finds it again.
            logger.warning("Expired holds wait for their release: %s", error)
            connection.close()
            released = 0
        if not released:
            stop.wait(PAUSE_SECONDS)


@requires_unit_of_work
def release_expired() -> int:
    """Release expired holds, the oldest first, and return how many. 0: there are no more.

    One at a time does it in the whole installation; for the others there is nothing to do. Raises
    `Unavailable` when a wallet stays locked for `LOCK_TIMEOUT_MS`.
    """
    with connection.cursor() as cursor:
        # A worker's connection has no timeouts: a wallet that somebody keeps locked would also stop
        # those that are locked here already, for as long.
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true),"
            "       set_config('statement_timeout', %s, true)",
            [str(settings.LOCK_TIMEOUT_MS), str(settings.STATEMENT_TIMEOUT_MS)],
        )
        cursor.execute("SELECT ledger_release_expired(%s)", [_HOLDS_AT_ONCE])
        return int(cursor.fetchone()[0])
