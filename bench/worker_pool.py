"""Processes with threads that repeat one piece of work as fast as they can.

The parent writes for how many seconds to work; each child answers how many items it did. Children
live as long as the benchmark, so that no measurement pays for their start.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import IO, Self, cast

from bench.machine import Stopwatch
from bench.rows import Row, Sample
from harness import processes
from harness.installation import Installation

PROCESSES = 2
THREADS = 4

#: Does a piece of work, and returns how many items that were.
Work = Callable[[], int]


class WorkerPool:
    """`count` processes `python -m MODULE ARGUMENTS`, each of which calls `serve`."""

    def __init__(self, installation: Installation, *arguments: str, count: int) -> None:
        self._installation = installation
        self._arguments = ("-m", *arguments)
        self._count = count
        self._stack = ExitStack()
        self._children: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for _ in range(self._count):
                child = processes.start(
                    *self._arguments,
                    variables=self._installation.environment(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
                stack.callback(processes.stop, child)
                self._children.append(child)
            for child in self._children:
                _read_line(child)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def row(self, name: str, title: str, seconds: float) -> Row:
        """Return the row of what the processes do together."""

        def measure() -> Sample:
            watch = Stopwatch(self._installation.data_dir, [child.pid for child in self._children])
            cost = watch.stop(self._work(seconds))
            return Sample(replace(cost, seconds=max(seconds, cost.seconds)))

        return Row(name, title, measure)

    def _work(self, seconds: float) -> int:
        for child in self._children:
            stdin = cast(IO[str], child.stdin)
            stdin.write(f"{seconds}\n")
            stdin.flush()
        return sum(int(_read_line(child)) for child in self._children)


def serve(make_work: Callable[[], Work], *, threads: int) -> None:
    """Work in threads whenever the parent asks for it, until the parent closes stdin."""
    with ThreadPoolExecutor(threads) as pool:
        works = [make_work() for _ in range(threads)]
        # Each thread connects to its database now.
        list(pool.map(_repeat, works, [0.2] * threads))
        print("ready", flush=True)
        for line in sys.stdin:
            print(sum(pool.map(_repeat, works, [float(line)] * threads)), flush=True)


def _repeat(work: Work, seconds: float) -> int:
    deadline = time.monotonic() + seconds
    done = work()
    while time.monotonic() < deadline:
        done += work()
    return done


def _read_line(child: subprocess.Popen[str]) -> str:
    line = cast(IO[str], child.stdout).readline().strip()
    if not line:
        raise RuntimeError(f"{child.args!r} has ended; its errors are above.")
    return line
