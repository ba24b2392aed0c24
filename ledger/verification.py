"""Verification: check balances and versions against the transactions, without locks.

The database finds, counts and records (`sql/verification.sql`); the service's role cannot write a
result. What is here carries a verification on from one range of wallets to the next.
"""

import logging
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection
from psycopg.errors import QueryCanceled

from core.cancellation import Cancelled, cancel_when
from core.unit_of_work import snapshot, unit_of_work
from ledger.models import Verification
from ledger.trial_balance import Line, line_of

logger = logging.getLogger(__name__)

#: As many as `ledger_verify_next_range` makes.
RANGES = 64


@dataclass(frozen=True, slots=True)
class Finding:
    """An inconsistent wallet, and the problem."""

    wallet_id: uuid.UUID
    problem: str


def verify_ledger(
    report: Callable[[Finding | Line], object] = lambda fault: None,
    *,
    should_cancel: Callable[[], bool] = lambda: False,
) -> Verification:
    """Verify all wallets and the trial balance, and record the result.

    `report` is called with each finding and each asset that does not balance. The time grows with
    the ledger. When `should_cancel` returns True, raises `Cancelled` and records nothing.
    """
    with cancel_when(should_cancel):
        ((run,),) = _in_unit_of_work("SELECT ledger_begin_verification()")
        for _ in range(RANGES):
            for row in _in_unit_of_work("SELECT * FROM ledger_verify_next_range(%s)", run):
                report(Finding(*row))
        for row in _in_unit_of_work("SELECT * FROM ledger_verify_assets(%s)", run):
            report(line_of(*row))
    finish = "SELECT * FROM ledger_finish_verification(%s)"
    verification = unit_of_work(lambda: Verification.objects.raw(finish, [run])[0])
    if not verification.is_in_order:
        logger.error(
            "The ledger is NOT in order: %s wallets are inconsistent, %s assets do not balance.",
            verification.findings,
            verification.unbalanced_assets,
        )
    return verification


def _in_unit_of_work(sql: str, *values: int) -> list[tuple[Any, ...]]:
    """Run one statement of a verification, however long it takes, and return its rows.

    Raises `Cancelled`: without a timeout, nothing else cancels it.
    """

    def work() -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            try:
                cursor.execute(sql, values)
            except OperationalError as error:
                if isinstance(error.__cause__, QueryCanceled):
                    raise Cancelled from error
                raise
            return list(cursor.fetchall())

    return unit_of_work(work)


def verify_wallets(*, ranges: int = RANGES) -> Iterator[Finding]:
    """Recompute all that follows from the transactions; yield a finding per problem.

    That is every balance and version, what is held, the holds, and the fees and splits of groups.

    Reads the wallets in `ranges` ranges of ids, each in its own snapshot: no transaction waits for
    it, and no snapshot lives long enough to hold vacuum back. Records nothing.
    """
    for bounds in _id_ranges(ranges):
        with snapshot() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SELECT * FROM ledger_findings(%s, %s)", bounds)
            for row in cursor.fetchall():
                yield Finding(*row)


def _id_ranges(ranges: int) -> Iterator[tuple[uuid.UUID, uuid.UUID]]:
    width = 2**128 // ranges
    for index in range(ranges):
        high = 2**128 - 1 if index == ranges - 1 else (index + 1) * width - 1
        yield uuid.UUID(int=index * width), uuid.UUID(int=high)
