"""Rows of the table: what is measured, how often, and in which order."""

import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.machine import Cost


class InvalidRun(Exception):
    """The figures of this run mean nothing. The text says why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement. Latencies are in milliseconds, and only calls over HTTP have any."""

    cost: Cost
    p50_ms: float | None = None
    p99_ms: float | None = None

    @property
    def rate(self) -> float:
        """Return how many items a second were done."""
        return self.cost.items / self.cost.seconds


@dataclass(frozen=True)
class Row:
    """Something that `measure` measures, again and again."""

    name: str
    title: str
    measure: Callable[[], Sample]
    #: Whether the child processes that were watched are Python.
    is_python: bool = True


@dataclass
class Result:
    """All samples of a row."""

    title: str
    is_python: bool
    samples: list[Sample] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Return the median of the rates."""
        return statistics.median(sample.rate for sample in self.samples)

    @property
    def spread(self) -> tuple[float, float]:
        """Return the lowest and the highest rate."""
        rates = [sample.rate for sample in self.samples]
        return min(rates), max(rates)

    @property
    def postgres_us(self) -> float:
        """Return PostgreSQL's processor time for one item."""
        return self._median(lambda s: s.cost.postgres_seconds / s.cost.items * 1e6)

    @property
    def python_us(self) -> float | None:
        """Return Python's processor time for one item, all processes together."""
        if not self.is_python:
            return None
        return self._median(lambda s: s.cost.python_seconds / s.cost.items * 1e6)

    @property
    def p50_ms(self) -> float | None:
        """Return the median of the medians of the latencies."""
        return self._latency(lambda s: s.p50_ms)

    @property
    def p99_ms(self) -> float | None:
        """Return the median of the samples' 99th percentiles."""
        return self._latency(lambda s: s.p99_ms)

    def as_json(self) -> dict[str, Any]:
        """Return everything, the raw samples included."""
        return {
            "title": self.title,
            "rate": self.rate,
            "spread": self.spread,
            "python_us": self.python_us,
            "postgres_us": self.postgres_us,
            "p50_ms": self.p50_ms,
            "p99_ms": self.p99_ms,
            "samples": [{"rate": sample.rate, **asdict(sample)} for sample in self.samples],
        }

    def _median(self, value: Callable[[Sample], float]) -> float:
        return statistics.median(map(value, self.samples))

    def _latency(self, value: Callable[[Sample], float | None]) -> float | None:
        found = [ms for ms in map(value, self.samples) if ms is not None]
        return statistics.median(found) if found else None


def interleave(rows: Sequence[Row], repeats: int) -> dict[str, Result]:
    """Measure every row, then all again, so that a busy minute affects every row alike."""
    results = {row.name: Result(row.title, row.is_python) for row in rows}
    for repeat in range(1, repeats + 1):
        for row in rows:
            sample = row.measure()
            results[row.name].samples.append(sample)
            print(
                f"  {repeat}/{repeats}  {row.title:<64} {sample.rate:>10,.0f}/s"
                f"   load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    return results
