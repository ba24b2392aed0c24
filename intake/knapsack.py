"""Cutting a chunk from the queue: the greatest total value whose latencies fit.

This is the 0/1 knapsack problem. It is solved by density (value per latency), with the core around
the point where the density order overflows solved exactly (Balas and Zemel, 1980): up to
`CORE_SIZE` candidates the answer is the optimum, beyond that what is left to gain is less than
one candidate near the edge is worth.
"""

from collections.abc import Sequence
from typing import NamedTuple

CORE_SIZE = 60


class Candidate(NamedTuple):
    """Something that could run: what it is worth and how long it takes, both above zero."""

    value: int
    latency_ms: int


def plan(candidates: Sequence[Candidate], capacity_ms: int) -> list[int]:
    """Return the places of the candidates that make the chunk, in ascending order."""
    by_density = sorted(
        (place for place, each in enumerate(candidates) if each.latency_ms <= capacity_ms),
        key=lambda place: (-candidates[place].value / candidates[place].latency_ms, place),
    )
    overflow = _first_that_does_not_fit(candidates, by_density, capacity_ms)
    if overflow == len(by_density):
        return sorted(by_density)
    start = max(0, min(overflow - CORE_SIZE // 2, len(by_density) - CORE_SIZE))
    taken, core = by_density[:start], by_density[start : start + CORE_SIZE]
    left_ms = capacity_ms - sum(candidates[place].latency_ms for place in taken)
    return sorted(taken + _optimum([candidates[place] for place in core], core, left_ms))


def _first_that_does_not_fit(
    candidates: Sequence[Candidate], order: Sequence[int], capacity_ms: int
) -> int:
    used_ms = 0
    for position, place in enumerate(order):
        used_ms += candidates[place].latency_ms
        if used_ms > capacity_ms:
            return position
    return len(order)


def _optimum(core: Sequence[Candidate], places: Sequence[int], capacity_ms: int) -> list[int]:
    """Solve the core by dynamic programming over the capacity.

    `best[c]` is the best value within c milliseconds; which candidates make it stands in its low
    bits, one bit each, so that comparing and adding carry the choice along.
    """
    best = [0] * (capacity_ms + 1)
    for bit, (value, latency_ms) in enumerate(core):
        gain = (value << len(core)) | (1 << bit)
        best[latency_ms:] = [
            max(without, shorter + gain)
            for without, shorter in zip(best[latency_ms:], best, strict=False)
        ]
    chosen = best[capacity_ms]
    return [place for bit, place in enumerate(places) if chosen >> bit & 1]
