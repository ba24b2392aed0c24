"""Metrics of the queue and its processor.

The processor is a separate process, perhaps on another machine. Its metrics come from the row that
it updates with each chunk.
"""

from collections.abc import Iterator
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from intake.queue_length import queue_length
from intake.status import PROCESSOR_STATES, derive_state
from ops.collectors.base import Cursor, counter, gauge

#: A longer queue is reported with this length: counting it would exceed the statement timeout.
_MAX_LENGTH = 1_000_000

_PROCESSOR = """
    SELECT heartbeat_at, current_chunk IS NOT NULL, last_chunk, completed, failed, attempt_totals,
           now(),
           EXISTS (SELECT 1 FROM intake_customerimport
                    WHERE state = 'running' AND heartbeat_at >= now() - interval '30 seconds')
      FROM intake_processorstate WHERE id = 1
"""


def collect_queue(cursor: Cursor) -> Iterator[Metric]:
    """Yield the length of the queue and the age of the oldest transaction not tried yet."""
    queue = queue_length(cursor, limit=_MAX_LENGTH)
    length = GaugeMetricFamily(
        "wallet_queue_transactions",
        f"Queued transactions, up to {_MAX_LENGTH}: ready to run, or retrying later.",
        labels=["state"],
    )
    length.add_metric(["ready"], queue.untried + queue.due)
    length.add_metric(["retrying"], queue.retrying)
    yield length
    yield gauge(
        "wallet_queue_oldest_seconds",
        "How long the oldest has waited that was never tried; 0: none waits.",
        queue.oldest_seconds or 0,
    )


def collect_processor(cursor: Cursor) -> Iterator[Metric]:
    """Yield the state of the processor, and its counters since the installation was created."""
    cursor.execute(_PROCESSOR)
    [(heartbeat_at, is_busy, last_chunk, completed, given_up, totals, now, is_importing)] = (
        cursor.fetchall()
    )
    current_state = derive_state(heartbeat_at, is_busy=is_busy, is_importing=is_importing, now=now)
    states = GaugeMetricFamily(
        "wallet_processor_state", "1 for the state it is in.", labels=["state"]
    )
    for state in PROCESSOR_STATES:
        states.add_metric([state], state == current_state)
    yield states
    yield counter("wallet_queue_completed", "Queued transactions that completed.", completed)
    yield counter(
        "wallet_queue_given_up", "Queued transactions that used up their attempts.", given_up
    )
    if last_chunk:
        yield gauge(
            "wallet_processor_last_chunk_size",
            "Transactions of the last chunk.",
            last_chunk["size"],
        )
        yield gauge(
            "wallet_processor_last_chunk_seconds", "How long it took.", last_chunk["seconds"]
        )
        yield gauge(
            "wallet_processor_last_chunk_timestamp_seconds",
            "When it ended.",
            datetime.fromisoformat(last_chunk["at"]).timestamp(),
        )
    yield from _attempts(totals)


def _attempts(totals: dict[str, list[int]]) -> Iterator[Metric]:
    labels = ["kind", "asset", "code"]
    transactions = CounterMetricFamily(
        "wallet_processor_transactions",
        "Attempts of queued transactions; `code` is completed, or why they failed.",
        labels=labels,
    )
    amounts = CounterMetricFamily(
        "wallet_processor_transactions_amount_minor",
        "Their amounts, in minor units of the asset.",
        labels=labels,
    )
    for key, (count, amount_minor) in sorted(totals.items()):
        transactions.add_metric(key.split(" "), count)
        amounts.add_metric(key.split(" "), amount_minor)
    yield transactions
    yield amounts
