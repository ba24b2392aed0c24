"""What the database knows, for `/metrics`: asked for on a connection of its own, briefly.

A pool that is exhausted, a lock that is held or a database that is away are what the figures
should tell of, so they must not keep them from coming.
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
#: Asks the database and returns figures. It may raise what psycopg raises.
Reader = Callable[[Cursor], Iterable[Metric]]

_CONNECT_SECONDS = 2
_STATEMENT_MS = 1_000
#: What Django adds for its own connections.
_NOT_LIBPQ = {"context", "cursor_factory", "prepare_threshold"}


class DatabaseCollector(Collector):
    """The figures of all readers, a transaction for each; one that fails keeps no other away."""

    def __init__(self, readers: Mapping[str, Reader]) -> None:
        self._readers = readers

    def collect(self) -> Iterator[Metric]:
        """Yield the figures, and what went wrong with asking for them."""
        started = time.perf_counter()
        failed = GaugeMetricFamily(
            "wallet_facts_failed", "1: these figures could not be read.", labels=["part"]
        )
        is_up = False
        with suppress(psycopg.Error), _connect() as database:
            is_up = True
            for part, reader in self._readers.items():
                try:
                    yield from _read(database, reader)
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


def _read(database: psycopg.Connection[tuple[Any, ...]], reader: Reader) -> list[Metric]:
    with database.transaction(), database.cursor() as cursor:
        # Of this transaction only, so that a pooler in between keeps nothing of it.
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute(f"SET LOCAL statement_timeout = {_STATEMENT_MS}")
        return list(reader(cursor))
