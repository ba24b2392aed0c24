"""Metrics of the ledger: its last verification, expired holds, and the months with partitions."""

from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client.core import Metric

from ledger.partitions import EXISTING_PARTITIONS, months_ahead
from ops.collectors.base import Cursor, gauge


def collect_ledger(cursor: Cursor) -> Iterator[Metric]:
    """Yield the result and the time of the newest verification; 0 as the time before the first."""
    cursor.execute(
        "SELECT extract(epoch FROM finished_at), seconds, findings, unbalanced_assets"
        "  FROM ledger_verification ORDER BY id DESC LIMIT 1"
    )
    newest = cursor.fetchone()
    yield gauge(
        "wallet_ledger_verified_timestamp_seconds",
        "When the ledger was last verified as a whole.",
        float(newest[0]) if newest else 0,
    )
    if newest:
        _, seconds, findings, unbalanced = newest
        yield gauge("wallet_ledger_verification_seconds", "How long that took.", seconds)
        yield gauge("wallet_ledger_findings", "Wallets that are off.", findings)
        yield gauge("wallet_ledger_unbalanced_assets", "Assets that do not balance.", unbalanced)
        yield gauge(
            "wallet_ledger_in_order",
            "Whether the last verification found nothing.",
            findings == unbalanced == 0,
        )


def collect_holds(cursor: Cursor) -> Iterator[Metric]:
    """Yield how long ago the oldest hold expired whose release is not written down."""
    cursor.execute(
        "SELECT coalesce(greatest(extract(epoch FROM current_moment() - min(expires_at)), 0), 0)"
        "  FROM ledger_hold WHERE status = 'active'"
    )
    [(seconds,)] = cursor.fetchall()
    yield gauge(
        "wallet_holds_overdue_seconds",
        "How long ago the oldest hold expired that is not yet released; 0: none waits.",
        float(seconds),
    )


def collect_partitions(cursor: Cursor) -> Iterator[Metric]:
    """Yield for how many months there are partitions; without one no money can move."""
    cursor.execute(EXISTING_PARTITIONS)
    existing = {name for (name,) in cursor.fetchall()}
    yield gauge(
        "wallet_partitions_ahead",
        "Months after this one that have a partition; -1: this one has none.",
        months_ahead(existing, datetime.now(UTC).date()),
    )
