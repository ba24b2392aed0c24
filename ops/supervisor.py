"""Child processes that start one after the other and end together."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from django.conf import settings

POLL_SECONDS = 0.05
CHECK_SECONDS = 1
# How long a service may take to finish its requests before it is killed.
STOP_SECONDS = 30


class TaskFailed(Exception):
    """A task failed; it has printed the reason."""


class ServiceEnded(Exception):
    """A service ended by itself. The text is one sentence."""


class Stopped(Exception):
    """A stop was requested."""


@dataclass(frozen=True)
class _Child:
    name: str
    process: subprocess.Popen[str]
    is_service: bool


class Supervisor:
    """Runs tasks, which end, and services, which do not; each is a `python` process.

    Leaving its `with` block stops the processes that still run.
    """

    def __init__(self) -> None:
        self._children: list[_Child] = []
        # No `threading.Event`: it has a lock, and the wait that a signal interrupts may hold it.
        self._stop_requested = False
        self._check: Callable[[], None] = lambda: None
        self._checked_at = 0.0

    def set_periodic_check(self, check: Callable[[], None]) -> None:
        """Call `check` about every second during waits; an exception of it ends the wait."""
        self._check = check

    def request_stop(self) -> None:
        """Make the current or the next wait raise `Stopped`. Safe in signal handlers."""
        self._stop_requested = True

    def start(self, name: str, *arguments: str) -> None:
        """Start a service."""
        process = subprocess.Popen(  # noqa: S603 (our own programs)
            [sys.executable, *arguments], cwd=settings.BASE_DIR, text=True
        )
        self._children.append(_Child(name, process, is_service=True))

    def run(self, *arguments: str) -> str:
        """Run a task to its end and return its output.

        Raises `TaskFailed`, `ServiceEnded`, `Stopped`.
        """
        process = subprocess.Popen(  # noqa: S603 (our own programs)
            [sys.executable, *arguments], cwd=settings.BASE_DIR, text=True, stdout=subprocess.PIPE
        )
        task = _Child("A task", process, is_service=False)
        self._children.append(task)
        self.wait(lambda: process.poll() is not None)
        self._children.remove(task)
        output, _ = process.communicate()
        if process.returncode:
            raise TaskFailed
        return output

    def wait(self, is_done: Callable[[], bool]) -> None:
        """Wait for a condition. Raises `ServiceEnded`, `Stopped`, and exceptions of the check."""
        while True:
            if not self._stop_requested:
                time.sleep(POLL_SECONDS)
            # Looked at before the children: Ctrl-C ends those that are still starting.
            if self._stop_requested:
                raise Stopped
            if is_done():
                return
            for child in self._children:
                if child.is_service and child.process.poll() is not None:
                    status = child.process.returncode
                    raise ServiceEnded(f"{child.name} ended with status {status}.")
            if time.monotonic() - self._checked_at > CHECK_SECONDS:
                self._check()
                self._checked_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for child in self._children:
            child.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._children:
            try:
                child.process.wait(max(0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
