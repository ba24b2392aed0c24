"""Verification: check balances and versions against the transactions, without locks."""

import logging
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.cancellation import cancel_when
from core.unit_of_work import snapshot, unit_of_work
from ledger.models import Verification
from ledger.trial_balance import Line, trial_balance

logger = logging.getLogger(__name__)

RANGES = 64

_INCONSISTENT_WALLETS = """
    SELECT w.id, w.balance_minor, w.version,
           coalesce(e.balance, 0), coalesce(e.entries, 0), coalesce(e.last_version, 0)
      FROM wallets_wallet w
      LEFT JOIN (
          SELECT wallet_id,
                 sum(CASE direction WHEN 'CREDIT' THEN amount_minor ELSE -amount_minor END)
                     AS balance,
                 count(*) AS entries, max(version) AS last_version
            FROM ledger_entry
           WHERE failure_code IS NULL AND NOT wallet_is_system
             AND wallet_id >= %(low)s AND wallet_id <= %(high)s
           GROUP BY wallet_id
      ) e ON e.wallet_id = w.id
     WHERE w.owner_id IS NOT NULL AND w.id >= %(low)s AND w.id <= %(high)s
       AND (w.balance_minor, w.version, w.version)
           IS DISTINCT FROM (coalesce(e.balance, 0), coalesce(e.entries, 0),
                             coalesce(e.last_version, 0))
"""

_WRONG_RUNNING_BALANCES = """
    SELECT DISTINCT wallet_id FROM (
        SELECT wallet_id, balance_after_minor,
               sum(CASE direction WHEN 'CREDIT' THEN amount_minor ELSE -amount_minor END)
                   OVER (PARTITION BY wallet_id ORDER BY version) AS running
          FROM ledger_entry
         WHERE failure_code IS NULL AND NOT wallet_is_system
           AND wallet_id >= %(low)s AND wallet_id <= %(high)s
    ) e WHERE balance_after_minor <> running
"""

_ORPHANED_ENTRIES = """
    SELECT DISTINCT e.wallet_id
      FROM ledger_entry e
      LEFT JOIN wallets_wallet w
        ON w.id = e.wallet_id AND w.asset_id = e.asset_id
       AND (w.owner_id IS NULL) = e.wallet_is_system
     WHERE w.id IS NULL AND e.wallet_id >= %(low)s AND e.wallet_id <= %(high)s
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """An inconsistent wallet, and the problem."""

    wallet_id: uuid.UUID
    problem: str


def verify_ledger(
    report: Callable[[Finding | Line], object] = lambda fault: None,
    *,
    should_cancel: Callable[[], bool] = lambda: False,
) -> Verification:
    """Verify all wallets and the trial balance, and record the result.

    `report` is called with each finding and each asset that does not balance. The time grows with
    the ledger. When `should_cancel` returns True, raises `Cancelled` and records nothing.
    """
    started = time.monotonic()
    findings = unbalanced = 0
    with cancel_when(should_cancel):
        for finding in verify_wallets():
            findings += 1
            report(finding)
        for line in trial_balance():
            if line.difference_minor:
                unbalanced += 1
                report(line)
    verification = unit_of_work(
        lambda: Verification.objects.create(
            seconds=round(time.monotonic() - started, 3),
            findings=findings,
            unbalanced_assets=unbalanced,
        )
    )
    if not verification.is_in_order:
        logger.error(
            "The ledger is NOT in order: %s wallets are inconsistent, %s assets do not balance.",
            findings,
            unbalanced,
        )
    return verification


def verify_wallets(*, ranges: int = RANGES) -> Iterator[Finding]:
    """Recompute every balance and version from the transactions; yield a finding per problem.

    Reads the wallets in `ranges` ranges of ids, each in its own snapshot: no transaction waits for
    it, and no snapshot lives long enough to hold vacuum back.
    """
    for low, high in _id_ranges(ranges):
        # One snapshot for the three queries, or money that moves between them would look wrong.
        with snapshot() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            bounds = {"low": low, "high": high}
            cursor.execute(_INCONSISTENT_WALLETS, bounds)
            for wallet_id, balance, version, computed, entries, last in cursor.fetchall():
                yield Finding(
                    wallet_id,
                    f"holds {balance} at version {version}; its {entries} entries add up to"
                    f" {computed} at version {last}",
                )
            cursor.execute(_WRONG_RUNNING_BALANCES, bounds)
            for (wallet_id,) in cursor.fetchall():
                yield Finding(
                    wallet_id,
                    "the balance on an entry differs from the sum of the entries up to it",
                )
            cursor.execute(_ORPHANED_ENTRIES, bounds)
            for (wallet_id,) in cursor.fetchall():
                yield Finding(wallet_id, "has entries, but no wallet with this id and asset exists")


def _id_ranges(ranges: int) -> Iterator[tuple[uuid.UUID, uuid.UUID]]:
    width = 2**128 // ranges
    for index in range(ranges):
        high = 2**128 - 1 if index == ranges - 1 else (index + 1) * width - 1
        yield uuid.UUID(int=index * width), uuid.UUID(int=high)
