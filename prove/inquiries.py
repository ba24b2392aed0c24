"""Callers who lost an answer, gave up, and look their key up when the load is over.

What they find has to agree with the books, and with the answer that the next attempt gets.
"""

import random
from collections.abc import Iterable

from harness.waiting import poll
from prove.caller import Caller
from prove.installation import BreakableInstallation
from prove.ledger_rows import on_record
from prove.operations import KeyLookup, Log, Operation
from prove.sender import SETTLE_SECONDS, Sender


class Inquiries:
    """Looks keys up once the service is back, then settles the operations."""

    def __init__(self, installation: BreakableInstallation, log: Log, seed: str) -> None:
        self._installation = installation
        self._log = log
        self._chance = random.Random(f"{seed} inquiries")

    def settle_abandoned(self) -> None:
        """Look all abandoned keys up, compare with the books, and send each operation again."""
        abandoned = self._log.take_abandoned()
        caller = Caller(self._installation.port)
        sender = Sender(caller, self._log, self._chance)
        before = self._on_record(abandoned)
        lookups = {operation.id: _look_up(sender, operation) for operation in abandoned}
        after = self._on_record(abandoned)
        for operation in abandoned:
            problem = _problem(operation, lookups[operation.id], before, after)
            if problem:
                self._log.violate("key lookup", f"{operation}: {problem}")
            sender.settle(operation)
        caller.close()

    def _on_record(self, operations: Iterable[Operation]) -> set[str]:
        ids = [operation.id for operation in operations]
        if not ids:
            return set()
        with self._installation.connect() as connection:
            return on_record(connection, ids)


def _look_up(sender: Sender, operation: Operation) -> KeyLookup | None:
    lookups: list[KeyLookup | None] = []

    def is_answered() -> bool:
        lookups.append(sender.look_up(operation))
        return lookups[-1] is not None

    poll(is_answered, seconds=SETTLE_SECONDS)
    return lookups[-1]


def _problem(
    operation: Operation, lookup: KeyLookup | None, before: set[str], after: set[str]
) -> str:
    """Compare a lookup with what was on record before and after it. Returns what is wrong."""
    if lookup is None:
        return "no lookup was answered"
    if not lookup.is_completed and operation.id in before:
        return "unknown, although it was on record"
    if lookup.is_success and operation.effects and operation.id not in after:
        return f"{lookup}, although nothing is on record"
    return ""
