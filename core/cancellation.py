"""Breaking off what takes hours, in the middle of a statement: its worker stops, for one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from django.db import connections
from psycopg import Error

from core.replica import current_alias

#: How soon the end is noticed.
_POLL_SECONDS = 0.2
_CANCEL_SECONDS = 1


class Cancelled(Exception):
    """What the block did is not whole."""


@contextmanager
def cancel_when(is_over: Callable[[], bool]) -> Iterator[None]:
    """Cancel the block's statement once `is_over` says so, and the next ones; raise `Cancelled`.

    Of the statements of this thread, on the connection that reads go to. `is_over` is called in
    another thread, often.
    """
    database = connections[current_alias()]
    ended = Event()

    def watch() -> None:
        # Again and again: a cancellation between two statements meets none.
        while not ended.wait(_POLL_SECONDS):
            if is_over() and database.connection is not None:
                try:
                    database.connection.cancel_safe(timeout=_CANCEL_SECONDS)
                except Error:
                    continue

    watcher = Thread(target=watch, name="Breaks off", daemon=True)
    watcher.start()
    try:
        yield
    except Exception as error:
        if is_over():
            raise Cancelled from error
        raise
    finally:
        ended.set()
        watcher.join()
    if is_over():
        raise Cancelled
