"""The worker: processor, scheduler and an import of customers, side by side in one process."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from threading import Event, Thread

from django.db import connection

logger = logging.getLogger(__name__)

Part = Callable[[Event], None]
# What they get to end once they are asked to. Who takes longer dies with the process.
SERVICE_STOP_SECONDS = 10
TASK_STOP_SECONDS = 2


class ServiceEnded(Exception):
    """A service of the worker ended by itself. Its text names it."""


def run_together(services: Mapping[str, Part], tasks: Mapping[str, Part], stop: Event) -> None:
    """Run services, which do not end, and tasks, which do, each in a thread, until `stop` is set.

    A service that ends before makes all of them end: half a worker would look alive and not work.
    Raises `ServiceEnded` for the first that did; what it died of is in the log.
    """
    ended: list[str] = []

    def run_service(name: str, part: Part) -> None:
        _run(name, part, stop)
        if not stop.is_set():
            ended.append(name)
            stop.set()

    running = [_start(run_service, name, part) for name, part in services.items()]
    passing = [_start(_run, name, part, stop) for name, part in tasks.items()]
    stop.wait()
    _join(running, SERVICE_STOP_SECONDS)
    _join(passing, TASK_STOP_SECONDS)
    if ended:
        raise ServiceEnded(f"{ended[0]} ended by itself.")


def _start(target: Callable[..., None], name: str, *arguments: object) -> Thread:
    thread = Thread(target=target, args=(name, *arguments), name=name, daemon=True)
    thread.start()
    return thread


def _run(name: str, part: Part, stop: Event) -> None:
    try:
        part(stop)
    except Exception:
        logger.exception("%s broke.", name)
    finally:
        connection.close()


def _join(threads: Iterable[Thread], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
