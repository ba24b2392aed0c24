"""How much is tried: a little, and always the same. By `make fuzz` far more, at random."""

from typing import Any

from hypothesis import HealthCheck, Phase, settings

#: How much more than usual: 1, unless told by `--hypothesis-profile=long`.
MORE = settings().max_examples // 100


def bounded(*, max_examples: int, **more: Any) -> settings:
    """Return the settings of a test that tries this many examples by default."""
    return settings(
        max_examples=max_examples * MORE,
        deadline=None,
        derandomize=MORE == 1,
        database=None,
        suppress_health_check=list(HealthCheck),
        # Against a database, making a failure smaller takes minutes.
        phases=[Phase.explicit, Phase.generate],
        **more,
    )
