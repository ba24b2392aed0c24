"""Injects a clock and failpoints into a process of the service before it begins.

They wrap interfaces that hardly change: the driver's `execute` and `commit`, and the WSGI answer.
"""

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from weakref import WeakSet

import psycopg
from django.utils import timezone
from psycopg.pq import TransactionStatus

from prove.switches import VARIABLE, Failpoint, Switches

#: A statement that moves money contains one of these.
MONEY = ("ledger_post", "pay_request_once")
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def install(name: str) -> Switches:
    """Inject all. PostgreSQL knows the process by `name` and its process id."""
    os.environ["PGAPPNAME"] = f"{name} {os.getpid()}"
    switches = Switches(Path(os.environ[VARIABLE]))
    _shift_clock(switches)
    _install_failpoints(switches)
    return switches


def with_failpoint(application: Application, switches: Switches) -> Application:
    """Return the application, which can kill its process in the middle of an answer."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = application(environ, start_response)
        if environ["REQUEST_METHOD"] == "POST" and switches.take(Failpoint.IN_ANSWER):
            return _halved(body, environ["gunicorn.socket"].send)
        return body

    return answer


def _halved(body: Iterable[bytes], send: Callable[[], None]) -> Iterator[bytes]:
    whole = b"".join(body)
    yield whole[: len(whole) // 2]
    send()
    _die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _shift_clock(switches: Switches) -> None:
    """Shift the time of day. Durations stay right."""
    right_time, right_now = time.time, timezone.now

    def wrong_time() -> float:
        return right_time() + switches.clock_offset

    def wrong_now() -> datetime:
        return right_now() + timedelta(seconds=switches.clock_offset)

    time.time = wrong_time
    timezone.now = wrong_now


def _install_failpoints(switches: Switches) -> None:
    execute, commit = psycopg.Cursor.execute, psycopg.Connection.commit
    has_moved: WeakSet[psycopg.Connection[Any]] = WeakSet()

    def failing_execute(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        is_money = isinstance(query, str) and any(name in query for name in MONEY)
        if is_money and switches.take(Failpoint.BEFORE_STATEMENT):
            _die()
        result = execute(cursor, query, *arguments, **options)
        if is_money:
            if cursor.connection.info.transaction_status != TransactionStatus.IDLE:
                has_moved.add(cursor.connection)
            elif switches.take(Failpoint.AFTER_COMMIT):
                _die()
        return result

    def failing_commit(connection: Any) -> None:
        is_money = connection in has_moved
        has_moved.discard(connection)
        if is_money and switches.take(Failpoint.BEFORE_COMMIT):
            _die()
        commit(connection)
        if is_money and switches.take(Failpoint.AFTER_COMMIT):
            _die()

    psycopg.Cursor.execute = failing_execute  # type: ignore[assignment, method-assign]
    psycopg.Connection.commit = failing_commit  # type: ignore[assignment, method-assign]
