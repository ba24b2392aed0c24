"""How many passwords are hashed at once.

One hash by Argon2 takes 100 MiB of memory and as many as eight threads of its own. Without a bound,
a few dozen log-ins at once take more memory than the container has.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection

from core.errors import Unavailable
from core.unit_of_work import unit_of_work

Result = TypeVar("Result")
logger = logging.getLogger(__name__)

#: In each process. Two would not be faster: one hash already uses several processors.
HASHES_AT_ONCE = 1
#: As long as a request waits for a lock, unless it is told otherwise.
WAIT_SECONDS = 5.0


class HashingBusy(Unavailable):
    message = "Too many passwords are being checked right now; nothing was changed. Send it again."


class _Turns:
    """A semaphore that serves in the order of arrival, so that none waits while others overtake."""

    def __init__(self, turns: int) -> None:
        self._lock = threading.Lock()
        self._free = turns
        self._waiting: deque[threading.Event] = deque()

    def take(self, before_wait: Callable[[], None]) -> bool:
        """Take a turn; return False when there is none for `WAIT_SECONDS`."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            if len(self._waiting) >= settings.MOST_WAITING_FOR_HASHES:
                return False
            is_mine = threading.Event()
            self._waiting.append(is_mine)
        try:
            before_wait()
            is_mine.wait(WAIT_SECONDS)
        except BaseException:
            if not self._leave(is_mine):
                self.give_back()
            raise
        return not self._leave(is_mine)

    def _leave(self, is_mine: threading.Event) -> bool:
        """Wait no longer; return False when it is one's turn already."""
        with self._lock:
            if is_mine.is_set():
                return False
            self._waiting.remove(is_mine)
            return True

    def give_back(self) -> None:
        """Give the turn to the first who waits."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)


_turns = _Turns(HASHES_AT_ONCE)
_here = threading.local()


class BoundedArgon2PasswordHasher(Argon2PasswordHasher):
    """Django's hasher, with a bound for concurrent hashes. It raises `HashingBusy`."""

    def encode(self, password: str, salt: str) -> str:
        with _turn():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _turn():
            return super().verify(password, encoded)


def hashing_unit_of_work(work: Callable[[], Result]) -> Result:
    """Run a unit of work that hashes a password.

    It waits for its turn before it opens the database transaction, so that those who wait hold no
    connection and no lock. Raises `HashingBusy` and what `unit_of_work` raises.
    """
    with _turn():
        return unit_of_work(work)


@contextmanager
def _turn() -> Iterator[None]:
    """Hold one of the turns of this process; inside another one of this thread, do nothing.

    Raises `HashingBusy` when there is none in time.
    """
    if getattr(_here, "has_turn", False):
        yield
        return
    if not _turns.take(before_wait=_give_back_connection):
        logger.warning("A password was not hashed: too many were waiting.")
        raise HashingBusy
    _here.has_turn = True
    try:
        yield
    finally:
        _here.has_turn = False
        _turns.give_back()


def _give_back_connection() -> None:
    """Return the thread's connection to the pool: others need it more than one who waits."""
    if not connection.in_atomic_block:
        connection.close()
