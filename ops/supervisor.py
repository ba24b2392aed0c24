"""Child processes that start one after the other, are kept running, and end together."""

import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from django.conf import settings

POLL_SECONDS = 0.05
CHECK_SECONDS = 1
# How long a service may take to finish its requests before it is killed.
STOP_SECONDS = 30
# A service that ends by itself more often than this is broken: starting it once more helps nobody.
RESTARTS = 5
RESTART_WINDOW_SECONDS = 300


class TaskFailed(Exception):
    """A task failed; it has printed the reason."""


class ServiceEnded(Exception):
    """A service ended by itself, and is not started again. The text is one sentence."""


class Stopped(Exception):
    """A stop was requested."""


@dataclass
class _Service:
    name: str
    arguments: tuple[str, ...]
    process: subprocess.Popen[str]


class Supervisor:
    """Runs tasks, which end, and services, which do not; each is a `python` process.

    Leaving its `with` block stops the processes that still run.
    """

    def __init__(self, report: Callable[[str], object] = print) -> None:
        """`report` gets a sentence for each restart."""
        self._report = report
        self._services: list[_Service] = []
        self._task: subprocess.Popen[str] | None = None
        # No `threading.Event`: it has a lock, and the wait that a signal interrupts may hold it.
        self._stop_requested = False
        self._check: Callable[[], None] = lambda: None
        self._checked_at = 0.0
        self._restarted_at: dict[str, deque[float]] = {}

    def set_periodic_check(self, check: Callable[[], None]) -> None:
        """Call `check` about every second during waits; an exception of it ends the wait."""
        self._check = check

    def request_stop(self) -> None:
        """Make the current or the next wait raise `Stopped`. Safe in signal handlers."""
        self._stop_requested = True

    def start(self, name: str, *arguments: str) -> None:
        """Start a service."""
        self._services.append(_Service(name, arguments, _start(*arguments)))

    def run(self, *arguments: str) -> str:
        """Run a task to its end and return its output.

        Raises `TaskFailed`, `ServiceEnded`, `Stopped`.
        """
        task = self._task = _start(*arguments, stdout=subprocess.PIPE)
        self.wait(lambda: task.poll() is not None)
        self._task = None
        output, _ = task.communicate()
        if task.returncode:
            raise TaskFailed
        return output

    def wait(self, is_done: Callable[[], bool]) -> None:
        """Wait for a condition while the services start.

        Raises `ServiceEnded` when one of them ends, `Stopped`, and exceptions of the check.
        """
        self._wait(is_done, _raise_service_ended)

    def keep_running(self) -> None:
        """Start each service again that ends by itself, until a stop is requested.

        Raises `ServiceEnded` for one that ends too often, `Stopped`, and exceptions of the check.
        """
        self._wait(lambda: False, self._restart)

    def count_restart(self, name: str, reason: str) -> None:
        """Report that something died and is started again. `reason` is the rest of a sentence.

        Raises `ServiceEnded` when it has been started again `RESTARTS` times in
        `RESTART_WINDOW_SECONDS`.
        """
        restarts = self._restarted_at.setdefault(name, deque(maxlen=RESTARTS))
        now = time.monotonic()
        if len(restarts) == RESTARTS and now - restarts[0] < RESTART_WINDOW_SECONDS:
            raise ServiceEnded(
                f"{name} {reason}, after {RESTARTS} restarts in {now - restarts[0]:.0f} seconds."
            )
        restarts.append(now)
        self._report(f"{name} {reason}; it is started again.")

    def _restart(self, service: _Service) -> None:
        self.count_restart(service.name, f"ended with status {service.process.returncode}")
        service.process = _start(*service.arguments)

    def _wait(self, is_done: Callable[[], bool], on_end: Callable[[_Service], None]) -> None:
        while True:
            if not self._stop_requested:
                time.sleep(POLL_SECONDS)
            # Looked at before the services: Ctrl-C ends those that are still starting.
            if self._stop_requested:
                raise Stopped
            if is_done():
                return
            for service in self._services:
                if service.process.poll() is not None:
                    on_end(service)
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
        children = [service.process for service in self._services]
        if self._task is not None:
            children.append(self._task)
        for child in children:
            child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in children:
            try:
                child.wait(max(0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _start(*arguments: str, stdout: int | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 (our own programs)
        [sys.executable, *arguments], cwd=settings.BASE_DIR, text=True, stdout=stdout
    )


def _raise_service_ended(service: _Service) -> None:
    raise ServiceEnded(f"{service.name} ended with status {service.process.returncode}.")
