"""The worker: its services and a customer import, as threads of one process.

The services are the processor, the scheduler, and the release of expired holds.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from threading import Event, Thread

from django.db import connection

logger = logging.getLogger(__name__)

ThreadTarget = Callable[[Event], None]
# How long threads may take to end after a stop; the end of the process kills the others.
SERVICE_STOP_SECONDS = 10
TASK_STOP_SECONDS = 2
POLL_SECONDS = 0.05


class ServiceEnded(Exception):
    """A service of the worker ended by itself. The text names it."""


def run_threads(
    services: Mapping[str, ThreadTarget],
    tasks: Mapping[str, ThreadTarget],
    is_stop_requested: Callable[[], bool],
) -> None:
    """Run services, which do not end, and tasks, which do, each in a thread, until a stop.

    `is_stop_requested` is asked every `POLL_SECONDS`; a signal handler may make it true. A handler
    cannot set an `Event`: that has a lock, which the wait that it interrupts may hold.

    When a service ends early, all threads are stopped: a worker without one of its services would
    look alive. Raises `ServiceEnded` for the first one that ended; the reason is in the log.
    """
    ended: list[str] = []
    stop = Event()

    def run_service(name: str, target: ThreadTarget) -> None:
        _run(name, target, stop)
        if not stop.is_set():
            ended.append(name)
            stop.set()

    service_threads = [_start(run_service, name, target) for name, target in services.items()]
    task_threads = [_start(_run, name, target, stop) for name, target in tasks.items()]
    while not (stop.is_set() or is_stop_requested()):
        time.sleep(POLL_SECONDS)
    stop.set()
    _join(service_threads, SERVICE_STOP_SECONDS)
    _join(task_threads, TASK_STOP_SECONDS)
    if ended:
        raise ServiceEnded(f"{ended[0]} ended by itself.")


def _start(function: Callable[..., None], name: str, *arguments: object) -> Thread:
    thread = Thread(target=function, args=(name, *arguments), name=name, daemon=True)
    thread.start()
    return thread


def _run(name: str, target: ThreadTarget, stop: Event) -> None:
    try:
        target(stop)
    except Exception:
        logger.exception("%s failed.", name)
    finally:
        connection.close()


def _join(threads: Iterable[Thread], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
