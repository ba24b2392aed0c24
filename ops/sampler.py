"""Metrics of a web process that are sampled: its connection pools and its memory."""

import os
import resource
import sys
from pathlib import Path
from threading import Event, Thread

from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg_pool import ConnectionPool

from core import metrics

PERIOD_SECONDS = 5
_STATM = Path("/proc/self/statm")


def start() -> None:
    """Sample now and every `PERIOD_SECONDS` until the process ends."""
    Thread(target=_run, name="sampler", daemon=True).start()


def sample() -> None:
    """Sample once."""
    metrics.WORKERS.set(1)
    metrics.WORKER_BYTES.set(_resident_bytes())
    # Django's own dictionary: `connection.pool` would create a pool.
    pools: dict[str, ConnectionPool] = DatabaseWrapper._connection_pools  # type: ignore[attr-defined]
    for alias, pool in pools.copy().items():
        _sample_pool(alias, pool)


def _sample_pool(alias: str, pool: ConnectionPool) -> None:
    # Each call resets the sums to zero.
    stats = pool.pop_stats()
    idle = stats.get("pool_available", 0)
    for state, connections in (
        ("in_use", stats.get("pool_size", 0) - idle),
        ("idle", idle),
        ("max", stats.get("pool_max", 0)),
    ):
        metrics.POOL_CONNECTIONS.labels(alias, state).set(connections)
    metrics.POOL_WAITING.labels(alias).set(stats.get("requests_waiting", 0))
    metrics.POOL_WAITS.labels(alias).inc(stats.get("requests_queued", 0))
    metrics.POOL_WAIT_SECONDS.labels(alias).inc(stats.get("requests_wait_ms", 0) / 1_000)
    metrics.POOL_TIMEOUTS.labels(alias).inc(stats.get("requests_errors", 0))


def _resident_bytes() -> int:
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    # The peak; in bytes on macOS, in KiB elsewhere.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1_024


def _run() -> None:
    stop = Event()
    sample()
    while not stop.wait(PERIOD_SECONDS):
        sample()
