"""Waiting for a condition, with a deadline."""

import time
from collections.abc import Callable

#: Generous: a busy machine is no failure. Nothing waits that long when all is well.
DEADLINE_SECONDS = 120
PAUSE_SECONDS = 0.02


def poll(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Poll for at most `seconds`. Returns whether the condition became true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_SECONDS)
    return True


def wait_until(condition: Callable[[], bool], *, seconds: float = DEADLINE_SECONDS) -> None:
    """Poll until the condition is true. Raises `TimeoutError`."""
    if not poll(condition, seconds=seconds):
        raise TimeoutError(f"still not true after {seconds} seconds")
