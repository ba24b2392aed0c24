"""The trial balance: per asset, the balances of all wallets and system wallets add up to zero."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

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

_LINES = "SELECT symbol, wallets_minor, systems_minor FROM ledger_trial_balance(%s)"


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
        cursor.execute(_LINES, [MAX_ID if at is None else first_id_at(at)])
        return [line_of(*row) for row in cursor.fetchall()]


def line_of(symbol: str, wallets_minor: Decimal, systems_minor: Mapping[str, str]) -> Line:
    """Return the line of a row of the database's trial balance."""
    return Line(
        symbol,
        int(wallets_minor),
        {purpose: int(amount) for purpose, amount in systems_minor.items()},
    )
