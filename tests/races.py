"""Real threads on real connections, all let go at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

Result = TypeVar("Result")

PATIENCE_SECONDS = 60


def race(runners: int, run: Callable[[int], Result]) -> list[Result]:
    """Call `run(0)` … `run(runners - 1)` at once, each in its thread; return their results.

    What one of them raises is raised here.
    """
    barrier = threading.Barrier(runners)

    def runner(number: int) -> Result:
        try:
            connection.ensure_connection()
            barrier.wait(PATIENCE_SECONDS)
            return run(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(runners) as pool:
        futures = [pool.submit(runner, number) for number in range(runners)]
        return [future.result(PATIENCE_SECONDS) for future in futures]
