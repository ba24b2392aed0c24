"""Child processes that start in turn, live together and end together."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from types import TracebackType
from typing import Self

from django.conf import settings

POLL_SECONDS = 0.05
WATCH_SECONDS = 1
# What a service gets for its last requests before it is killed.
STOP_SECONDS = 30


class TaskFailed(Exception):
    """A task failed, and has said why."""


class ServiceEnded(Exception):
    """A service ended by itself. The text is one sentence."""


class Stopped(Exception):
    """Somebody asked to stop."""


@dataclass(frozen=True)
class _Child:
    name: str
    process: subprocess.Popen[str]
    is_service: bool


class Supervisor:
    """Runs tasks, which end, and services, which should not; each a `python` with arguments.

    Leaving its `with` block stops whatever still runs.
    """

    def __init__(self) -> None:
        self._children: list[_Child] = []
        self._stop_asked = Event()
        self._look: Callable[[], None] = lambda: None
        self._looked_at = 0.0

    def watch(self, look: Callable[[], None]) -> None:
        """Call `look` about every second from now on; what it raises ends the wait."""
        self._look = look

    def ask_to_stop(self) -> None:
        """Make the present or next wait raise `Stopped`. Made for signal handlers."""
        self._stop_asked.set()

    def start(self, name: str, *arguments: str) -> None:
        """Start a service."""
        process = subprocess.Popen(  # noqa: S603 (our own programs)
            [sys.executable, *arguments], cwd=settings.BASE_DIR, text=True
        )
        self._children.append(_Child(name, process, is_service=True))

    def run(self, *arguments: str) -> str:
        """Run a task to its end and return what it printed.

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

    def wait(self, is_over: Callable[[], bool]) -> None:
        """Wait for a condition. Raises `ServiceEnded`, `Stopped`, and what is watched for."""
        while not self._stop_asked.wait(POLL_SECONDS):
            if is_over():
                return
            for child in self._children:
                if child.is_service and child.process.poll() is not None:
                    status = child.process.returncode
                    raise ServiceEnded(f"{child.name} ended with status {status}.")
            if time.monotonic() - self._looked_at > WATCH_SECONDS:
                self._look()
                self._looked_at = time.monotonic()
        raise Stopped

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
