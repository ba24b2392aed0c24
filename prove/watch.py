"""Totals that never change, read while money moves."""

import random
import threading
from typing import Any

import psycopg

from prove.actors import BANK_MINOR, BANK_WALLETS, Cast
from prove.installation import Installation
from prove.load import Sender
from prove.operations import Log

PAUSE_SECONDS = 0.05
#: One look in so many is at the totals, which take longer.
TOTALS_EVERY = 8
_TOTALS = """
    SELECT a.symbol,
           (SELECT coalesce(sum(balance_minor), 0) FROM wallets_wallet w
             WHERE w.asset_id = a.symbol AND owner_id IS NOT NULL)
         - (SELECT coalesce(sum(amount_minor * (source_is_system::int - target_is_system::int)), 0)
              FROM ledger_transaction t WHERE t.asset_id = a.symbol AND failure_code IS NULL)
      FROM wallets_asset a
"""
# Only who runs a chunk takes rows of the queue by SELECT … FOR NO KEY UPDATE.
_CHUNKS = """
    SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
     WHERE relation = 'intake_queuedtransaction'::regclass AND mode = 'RowShareLock' AND granted
       AND datname = current_database() AND application_name LIKE 'processor%'
"""
_BANK = "SELECT sum(balance_minor) FROM wallets_wallet WHERE id = ANY (%s)"
TOTAL_MINOR = BANK_WALLETS * BANK_MINOR


class Watch:
    """Looks at snapshots of the whole database, again and again, past the service."""

    def __init__(self, installation: Installation, cast: Cast, log: Log) -> None:
        self._installation = installation
        self._cast = cast
        self._log = log
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.looks = 0
        #: How often a caller was told all accounts of the bank.
        self.reads = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Look no more. Who never looked has seen nothing wrong, which says nothing."""
        self._is_over.set()
        self._thread.join()
        if not self.looks:
            self._log.violate("totals constant", "nobody has looked")

    def read_bank(self, sender: Sender, chance: random.Random) -> None:
        """Read all accounts of the bank over HTTP, in one answer."""
        answer = sender.call("GET", "/wallet/list", self._cast.bank.token)
        if answer is None or not answer.is_success:
            return
        self.reads += 1
        total = round(sum(each["balance"] for each in answer.json) * 100)
        self._expect("the bank, over HTTP,", total, TOTAL_MINOR)

    def _run(self) -> None:
        while not self._is_over.wait(PAUSE_SECONDS):
            try:
                with self._installation.connect() as connection:
                    self._look_while_it_lasts(connection)
            except psycopg.OperationalError:
                continue
            except Exception as error:  # nobody else would hear of it
                self._log.violate("totals constant", f"nobody looks any more: {error!r}")
                return

    def _look_while_it_lasts(self, connection: psycopg.Connection[Any]) -> None:
        while not self._is_over.wait(PAUSE_SECONDS):
            row = connection.execute(_CHUNKS).fetchone()
            if row and row[0] > 1:
                self._log.violate("one chunk at a time", f"{row[0]} processors run chunks at once")
            if self.looks % TOTALS_EVERY == 0:
                self._look(connection)
            self.looks += 1

    def _look(self, connection: psycopg.Connection[Any]) -> None:
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            for symbol, difference in connection.execute(_TOTALS):
                self._expect(f"what is too much of {symbol}", difference, 0)
            row = connection.execute(_BANK, [list(self._cast.bank.wallets)]).fetchone()
        self._expect("the bank, in a snapshot,", row[0] if row else None, TOTAL_MINOR)

    def _expect(self, what: str, found: Any, wanted: int) -> None:
        if found != wanted:
            self._log.violate("totals constant", f"{what} is {found}, not {wanted}")
