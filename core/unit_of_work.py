"""The unit of work: the only place that opens a database transaction.

All code that writes money runs inside one and requires it; no other module calls `atomic`.
`lock_timeout` and `statement_timeout` are set on every connection of the web (`config.database`),
or behind a pooler in every unit of work, so a request cannot wait for ever.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import (
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    connection,
    connections,
    transaction,
)
from django.db.backends.utils import CursorWrapper
from psycopg import errors as pg
from psycopg_pool import PoolTimeout

from core import metrics
from core.connections.prepared import prepared_cursor
from core.errors import CommitUnknown, Refusal, Unavailable
from core.replica import current_alias

Result = TypeVar("Result")
P = ParamSpec("P")
logger = logging.getLogger(__name__)

ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 0.01
_RETRIED = (pg.DeadlockDetected, pg.SerializationFailure)
#: The server ended the session because of a timeout.
_SESSION_TIMEOUTS = (pg.IdleInTransactionSessionTimeout, pg.TransactionTimeout)
#: What psycopg makes internal errors. Only to read: the primary has become a standby.
_UNAVAILABLE = (*_SESSION_TIMEOUTS, pg.ReadOnlySqlTransaction)
_REASONS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (pg.LockNotAvailable, "lock_timeout"),
    (pg.QueryCanceled, "statement_timeout"),
    (_RETRIED, "deadlock"),
    (_SESSION_TIMEOUTS, "session_timeout"),
    (pg.ReadOnlySqlTransaction, "read_only"),
    (PoolTimeout, "pool"),
)
#: The server reports that it ends the session. A commit in progress may or may not have happened.
_SHUTDOWNS = (pg.AdminShutdown, pg.CrashShutdown)
_CONSTRAINT_REFUSALS: dict[str, type[Refusal]] = {}


def unit_of_work(work: Callable[[], Result]) -> Result:
    """Run `work` in one database transaction and return its result once that is committed.

    A refusal that is `recorded` commits what `work` has written (the failed attempt), then is
    raised. Any other exception rolls back. `work` may run several times: deadlocks and
    serialization failures are retried with jitter, at most `ATTEMPTS` times.

    Raises `Unavailable` when the database is unavailable, a lock or a statement took too long, or
    the attempts are used up, and the refusal of a violated constraint (`refuse_on_constraint`).
    """
    return _with_retries(partial(_attempt, work))


def execute_autocommitted(sql: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
    """Run one statement that is a unit of work by itself; return its row, None without one.

    This takes one round trip instead of a whole unit of work. Behind a pooler it opens a unit of
    work all the same, because that sets the timeouts. Raises as `unit_of_work` does, and
    `CommitUnknown` when the connection broke while the statement ran.
    """
    if connection.in_atomic_block:
        raise RuntimeError("This statement commits by itself: not inside a unit of work.")
    if settings.TRANSACTION_TIMEOUTS:
        return unit_of_work(lambda: _execute(sql, values))
    return _with_retries(partial(_execute_and_commit, sql, values))


def _with_retries(run: Callable[[], Result]) -> Result:
    for attempt in range(ATTEMPTS):
        try:
            return run()
        except IntegrityError as error:
            refusal = _constraint_refusal(error)
            if refusal is None:
                raise
            raise refusal() from error
        except (OperationalError, InterfaceError, InternalError) as error:
            if isinstance(error, InternalError) and not isinstance(error.__cause__, _UNAVAILABLE):
                raise
            if not isinstance(error.__cause__, _RETRIED) or attempt == ATTEMPTS - 1:
                reason = _reason(error)
                metrics.UNITS_GIVEN_UP.labels(reason).inc()
                logger.warning("A unit of work was given up (%s): %s", reason, error)
                raise Unavailable from error
            metrics.UNITS_RETRIED.inc()
            time.sleep(random.uniform(0, _FIRST_PAUSE_SECONDS * 2**attempt))  # noqa: S311
    raise AssertionError("the loop returns or raises")


@contextmanager
def snapshot() -> Iterator[CursorWrapper]:
    """Open a read-only REPEATABLE READ transaction: one unchanging view of the whole database.

    It reads from the replica inside `core.replica.use_replica`.
    """
    alias = current_alias()
    with transaction.atomic(using=alias, durable=True), connections[alias].cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield cursor


class UnitOfWorkRequired(RuntimeError):
    """Something that writes was called outside a unit of work: a fault of the code that called."""


def requires_unit_of_work(function: Callable[P, Result]) -> Callable[P, Result]:
    """Let a function run inside a unit of work only; outside it raises `UnitOfWorkRequired`."""

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> Result:
        if not connection.in_atomic_block:
            what = function.__qualname__
            raise UnitOfWorkRequired(f"{what} requires a unit of work: see core.unit_of_work.")
        return function(*args, **kwargs)

    return checked


@requires_unit_of_work
def roll_back_always(work: Callable[[], Result]) -> Result:
    """Run `work`, undo all that it did, and return its result; the unit of work goes on.

    The locks that it took are released, and what it wanted done after the commit is not done.
    """
    with transaction.atomic():
        result = work()
        transaction.set_rollback(True)
    return result


def refuse_on_constraint(name: str, refusal: type[Refusal]) -> None:
    """Let a unit of work that violates the database constraint `name` raise `refusal`.

    Checks in Python come first and give more detail; the constraint decides when requests race.
    """
    _CONSTRAINT_REFUSALS[name] = refusal


def _reason(error: Exception) -> str:
    cause = error.__cause__
    return next((reason for kinds, reason in _REASONS if isinstance(cause, kinds)), "connection")


def _constraint_refusal(error: IntegrityError) -> type[Refusal] | None:
    cause = error.__cause__
    name = cause.diag.constraint_name if isinstance(cause, pg.Error) else None
    return _CONSTRAINT_REFUSALS.get(name or "")


def _set_timeouts() -> None:
    timeouts = settings.TRANSACTION_TIMEOUTS.items()
    with connection.cursor() as cursor:
        cursor.execute(";".join(f"SET LOCAL {name} = {value}" for name, value in timeouts))


def _execute(sql: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
    with prepared_cursor() as cursor:
        cursor.execute(sql, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def _execute_and_commit(sql: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
    # When this fails, no statement was sent.
    connection.ensure_connection()
    try:
        return _execute(sql, values)
    except (OperationalError, InterfaceError) as error:
        if _is_reported_by_server(error):
            raise
        raise CommitUnknown from error


def _is_reported_by_server(error: Exception) -> bool:
    """Whether the server itself reported the failure, so that nothing can have committed."""
    cause = error.__cause__
    sqlstate = cause.sqlstate if isinstance(cause, pg.Error) else None
    return sqlstate is not None and not isinstance(cause, _SHUTDOWNS)


def _attempt(work: Callable[[], Result]) -> Result:
    refusal: Refusal | None = None
    is_committing = False
    try:
        with transaction.atomic(durable=True):
            if settings.TRANSACTION_TIMEOUTS:
                _set_timeouts()
            try:
                result = work()
            except Refusal as refused:
                if not refused.recorded:
                    raise
                refusal = refused
            is_committing = True
    except (OperationalError, InterfaceError) as error:
        if is_committing and not isinstance(error.__cause__, _RETRIED):
            raise CommitUnknown from error
        raise
    if refusal is not None:
        raise refusal
    return result
