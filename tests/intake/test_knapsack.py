"""The planner, against brute force and against the exact optimum."""

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from intake.knapsack import CORE_SIZE, Candidate, plan

candidates = st.lists(st.builds(Candidate, st.integers(1, 10**6), st.integers(1, 60)), max_size=11)


def value(chosen: list[Candidate]) -> int:
    return sum(each.value for each in chosen)


def latency(chosen: list[Candidate]) -> int:
    return sum(each.latency_ms for each in chosen)


def brute_force(offered: list[Candidate], capacity_ms: int) -> int:
    subsets = (
        list(subset) for size in range(len(offered) + 1) for subset in combinations(offered, size)
    )
    return max(value(subset) for subset in subsets if latency(subset) <= capacity_ms)


def optimum(offered: list[Candidate], capacity_ms: int) -> int:
    best = [0] * (capacity_ms + 1)
    for each in offered:
        for left in range(capacity_ms, each.latency_ms - 1, -1):
            best[left] = max(best[left], best[left - each.latency_ms] + each.value)
    return best[capacity_ms]


@given(candidates, st.integers(1, 200))
@settings(max_examples=150, deadline=None)
def test_a_small_queue_is_cut_as_well_as_it_can_be(
    offered: list[Candidate], capacity_ms: int
) -> None:
    places = plan(offered, capacity_ms)

    chosen = [offered[place] for place in places]
    assert places == sorted(set(places))
    assert latency(chosen) <= capacity_ms
    assert value(chosen) == brute_force(offered, capacity_ms)


@given(st.randoms(use_true_random=False), st.sampled_from([3, 40, 300]))
@settings(max_examples=12, deadline=None)
def test_a_long_queue_is_cut_within_one_percent_of_the_optimum(
    random: st.DataObject, longest: int
) -> None:
    offered = [
        Candidate(random.randint(1, 10_000), random.randint(1, longest))  # type: ignore[attr-defined]
        for _ in range(4 * CORE_SIZE)
    ]

    chosen = [offered[place] for place in plan(offered, 500)]

    assert latency(chosen) <= 500
    assert value(chosen) >= 0.99 * optimum(offered, 500)


def test_what_never_fits_is_left_out() -> None:
    assert plan([Candidate(1_000, 11), Candidate(1, 10)], 10) == [1]
    assert plan([], 10) == []
