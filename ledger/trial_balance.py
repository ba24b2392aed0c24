"""The trial balance: per asset, the balances of all wallets and system wallets add up to zero."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import OperationalError
from psycopg.errors import QueryCanceled

from core.unit_of_work import snapshot
from ledger.history import MAX_ID, first_id_at
from wallets.models import Purpose


@dataclass(frozen=True, slots=True)
class Line:
    """One asset, in minor units. A system wallet is negative where money came in through it."""

    symbol: str
    wallets_minor: int
    #: By the purpose of the system wallet. Those that nothing has passed through are missing.
    systems_minor: Mapping[str, int]

    @property
    def difference_minor(self) -> int:
        """The sum of all balances: zero when the books balance."""
        return self.wallets_minor + sum(self.systems_minor.values())

    @property
    def amounts_minor(self) -> tuple[int, ...]:
        """The values of the `COLUMNS` after the asset."""
        return (
            self.wallets_minor,
            *(self.systems_minor.get(purpose, 0) for purpose in Purpose),
            self.difference_minor,
        )


#: The headers of the printed table.
COLUMNS = ("asset", "wallets", *Purpose.values, "difference")

# Two independent sums: the balances on each wallet's newest entry, and the amounts that passed
# through the system wallets. No constraint makes them equal; only correct postings do.
_LINES = """
    SELECT a.symbol, coalesce(held.amount, 0), coalesce(system.amounts, '{}')
      FROM wallets_asset a
      LEFT JOIN (
          SELECT w.asset_id, sum(newest.balance_after_minor) AS amount
            FROM wallets_wallet w
           CROSS JOIN LATERAL (
                SELECT balance_after_minor FROM ledger_entry e
                 WHERE e.wallet_id = w.id AND e.transaction_id < %(before)s
                   AND e.version IS NOT NULL
                 ORDER BY e.version DESC LIMIT 1  -- not by id: a clock may step back
           ) AS newest
           WHERE w.owner_id IS NOT NULL
           GROUP BY w.asset_id
      ) AS held ON held.asset_id = a.symbol
      LEFT JOIN (
          SELECT asset_id, json_object_agg(purpose, amount::text) AS amounts
            FROM (
                SELECT e.asset_id, w.purpose,
                       sum(CASE e.direction WHEN 'CREDIT' THEN e.amount_minor
                                            ELSE -e.amount_minor END) AS amount
                  FROM ledger_entry e
                  JOIN wallets_wallet w ON w.id = e.wallet_id AND w.purpose IS NOT NULL
                 WHERE e.wallet_is_system AND e.failure_code IS NULL
                   AND e.transaction_id < %(before)s
                 GROUP BY e.asset_id, w.purpose
            ) AS passed
           GROUP BY asset_id
      ) AS system ON system.asset_id = a.symbol
     ORDER BY a.symbol
"""


class TrialBalanceTimeout(Exception):
    """The trial balance took longer than its timeout."""


def trial_balance(*, at: datetime | None = None, timeout_ms: int = 0) -> list[Line]:
    """Return a line per asset, as of the time `at` (default: now). Takes no locks on wallets.

    Reads one snapshot; the time grows with the ledger. Raises `TrialBalanceTimeout` after
    `timeout_ms` milliseconds; 0 means no timeout.
    """
    try:
        return _compute(at, timeout_ms)
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TrialBalanceTimeout from error
        raise


def _compute(at: datetime | None, timeout_ms: int) -> list[Line]:
    with snapshot() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {timeout_ms:d}")
        cursor.execute(_LINES, {"before": MAX_ID if at is None else first_id_at(at)})
        return [
            Line(symbol, int(held), {purpose: int(amount) for purpose, amount in systems.items()})
            for symbol, held, systems in cursor.fetchall()
        ]
