"""The worker: the processor of the queue and the scheduler, side by side in one process."""

import logging
import time
from collections.abc import Callable, Mapping
from threading import Event, Thread

from django.db import connection

logger = logging.getLogger(__name__)

Part = Callable[[Event], None]
#: What the parts get to end, once they are asked to. Whoever takes longer dies with the process.
STOP_SECONDS = 10


class PartEnded(Exception):
    """A part of the worker ended by itself. Its text names it."""


def run_together(parts: Mapping[str, Part], stop: Event) -> None:
    """Run the parts, each in a thread, until `stop` is set; then wait for them.

    A part that ends before makes all of them end: half a worker would look alive and not work.
    Raises `PartEnded` for the first that did; what it died of is in the log.
    """
    ended: list[str] = []

    def run(name: str, part: Part) -> None:
        try:
            part(stop)
        except Exception:
            logger.exception("%s broke.", name)
        finally:
            connection.close()
            if not stop.is_set():
                ended.append(name)
                stop.set()

    threads = [Thread(target=run, args=each, name=each[0], daemon=True) for each in parts.items()]
    for thread in threads:
        thread.start()
    stop.wait()
    deadline = time.monotonic() + STOP_SECONDS
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    if ended:
        raise PartEnded(f"{ended[0]} ended by itself.")
