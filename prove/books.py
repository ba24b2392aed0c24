"""Checks that the books agree with themselves, in SQL of the proof's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from prove.operations import Violation

# Each query returns a line for each thing that is wrong.
_TOTALS = """
    SELECT 'the wallets of ' || a.symbol || ' hold ' || coalesce(w.held, 0)
           || ', the world put in ' || coalesce(t.put_in, 0)
      FROM wallets_asset a
      LEFT JOIN (SELECT asset_id, sum(balance_minor) AS held FROM wallets_wallet
                  WHERE owner_id IS NOT NULL GROUP BY asset_id) w ON w.asset_id = a.symbol
      LEFT JOIN (SELECT asset_id, sum(amount_minor * (source_is_system::int
                                                      - target_is_system::int)) AS put_in
                   FROM ledger_transaction WHERE failure_code IS NULL
                  GROUP BY asset_id) t ON t.asset_id = a.symbol
     WHERE coalesce(w.held, 0) <> coalesce(t.put_in, 0)
"""
_QUERIES = {
    "books sum to zero": _TOTALS,
    "balances equal entries": """
        WITH sides AS (
            SELECT target_id AS wallet_id, amount_minor AS change, target_version AS version
              FROM ledger_transaction WHERE failure_code IS NULL AND NOT target_is_system
             UNION ALL
            SELECT source_id, -amount_minor, source_version
              FROM ledger_transaction WHERE failure_code IS NULL AND NOT source_is_system
        ), entries AS (
            SELECT wallet_id, sum(change) AS balance, count(*) AS entries,
                   count(DISTINCT version) AS versions, max(version) AS last
              FROM sides GROUP BY wallet_id
        )
        SELECT 'wallet ' || w.id || ' holds ' || w.balance_minor || ' at version ' || w.version
               || '; its entries: ' || coalesce(e.balance, 0) || ' at ' || coalesce(e.entries, 0)
          FROM wallets_wallet w LEFT JOIN entries e ON e.wallet_id = w.id
         WHERE w.owner_id IS NOT NULL
           AND (w.balance_minor, w.version, w.version, w.version)
               IS DISTINCT FROM (coalesce(e.balance, 0), coalesce(e.entries, 0),
                                 coalesce(e.versions, 0), coalesce(e.last, 0))
    """,
    "nothing negative": """
        SELECT 'wallet ' || id || ' holds ' || balance_minor || ', ' || held_minor || ' aside'
          FROM wallets_wallet
         WHERE owner_id IS NOT NULL AND (balance_minor < 0 OR held_minor NOT BETWEEN 0
                                                                     AND balance_minor)
         UNION ALL
        SELECT 'transaction ' || id || ' left less than nothing' FROM ledger_transaction
         WHERE least(source_balance_minor, target_balance_minor, amount_minor) < 0
    """,
    "limits": """
        SELECT 'charge ' || c.id || ' over ' || c.amount_minor || ' was refunded ' || r.back
          FROM (SELECT origin_id, sum(amount_minor) AS back FROM ledger_transaction
                 WHERE kind = 'refund' AND failure_code IS NULL GROUP BY origin_id) r
          JOIN ledger_transaction c ON c.id = r.origin_id
          LEFT JOIN commerce_charge k ON k.transaction_id = c.id
         WHERE r.back > c.amount_minor OR r.back <> coalesce(k.refunded_minor, 0)
         UNION ALL
        SELECT 'owner ' || owner_id || ' has ' || count(*) || ' wallets'
          FROM wallets_wallet WHERE slot IS NOT NULL
         GROUP BY owner_id, owner_role
        HAVING count(*) > CASE owner_role WHEN 'company' THEN 1 ELSE %(max_wallets)s END
    """,
    "queue": """
        SELECT 'the processor counts ' || completed || ' completed, the queue has ' || (
               SELECT count(*) FROM intake_queuedtransaction WHERE status = 'completed')
          FROM intake_processorstate
         WHERE completed <> (SELECT count(*) FROM intake_queuedtransaction
                              WHERE status = 'completed')
    """,
}


@contextmanager
def snapshot(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Let all queries of the block see the database as of one moment."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def check_totals(connection: psycopg.Connection[Any]) -> Iterator[str]:
    """Yield each asset whose wallets do not hold what deposits and credits have put in."""
    for (text,) in connection.execute(_TOTALS):
        yield text


def check(connection: psycopg.Connection[Any], *, max_wallets: int) -> Iterator[Violation]:
    """Yield what is wrong with the books. Wants a snapshot."""
    for invariant, query in _QUERIES.items():
        for (text,) in connection.execute(query, {"max_wallets": max_wallets}):
            yield Violation(invariant, text)
