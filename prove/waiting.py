"""Waiting for something, with a deadline."""

import time
from collections.abc import Callable

PAUSE_SECONDS = 0.02


def wait_until(is_true: Callable[[], bool], *, seconds: float) -> bool:
    """Poll until it is true, for at most `seconds`. Returns whether it became true."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_SECONDS)
    return True
