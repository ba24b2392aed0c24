"""Metrics that are read from the database, over a separate connection with short timeouts.

The metrics must report an exhausted pool, a held lock and an unavailable database. So they use
neither the pool nor its timeouts.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import psycopg
from django.db import connection
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Cursor = psycopg.Cursor[tuple[Any, ...]]
#: Queries the database and returns metrics. May raise `psycopg.Error`.
MetricsQuery = Callable[[Cursor], Iterable[Metric]]

_CONNECT_SECONDS = 2
_STATEMENT_MS = 1_000
#: Parameters that Django adds, which libpq does not know.
_NOT_LIBPQ = {"context", "cursor_factory", "prepare_threshold"}


class DatabaseCollector(Collector):
    """The metrics of all queries. Each runs in its own transaction, so one may fail alone."""

    def __init__(self, queries: Mapping[str, MetricsQuery]) -> None:
        self._queries = queries

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics, and one for each query that failed."""
        started = time.perf_counter()
        failed = GaugeMetricFamily(
            "wallet_facts_failed", "1: these figures could not be read.", labels=["part"]
        )
        is_up = False
        with suppress(psycopg.Error), _connect() as database:
            is_up = True
            for part, query in self._queries.items():
                try:
                    yield from _run(database, query)
                except psycopg.Error:
                    failed.add_metric([part], 1)
        if is_up:
            yield failed
        yield gauge("wallet_database_up", "Whether the database answers.", is_up)
        yield gauge(
            "wallet_facts_duration_seconds",
            "How long these figures took.",
            time.perf_counter() - started,
        )


def gauge(name: str, text: str, value: float) -> Metric:
    """Return a gauge of one value."""
    return GaugeMetricFamily(name, text, value=value)


def counter(name: str, text: str, value: float) -> Metric:
    """Return a counter of one value; `_total` is added to its name."""
    return CounterMetricFamily(name, text, value=value)


def _connect() -> psycopg.Connection[tuple[Any, ...]]:
    given = connection.get_connection_params()
    libpq = {name: value for name, value in given.items() if name not in _NOT_LIBPQ}
    return psycopg.connect(**{**libpq, "connect_timeout": _CONNECT_SECONDS}, autocommit=True)


def _run(database: psycopg.Connection[tuple[Any, ...]], query: MetricsQuery) -> list[Metric]:
    with database.transaction(), database.cursor() as cursor:
        # For this transaction only, so that no setting stays in the session of a pooler.
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute(f"SET LOCAL statement_timeout = {_STATEMENT_MS}")
        return list(query(cursor))
