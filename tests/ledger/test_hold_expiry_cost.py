"""What the release of expired holds costs when nothing has expired, and how a late one shows."""

import psycopg
import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper
from pytest_django import Settings

from core.errors import Unavailable
from core.unit_of_work import unit_of_work
from ledger.hold_expiry import release_expired
from tests.clock import Clock
from tests.factories import a_client, a_company
from tests.ledger.holds import place_hold
from tests.metrics import scrape

pytestmark = pytest.mark.usefixtures("books")


def holds_read(cursor: CursorWrapper) -> int:
    """Return how many rows of holds the session has read since it last reported."""
    cursor.execute(
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables"
        " WHERE relname = 'ledger_hold'"
    )
    return int(cursor.fetchone()[0])


def test_it_reads_no_hold_that_is_still_active() -> None:
    hotel, guest = a_company(), a_client(holds="10.00")
    for _ in range(40):
        place_hold(guest, hotel, 1)

    def read() -> int:
        with connection.cursor() as cursor:
            # Else PostgreSQL reads the whole of so small a table.
            cursor.execute("SET LOCAL enable_seqscan = off")
            before = holds_read(cursor)
            release_expired()
            return holds_read(cursor) - before

    assert unit_of_work(read) == 0


def test_it_waits_for_a_locked_wallet_no_longer_than_a_request(
    clock: Clock, settings: Settings, owner_dsn: str
) -> None:
    payer = a_client(holds="10.00")
    place_hold(payer, a_company(), 400, seconds=60)
    clock.move(61)
    settings.LOCK_TIMEOUT_MS = 50

    with psycopg.connect(owner_dsn) as owner:
        owner.execute("SELECT FROM wallets_wallet WHERE id = %s FOR UPDATE", [payer.wallet_id])
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 0; SET statement_timeout = '20s'")
        try:
            with pytest.raises(Unavailable) as refused:
                unit_of_work(release_expired)
        finally:
            connection.close()

    assert "lock timeout" in str(refused.value.__cause__)
    assert unit_of_work(release_expired) == 1


def test_the_metrics_show_a_late_release(clock: Clock) -> None:
    place_hold(a_client(holds="10.00"), a_company(), 400)
    name = "wallet_holds_overdue_seconds"
    in_time = scrape()(name)
    clock.move(720)
    late = scrape()(name) or 0
    unit_of_work(release_expired)

    assert in_time == scrape()(name) == 0
    assert 119 < late < 180
