"""Metrics of the database and of the scheduled jobs."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from ops.collectors.base import Cursor, counter, gauge
from ops.scheduler import FAILED_RUNS


def collect_database(cursor: Cursor) -> Iterator[Metric]:
    """Yield lock waits, the oldest transaction and deadlocks, as far as the app's role may see."""
    cursor.execute(
        """
        SELECT count(*) FILTER (WHERE wait_event_type = 'Lock'),
               coalesce(extract(epoch FROM now() - min(xact_start)), 0)
          FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()
        """
    )
    [(waiting_sessions, oldest_seconds)] = cursor.fetchall()
    yield gauge("wallet_database_lock_waiters", "Sessions that wait for a lock.", waiting_sessions)
    yield gauge(
        "wallet_database_longest_transaction_seconds",
        "The age of the oldest open database transaction.",
        float(oldest_seconds),
    )
    cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    [(deadlocks,)] = cursor.fetchall()
    yield counter("wallet_database_deadlocks", "Deadlocks that PostgreSQL ended.", deadlocks)


def collect_jobs(cursor: Cursor) -> Iterator[Metric]:
    """Yield whether a run of each job failed for good, and the number of live workers."""
    cursor.execute(FAILED_RUNS)
    failed = GaugeMetricFamily(
        "wallet_job_failed",
        "1: a run of this job failed, and no later one has made up for it.",
        labels=["task"],
    )
    for task_name, failed_runs in cursor.fetchall():
        failed.add_metric([task_name], failed_runs > 0)
    yield failed
    cursor.execute(
        "SELECT count(*) FROM procrastinate_workers"
        " WHERE last_heartbeat >= now() - interval '60 seconds'"
    )
    [(workers,)] = cursor.fetchall()
    yield gauge("wallet_job_workers", "Processes that run scheduled jobs.", workers)
