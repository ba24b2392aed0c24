"""The 0/1 knapsack problem: which items have the greatest total value and fit the capacity.

A chunk is cut from the queue by it: an item is a queued transaction, the capacity a latency. Items
are taken in order of density (value per latency). The core, which is the `CORE_SIZE` items around
the first one that does not fit, is solved exactly (Balas and Zemel, 1980). Up to `CORE_SIZE` items
the result is the optimum; beyond that it falls short of it by less than the value of one item of
the core.
"""

from collections.abc import Sequence
from typing import NamedTuple

CORE_SIZE = 60


class KnapsackItem(NamedTuple):
    """An item that may be taken. Both numbers are above zero."""

    value: int
    latency_ms: int


def solve_knapsack(items: Sequence[KnapsackItem], capacity_ms: int) -> list[int]:
    """Return the indexes of the items to take, in ascending order."""
    by_density = sorted(
        (index for index, item in enumerate(items) if item.latency_ms <= capacity_ms),
        key=lambda index: (-items[index].value / items[index].latency_ms, index),
    )
    overflow = _first_overflow(items, by_density, capacity_ms)
    if overflow == len(by_density):
        return sorted(by_density)
    start = max(0, min(overflow - CORE_SIZE // 2, len(by_density) - CORE_SIZE))
    taken, core = by_density[:start], by_density[start : start + CORE_SIZE]
    left_ms = capacity_ms - sum(items[index].latency_ms for index in taken)
    return sorted(taken + _solve_core([items[index] for index in core], core, left_ms))


def _first_overflow(items: Sequence[KnapsackItem], order: Sequence[int], capacity_ms: int) -> int:
    used_ms = 0
    for position, index in enumerate(order):
        used_ms += items[index].latency_ms
        if used_ms > capacity_ms:
            return position
    return len(order)


def _solve_core(
    core: Sequence[KnapsackItem], indexes: Sequence[int], capacity_ms: int
) -> list[int]:
    """Solve the core by dynamic programming over the capacity.

    `best[c]` is the best value within c milliseconds; which items make it stands in its low
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
    return [index for bit, index in enumerate(indexes) if chosen >> bit & 1]
