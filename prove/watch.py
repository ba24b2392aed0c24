"""Totals that never change, read while money moves."""

import random
import threading
from typing import Any

import psycopg

from prove import books
from prove.actors import BANK_MINOR, BANK_WALLETS, Actors
from prove.installation import BreakableInstallation
from prove.operations import Log
from prove.sender import Sender

PAUSE_SECONDS = 0.05
#: One look in so many reads the totals, which takes longer.
TOTALS_EVERY = 8
# Only a processor that runs a chunk locks rows of the queue by SELECT … FOR NO KEY UPDATE.
_CHUNKS = """
    SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
     WHERE relation = 'intake_queuedtransaction'::regclass AND mode = 'RowShareLock' AND granted
       AND datname = current_database() AND application_name LIKE 'processor%'
"""
_BANK = "SELECT sum(balance_minor) FROM wallets_wallet WHERE id = ANY (%s)"
TOTAL_MINOR = BANK_WALLETS * BANK_MINOR


class Watch:
    """Reads snapshots of the whole database, again and again, without the service."""

    def __init__(self, installation: BreakableInstallation, actors: Actors, log: Log) -> None:
        self._installation = installation
        self._actors = actors
        self._log = log
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.looks = 0
        #: How often a caller has read all accounts of the bank.
        self.reads = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop. A watch that never looked proves nothing."""
        self._is_over.set()
        self._thread.join()
        if not self.looks:
            self._log.violate("totals constant", "no snapshot was read")

    def read_bank(self, sender: Sender, chance: random.Random) -> None:
        """Read all accounts of the bank over HTTP, in one answer."""
        answer = sender.call("GET", "/wallet/list", self._actors.bank.token)
        if answer is None or not answer.is_success:
            return
        self.reads += 1
        total = round(sum(each["balance"] for each in answer.json) * 100)
        self._expect("the bank, over HTTP,", total, TOTAL_MINOR)

    def _run(self) -> None:
        while not self._is_over.wait(PAUSE_SECONDS):
            try:
                with self._installation.connect() as connection:
                    self._look_while_connected(connection)
            except psycopg.OperationalError:
                continue
            except Exception as error:  # it would be lost with the thread
                self._log.violate("totals constant", f"the watch broke down: {error!r}")
                return

    def _look_while_connected(self, connection: psycopg.Connection[Any]) -> None:
        while not self._is_over.wait(PAUSE_SECONDS):
            row = connection.execute(_CHUNKS).fetchone()
            if row and row[0] > 1:
                self._log.violate("one chunk at a time", f"{row[0]} processors run chunks together")
            if self.looks % TOTALS_EVERY == 0:
                self._look(connection)
            self.looks += 1

    def _look(self, connection: psycopg.Connection[Any]) -> None:
        with books.snapshot(connection):
            for violation in books.check_totals(connection):
                self._log.violate("totals constant", violation)
            for found in books.check_permissions(connection):
                self._log.violate(found.invariant, f"in a snapshot: {found.text}")
            row = connection.execute(_BANK, [list(self._actors.bank.wallets)]).fetchone()
        self._expect("the bank, in a snapshot,", row[0] if row else None, TOTAL_MINOR)

    def _expect(self, what: str, found: Any, wanted: int) -> None:
        if found != wanted:
            self._log.violate("totals constant", f"{what} is {found}, not {wanted}")
