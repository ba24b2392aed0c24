"""How many examples the fuzz tests try: few fixed ones, or by `make fuzz` many random ones."""

from typing import Any

from hypothesis import HealthCheck, Phase, settings

#: Multiplies the number of examples: 1, or more with `--hypothesis-profile=long`.
EXAMPLES_FACTOR = settings().max_examples // 100


def bounded(*, max_examples: int, **more: Any) -> settings:
    """Return the settings of a test that tries this many examples by default."""
    return settings(
        max_examples=max_examples * EXAMPLES_FACTOR,
        deadline=None,
        derandomize=EXAMPLES_FACTOR == 1,
        database=None,
        suppress_health_check=list(HealthCheck),
        # No shrinking: against a database it takes minutes.
        phases=[Phase.explicit, Phase.generate],
        **more,
    )
