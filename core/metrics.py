"""The metrics that this process counts itself, for `/metrics`.

Where several processes serve, each writes its metrics into files of one directory
(`PROMETHEUS_MULTIPROC_DIR`, see `config.gunicorn`), and the process that answers `/metrics` adds
them up. Elsewhere they stay in memory. Metrics that are read from the database are collected in
`ops.collectors.base`.

Labels have few values, all defined in the code: a route's pattern, never a path; a code, never a
message. docs/observability.md has the table.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.multiprocess import MultiProcessCollector

#: prometheus_client reads this variable when it is first imported.
DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_REGISTRY = CollectorRegistry()
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_POST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUESTS = Counter(
    "wallet_http_requests",
    "Requests that were answered.",
    ["route", "method", "status"],
    registry=_REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "wallet_http_request_duration_seconds",
    "From the first middleware to the response; a streamed body is sent after it.",
    ["route", "method"],
    buckets=_SECONDS,
    registry=_REGISTRY,
)
TRANSACTIONS = Counter(
    "wallet_transactions",
    "Transactions that this server committed; `code` is completed, or why it failed.",
    ["kind", "asset", "code"],
    registry=_REGISTRY,
)
TRANSACTION_MINOR = Counter(
    "wallet_transactions_amount_minor",
    "The amounts of wallet_transactions, in minor units of the asset.",
    ["kind", "asset", "code"],
    registry=_REGISTRY,
)
POST_SECONDS = Histogram(
    "wallet_post_duration_seconds",
    "One call of ledger_post, the wait for the wallets' locks included.",
    buckets=_POST_SECONDS,
    registry=_REGISTRY,
)
UNITS_RETRIED = Counter(
    "wallet_units_of_work_retried",
    "Units of work that ran again after a deadlock or a serialization failure.",
    registry=_REGISTRY,
)
UNITS_GIVEN_UP = Counter(
    "wallet_units_of_work_given_up",
    "Units of work that ended with `unavailable`, by reason.",
    ["reason"],
    registry=_REGISTRY,
)
REPLAYS = Counter(
    "wallet_idempotent_replays",
    "Requests that got the recorded answer of their idempotency key.",
    registry=_REGISTRY,
)
RATE_LIMITED = Counter(
    "wallet_rate_limited", "Requests above a rate limit.", ["group"], registry=_REGISTRY
)
LOGIN_FAILURES = Counter(
    "wallet_login_failures",
    "Log-ins with a wrong email or password.",
    ["door"],
    registry=_REGISTRY,
)
WORKERS = Gauge(
    "wallet_workers",
    "Running web processes.",
    multiprocess_mode="livesum",
    registry=_REGISTRY,
)
WORKER_BYTES = Gauge(
    "wallet_worker_memory_bytes",
    "Resident memory of the largest web process.",
    multiprocess_mode="livemax",
    registry=_REGISTRY,
)
POOL_CONNECTIONS = Gauge(
    "wallet_pool_connections",
    "Connections of the pools of all web processes: in_use, idle, and at most max.",
    ["database", "state"],
    multiprocess_mode="livesum",
    registry=_REGISTRY,
)
POOL_WAITING = Gauge(
    "wallet_pool_waiting",
    "Requests that wait for a connection of the pool.",
    ["database"],
    multiprocess_mode="livesum",
    registry=_REGISTRY,
)
POOL_WAITS = Counter(
    "wallet_pool_waits",
    "Requests that had to wait for a connection of the pool.",
    ["database"],
    registry=_REGISTRY,
)
POOL_WAIT_SECONDS = Counter(
    "wallet_pool_wait_seconds",
    "Total time that requests waited for a connection of the pool.",
    ["database"],
    registry=_REGISTRY,
)
POOL_TIMEOUTS = Counter(
    "wallet_pool_timeouts",
    "Requests that timed out waiting for a connection of the pool.",
    ["database"],
    registry=_REGISTRY,
)

#: The first number of a process's file, without which prometheus_client cannot read it.
_HEAD_BYTES = 4
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_CHILDREN: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}


def registry() -> CollectorRegistry:
    """Return the metrics of this process, or of all processes that share its directory."""
    if DIRECTORY_VARIABLE not in os.environ:
        return _REGISTRY
    shared = CollectorRegistry()
    _BegunFilesCollector(shared)  # type: ignore[no-untyped-call]
    return shared


class _BegunFilesCollector(MultiProcessCollector):
    """Leaves out the file of a process that is just starting: it has no first number yet."""

    def collect(self) -> Iterable[Metric]:
        files = [str(file) for file in Path(self._path).glob("*.db") if _is_begun(file)]
        merged: Iterable[Metric] = self.merge(files)  # type: ignore[no-untyped-call]
        return merged


def _is_begun(file: Path) -> bool:
    try:
        return file.stat().st_size >= _HEAD_BYTES
    except FileNotFoundError:  # the gauges of a process that has ended
        return False


def count_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request."""
    key = (route, method if method in _METHODS else "other", status)
    children = _CHILDREN.get(key)
    if children is None:
        children = _CHILDREN[key] = (
            REQUESTS.labels(key[0], key[1], str(status)),
            REQUEST_SECONDS.labels(key[0], key[1]),
        )
    requests, duration = children
    requests.inc()
    duration.observe(seconds)


def count_transactions(sums: Mapping[tuple[str, str, str], tuple[int, int]]) -> None:
    """Count committed transactions: (kind, asset, code) → how many, and their minor units."""
    for labels, (transactions, amount_minor) in sums.items():
        TRANSACTIONS.labels(*labels).inc(transactions)
        TRANSACTION_MINOR.labels(*labels).inc(amount_minor)
