"""Processes with threads that do one thing again and again, as fast as they can.

The parent writes how many seconds to work, each child answers how many things it did. Children
live as long as the bench, so that a round pays for no start.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import IO, Self, cast

from bench.service import environment
from config.environment import BASE_DIR

PROCESSES = 2
THREADS = 4

#: Does something, and returns how many things that were.
Work = Callable[[], int]


class Crew:
    """`processes` times `python -m MODULE ARGUMENTS`, each of which calls `serve`."""

    def __init__(
        self,
        *arguments: str,
        processes: int = PROCESSES,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._command = [sys.executable, "-m", *arguments]
        self._processes = processes
        self._variables = dict(variables or {})
        self._stack = ExitStack()
        self._children: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for _ in range(self._processes):
                child = subprocess.Popen(
                    self._command,
                    cwd=BASE_DIR,
                    env=environment(self._variables),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
                stack.callback(_end, child)
                self._children.append(child)
            for child in self._children:
                _expect(child, "ready")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @property
    def processes(self) -> Sequence[int]:
        return [child.pid for child in self._children]

    def work(self, seconds: float) -> int:
        """Let them all work for so long, and return how many things they did together."""
        for child in self._children:
            stdin = cast(IO[str], child.stdin)
            stdin.write(f"{json.dumps(seconds)}\n")
            stdin.flush()
        return sum(int(_answer(child)) for child in self._children)


def serve(make_work: Callable[[], Work], *, threads: int = THREADS) -> None:
    """Work whenever the parent says so, each thread at a thing of its own, until it hangs up."""
    with ThreadPoolExecutor(threads) as pool:
        works = [make_work() for _ in range(threads)]
        # Each thread connects to its database now.
        list(pool.map(_repeat, works, [0.2] * threads))
        print("ready", flush=True)
        for line in sys.stdin:
            seconds = [float(line)] * threads
            print(sum(pool.map(_repeat, works, seconds)), flush=True)


def _repeat(work: Work, seconds: float) -> int:
    deadline = time.monotonic() + seconds
    done = work()
    while time.monotonic() < deadline:
        done += work()
    return done


def _answer(child: subprocess.Popen[str]) -> str:
    answer = cast(IO[str], child.stdout).readline().strip()
    if not answer:
        raise RuntimeError(f"{child.args!r} ended by itself; what it says is above.")
    return answer


def _expect(child: subprocess.Popen[str], wanted: str) -> None:
    if (answer := _answer(child)) != wanted:
        raise RuntimeError(f"{child.args!r} said {answer!r}.")


def _end(child: subprocess.Popen[str]) -> None:
    """Hang up, and see it go."""
    cast(IO[str], child.stdin).close()
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
