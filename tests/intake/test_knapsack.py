"""The knapsack solver, against brute force and against the exact optimum."""

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from intake.knapsack import CORE_SIZE, KnapsackItem, solve_knapsack

knapsack_items = st.lists(
    st.builds(KnapsackItem, st.integers(1, 10**6), st.integers(1, 60)), max_size=11
)


def value(chosen: list[KnapsackItem]) -> int:
    return sum(each.value for each in chosen)


def latency(chosen: list[KnapsackItem]) -> int:
    return sum(each.latency_ms for each in chosen)


def brute_force(items: list[KnapsackItem], capacity_ms: int) -> int:
    subsets = (
        list(subset) for size in range(len(items) + 1) for subset in combinations(items, size)
    )
    return max(value(subset) for subset in subsets if latency(subset) <= capacity_ms)


def optimum(items: list[KnapsackItem], capacity_ms: int) -> int:
    best = [0] * (capacity_ms + 1)
    for each in items:
        for left in range(capacity_ms, each.latency_ms - 1, -1):
            best[left] = max(best[left], best[left - each.latency_ms] + each.value)
    return best[capacity_ms]


@given(knapsack_items, st.integers(1, 200))
@settings(max_examples=150, deadline=None)
def test_few_items_are_solved_to_the_optimum(items: list[KnapsackItem], capacity_ms: int) -> None:
    indexes = solve_knapsack(items, capacity_ms)

    chosen = [items[index] for index in indexes]
    assert indexes == sorted(set(indexes))
    assert latency(chosen) <= capacity_ms
    assert value(chosen) == brute_force(items, capacity_ms)


@given(st.randoms(use_true_random=False), st.sampled_from([3, 40, 300]))
@settings(max_examples=12, deadline=None)
def test_many_items_are_solved_within_one_percent_of_the_optimum(
    random: st.DataObject, longest: int
) -> None:
    items = [
        KnapsackItem(random.randint(1, 10_000), random.randint(1, longest))  # type: ignore[attr-defined]
        for _ in range(4 * CORE_SIZE)
    ]

    chosen = [items[index] for index in solve_knapsack(items, 500)]

    assert latency(chosen) <= 500
    assert value(chosen) >= 0.99 * optimum(items, 500)


def test_an_item_larger_than_the_capacity_is_left_out() -> None:
    assert solve_knapsack([KnapsackItem(1_000, 11), KnapsackItem(1, 10)], 10) == [1]
    assert solve_knapsack([], 10) == []
