"""The trial balance: per asset, the balances of all wallets and system wallets add up to zero."""

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
    funding_minor: int
    promotions_minor: int
    revenue_minor: int

    @property
    def difference_minor(self) -> int:
        """The sum of all balances: zero when the books balance."""
        systems = self.funding_minor + self.promotions_minor + self.revenue_minor
        return self.wallets_minor + systems

    @property
    def amounts_minor(self) -> tuple[int, ...]:
        """The values of the `COLUMNS` after the asset."""
        return (
            self.wallets_minor,
            self.funding_minor,
            self.promotions_minor,
            self.revenue_minor,
            self.difference_minor,
        )


#: The headers of the printed table.
COLUMNS = ("asset", "wallets", "funding", "promotions", "revenue", "difference")

# Two independent sums: the balances on each wallet's newest entry, and the amounts that passed
# through the system wallets. No constraint makes them equal; only correct postings do.
_LINES = """
    SELECT a.symbol, coalesce(held.amount, 0), coalesce(system.funding, 0),
           coalesce(system.promotions, 0), coalesce(system.revenue, 0)
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
          SELECT e.asset_id,
                 sum(signed.amount) FILTER (WHERE w.purpose = %(funding)s) AS funding,
                 sum(signed.amount) FILTER (WHERE w.purpose = %(promotions)s) AS promotions,
                 sum(signed.amount) FILTER (WHERE w.purpose = %(revenue)s) AS revenue
            FROM ledger_entry e
            JOIN wallets_wallet w ON w.id = e.wallet_id
           CROSS JOIN LATERAL (
                SELECT CASE e.direction WHEN 'CREDIT' THEN e.amount_minor
                                        ELSE -e.amount_minor END AS amount
           ) AS signed
           WHERE e.wallet_is_system AND e.failure_code IS NULL AND e.transaction_id < %(before)s
           GROUP BY e.asset_id
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
        cursor.execute(
            _LINES,
            {
                "before": MAX_ID if at is None else first_id_at(at),
                "funding": Purpose.FUNDING,
                "promotions": Purpose.PROMOTIONS,
                "revenue": Purpose.REVENUE,
            },
        )
        return [
            Line(symbol, *(int(amount) for amount in amounts))
            for symbol, *amounts in cursor.fetchall()
        ]
