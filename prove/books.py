"""Checks that the books agree with themselves, in SQL of the proof's own."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from prove.actors import APPROVED_ONLY
from prove.installation import MAX_WALLETS
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
               AND kind NOT IN ('hold', 'release')
             UNION ALL
            SELECT source_id,
                   CASE WHEN kind IN ('hold', 'release') THEN 0 ELSE -amount_minor END,
                   source_version
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
    "pay tokens": """
        SELECT 'pay token ' || p.id || ' for ' || p.uses || ' uses has ' || p.uses_left
               || ' left after ' || coalesce(c.charges, 0) || ' charges'
          FROM wallets_paytoken p
          LEFT JOIN (SELECT paytoken_id, count(*) AS charges
                       FROM (SELECT paytoken_id FROM ledger_transaction
                              WHERE paytoken_id IS NOT NULL AND kind = 'charge'
                                AND failure_code IS NULL
                              UNION ALL
                             SELECT paytoken_id FROM ledger_hold
                              WHERE paytoken_id IS NOT NULL) u
                      GROUP BY paytoken_id) c ON c.paytoken_id = p.id
         WHERE p.uses - p.uses_left <> coalesce(c.charges, 0)
         UNION ALL
        SELECT 'pay token ' || p.id || ' does not allow ' || t.id
          FROM ledger_transaction t JOIN wallets_paytoken p ON p.id = t.paytoken_id
         WHERE t.kind = 'charge' AND t.failure_code IS NULL
           AND (t.amount_minor > p.max_amount_minor OR t.actor_id <> p.company_id
                OR t.source_id <> p.wallet_id
                OR uuid_extract_timestamp(t.id) > p.revoked_at
                -- Its id is made a moment after it was allowed.
                OR uuid_extract_timestamp(t.id) > p.expires_at + interval '1 s')
    """,
    "payment requests": """
        SELECT 'payment request ' || coalesce(r.id, p.request_id) || ' is '
               || coalesce(r.status, 'unknown') || ' by ' || coalesce(r.transaction_id::text, '-')
               || ', and paid ' || coalesce(p.times, 0) || ' times'
          FROM commerce_paymentrequest r
          FULL JOIN (SELECT payment_request_id AS request_id, count(*) AS times,
                            (array_agg(id))[1] AS transaction_id, sum(amount_minor) AS paid
                       FROM ledger_transaction
                      WHERE payment_request_id IS NOT NULL AND kind IN ('charge', 'transfer')
                        AND failure_code IS NULL
                      GROUP BY payment_request_id) p ON p.request_id = r.id
         WHERE coalesce(p.times, 0) <> coalesce((r.status = 'paid')::int, 0)
            OR p.transaction_id IS DISTINCT FROM r.transaction_id
            OR p.paid <> coalesce(r.amount_minor + r.tip_minor, p.paid)
         UNION ALL
        SELECT reference || ' made ' || count(*) || ' payment requests'
          FROM commerce_paymentrequest GROUP BY reference HAVING count(*) > 1
    """,
    # These wallets had their rule before their first charge, and all their approvals have limits.
    "approvals": """
        SELECT 'company ' || c.actor_id || ' charged wallet ' || c.source_id || ' ' || c.charged
               || ' in all, and ' || c.largest || ' at once'
          FROM (SELECT t.source_id, t.actor_id, sum(t.amount_minor) AS charged,
                       max(t.amount_minor) AS largest
                  FROM ledger_transaction t JOIN wallets_wallet w ON w.id = t.source_id
                 WHERE w.label = %(approved_only)s AND t.kind = 'charge' AND t.failure_code IS NULL
                   AND t.paytoken_id IS NULL AND t.payment_request_id IS NULL
                 GROUP BY t.source_id, t.actor_id) c
          LEFT JOIN (SELECT wallet_id, company_id, max(max_per_day_minor) AS most_per_day,
                            max(max_amount_minor) AS most
                       FROM wallets_approval GROUP BY wallet_id, company_id) a
                 ON a.wallet_id = c.source_id AND a.company_id = c.actor_id
         WHERE c.charged > coalesce(a.most_per_day, 0) OR c.largest > coalesce(a.most, 0)
    """,
    "holds": """
        WITH entries AS (
            SELECT hold_id, sum(amount_minor) FILTER (WHERE kind = 'hold') AS held,
                   coalesce(sum(amount_minor) FILTER (WHERE kind = 'capture'), 0) AS captured,
                   coalesce(sum(amount_minor) FILTER (WHERE kind = 'release'), 0) AS released
              FROM ledger_transaction WHERE hold_id IS NOT NULL AND failure_code IS NULL
             GROUP BY hold_id
        )
        SELECT 'hold ' || coalesce(h.id, e.hold_id) || ' over ' || coalesce(h.amount_minor, 0)
               || ' is ' || coalesce(h.status, 'unknown') || ', captured ' || h.captured_minor
               || ', released ' || h.released_minor || '; its rows: ' || coalesce(e.held, 0)
               || ', ' || e.captured || ', ' || e.released
          FROM ledger_hold h FULL JOIN entries e ON e.hold_id = h.id
         WHERE (h.amount_minor, h.captured_minor, h.released_minor)
               IS DISTINCT FROM (e.held, e.captured, e.released)
            OR (h.status = 'active')
               <> (h.captured_minor + h.released_minor < h.amount_minor)
            OR h.captured_minor + h.released_minor > h.amount_minor
         UNION ALL
        SELECT 'of wallet ' || w.id || ' ' || w.held_minor || ' is held, by its holds '
               || coalesce(h.remaining, 0) || ', by its rows ' || coalesce(t.held, 0)
               || ', after the last ' || coalesce(t.last, 0)
          FROM wallets_wallet w
          LEFT JOIN (SELECT payer_wallet_id,
                            sum(amount_minor - captured_minor - released_minor) AS remaining
                       FROM ledger_hold WHERE status = 'active'
                      GROUP BY payer_wallet_id) h ON h.payer_wallet_id = w.id
          LEFT JOIN (SELECT source_id,
                            sum(CASE kind WHEN 'hold' THEN amount_minor
                                          ELSE -amount_minor END) AS held,
                            (array_agg(source_held_minor ORDER BY source_version DESC))[1] AS last
                       FROM ledger_transaction
                      WHERE kind IN ('hold', 'capture', 'release') AND failure_code IS NULL
                      GROUP BY source_id) t ON t.source_id = w.id
         WHERE (w.held_minor::numeric, w.held_minor::numeric, w.held_minor)
               IS DISTINCT FROM (coalesce(h.remaining, 0), coalesce(t.held, 0),
                                 coalesce(t.last, 0))
    """,
    "groups": """
        SELECT 'the fee of ' || t.id || ' is ' || t.fee_minor || ', its rows '
               || coalesce(f.amounts::text, 'missing')
          FROM ledger_transaction t
          LEFT JOIN (SELECT group_id, array_agg(amount_minor) AS amounts FROM ledger_transaction
                      WHERE kind = 'fee' AND failure_code IS NULL
                      GROUP BY group_id) f ON f.group_id = t.group_id
         WHERE t.kind IN ('charge', 'capture') AND t.failure_code IS NULL
           AND f.amounts IS DISTINCT FROM CASE WHEN t.fee_minor > 0 THEN ARRAY[t.fee_minor] END
         UNION ALL
        SELECT 'group ' || group_id || ' has failed, and also been carried out'
          FROM ledger_transaction WHERE group_id IS NOT NULL
         GROUP BY group_id HAVING bool_or(failure_code IS NOT NULL) AND count(*) > 1
         UNION ALL
        SELECT 'of the fee of ' || c.id || ' ' || r.back || ' came back'
          FROM (SELECT origin_id, sum(amount_minor) AS back FROM ledger_transaction
                 WHERE kind = 'fee_return' AND failure_code IS NULL GROUP BY origin_id) r
          LEFT JOIN ledger_transaction c ON c.id = r.origin_id
         WHERE r.back > coalesce(c.fee_minor, 0)
    """,
    "queue": """
        SELECT 'the processor counts ' || completed || ' completed, the queue has ' || (
               SELECT count(*) FROM intake_queuedtransaction WHERE status = 'completed')
          FROM intake_processorstate
         WHERE completed <> (SELECT count(*) FROM intake_queuedtransaction
                              WHERE status = 'completed')
    """,
}


_PERMISSIONS = ("pay tokens", "payment requests", "approvals")


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


def check(connection: psycopg.Connection[Any]) -> Iterator[Violation]:
    """Yield what is wrong with the books. Wants a snapshot."""
    yield from _run(connection, _QUERIES)


def check_permissions(connection: psycopg.Connection[Any]) -> Iterator[Violation]:
    """Yield each charge or payment that was not allowed, or is not counted. Wants a snapshot."""
    yield from _run(connection, _PERMISSIONS)


def _run(connection: psycopg.Connection[Any], invariants: Iterable[str]) -> Iterator[Violation]:
    values = {"max_wallets": MAX_WALLETS, "approved_only": APPROVED_ONLY}
    for invariant in invariants:
        for (text,) in connection.execute(_QUERIES[invariant], values):
            yield Violation(invariant, text)
