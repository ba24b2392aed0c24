"""Real threads on real connections, all released at the same time."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

Result = TypeVar("Result")

TIMEOUT_SECONDS = 60


def race(runners: int, run: Callable[[int], Result]) -> list[Result]:
    """Call `run(0)` … `run(runners - 1)` concurrently, each in its thread; return their results.

    An exception in one of them is raised here.
    """
    barrier = threading.Barrier(runners)

    def runner(number: int) -> Result:
        try:
            connection.ensure_connection()
            barrier.wait(TIMEOUT_SECONDS)
            return run(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(runners) as pool:
        futures = [pool.submit(runner, number) for number in range(runners)]
        return [future.result(TIMEOUT_SECONDS) for future in futures]
