"""What is to be reached: ratios of medians of one run, which a slower machine hardly changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.rows import Result

Results = Mapping[str, Result]

#: After so many calls a web worker should have all the memory it will ever want.
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
    """Return the lines. `growth` is a web worker's memory (MiB) after so many calls."""

    def ratio(row: str, to: str) -> float | None:
        return _from(results, lambda of: of[row].rate / of[to].rate)

    def slower(row: str, than: str) -> float | None:
        return _from(results, lambda of: (of[row].p50_ms or 0) / (of[than].p50_ms or 1))

    def post(title: str, row: str) -> list[Target]:
        return [
            Target(title, "PostgreSQL's one function", ratio(row, "limit.function"), 0.5),
            Target(title, "django-hordak, lock and check", ratio(row, "hordak"), 9),
            Target(title, "pgledger through psycopg", ratio(row, "pgledger"), 1.3),
        ]

    tail = _from(
        results, lambda of: (of["http.charge"].p99_ms or 0) / (of["http.charge"].p50_ms or 1)
    )
    charge = "charge"
    return [
        *post("post", "post.single"),
        *post("post, in one statement", "post.once"),
        Target(charge, "the bare DRF view", ratio("http.charge", "http.bare"), 1.2),
        Target(charge, "the DRF and ORM transfer", ratio("http.charge", "http.orm"), 4),
        Target(charge, "one function and a key", ratio("http.charge", "limit.once"), 0.18),
        Target(charge, "its p99 to its p50", tail, 5, at_most=True),
        Target("hot merchant", "random merchants", ratio("http.hot", "http.charge"), 0.8),
        Target("batch", "the set-based limit", ratio("post.batch", "limit.batch"), 0.5),
        Target(
            "batch", "posted a second", _from(results, lambda of: of["post.batch"].rate), 15_000
        ),
        Target("intake", "transfers posted in batches", ratio("intake", "post.batch"), 0.6),
        Target("intake", "the same, posted in batches", ratio("intake", "intake.post"), 0.6),
        Target(
            "seeding", "customers a second", _from(results, lambda of: of["seeding"].rate), 20_000
        ),
        Target("read", "the bare DRF view", ratio("http.info", "http.bare"), 0.8),
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
    """Return the memory at the end to that after the first calls; there are two workers."""
    settled = [mib for answered, mib in growth if answered >= 2 * SETTLED_AFTER]
    return settled[-1] / settled[0] if len(settled) > 1 else None
