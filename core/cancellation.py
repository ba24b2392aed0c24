"""Cancel work that takes hours, even in the middle of a statement: when its worker stops."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from django.db import connections
from psycopg import Error

from core.replica import current_alias

#: How often `should_cancel` is called.
_POLL_SECONDS = 0.2
_CANCEL_SECONDS = 1


class Cancelled(Exception):
    """The block was cancelled; its work is incomplete."""


@contextmanager
def cancel_when(should_cancel: Callable[[], bool]) -> Iterator[None]:
    """Cancel the block's statements as soon as `should_cancel` returns True; raise `Cancelled`.

    This covers the statements of this thread on the connection that reads use. `should_cancel` is
    called in another thread, several times a second.
    """
    database = connections[current_alias()]
    is_finished = Event()

    def watch() -> None:
        # Repeated: a cancellation that arrives between two statements has no effect.
        while not is_finished.wait(_POLL_SECONDS):
            if should_cancel() and database.connection is not None:
                try:
                    database.connection.cancel_safe(timeout=_CANCEL_SECONDS)
                except Error:
                    continue

    watcher = Thread(target=watch, name="Cancellation", daemon=True)
    watcher.start()
    try:
        yield
    except Exception as error:
        if should_cancel():
            raise Cancelled from error
        raise
    finally:
        is_finished.set()
        watcher.join()
    if should_cancel():
        raise Cancelled
