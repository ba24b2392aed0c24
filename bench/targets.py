"""The targets: ratios of medians of one run, which a slower machine hardly changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.rows import Result

Results = Mapping[str, Result]

#: After so many calls a web worker's memory should no longer grow.
SETTLED_AFTER = 10_000


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the table. `measured` is None where a row was left out."""

    row: str
    against: str
    measured: float | None
    wanted: float
    at_most: bool = False

    @property
    def is_reached(self) -> bool | None:
        """Return whether it is; None when it was not measured."""
        if self.measured is None:
            return None
        return self.measured <= self.wanted if self.at_most else self.measured >= self.wanted

    @property
    def sign(self) -> str:
        return "≤" if self.at_most else "≥"


def targets(results: Results, growth: list[tuple[int, float]]) -> list[Target]:
    """Return the lines. `growth`: pairs of calls answered, and a web worker's memory then (MiB)."""

    def ratio(row: str, to: str) -> float | None:
        return _from(results, lambda of: of[row].rate / of[to].rate)

    def slower(row: str, than: str) -> float | None:
        return _from(results, lambda of: (of[row].p50_ms or 0) / (of[than].p50_ms or 1))

    tail = _from(
        results, lambda of: (of["http.charge"].p99_ms or 0) / (of["http.charge"].p50_ms or 1)
    )
    charge, function = "charge", "PostgreSQL's one function"
    return [
        Target("post", function, ratio("post.single", "limit.function"), 0.5),
        Target("post, in one statement", function, ratio("post.once", "limit.function"), 0.5),
        Target(charge, "the bare DRF view", ratio("http.charge", "http.bare"), 1.45),
        Target(charge, "the DRF and ORM transfer", ratio("http.charge", "http.orm"), 3),
        Target(charge, "one function and a key", ratio("http.charge", "limit.once"), 0.18),
        Target(charge, "its p99 to its p50", tail, 5, at_most=True),
        Target("pay token", "a charge by the token", ratio("http.paytoken", "http.charge"), 0.8),
        Target("request", "a charge by the token", ratio("http.request", "http.charge"), 0.7),
        Target("hold", "a charge by the token", ratio("http.hold", "http.charge"), 0.9),
        Target("capture", "a charge by the token", ratio("http.capture", "http.charge"), 0.85),
        Target("fee and split", "a charge by the token", ratio("http.split", "http.charge"), 0.6),
        Target("hot merchant", "random merchants", ratio("http.hot", "http.charge"), 0.8),
        Target("batch", "the set-based limit", ratio("post.batch", "limit.batch"), 0.65),
        Target(
            "batch", "posted a second", _from(results, lambda of: of["post.batch"].rate), 15_000
        ),
        Target("intake", "transfers posted in batches", ratio("intake", "post.batch"), 0.6),
        Target("intake", "the same, posted in batches", ratio("intake", "intake.post"), 0.6),
        Target(
            "import", "customers a second", _from(results, lambda of: of["import"].rate), 20_000
        ),
        Target("read", "the bare DRF view", ratio("http.info", "http.bare"), 2.6),
        Target(
            "history", "first page: ten entries'", slower("history.first", "history.ten"), 1.5, True
        ),
        Target(
            "history", "page 1,000: ten entries'", slower("history.deep", "history.ten"), 1.5, True
        ),
        Target(
            "memory", "MiB of a worker", max((mib for _, mib in growth), default=None), 150, True
        ),
        Target("memory", "growth after 10,000 calls", _later_growth(growth), 1.1, True),
    ]


def _from(results: Results, value: Callable[[Results], float]) -> float | None:
    try:
        return value(results)
    except KeyError:
        return None


def _later_growth(growth: list[tuple[int, float]]) -> float | None:
    """Return the ratio of the memory at the end to that after the first calls of two workers."""
    settled = [mib for answered, mib in growth if answered >= 2 * SETTLED_AFTER]
    return settled[-1] / settled[0] if len(settled) > 1 else None
