"""Those who lost an answer, gave up, and later ask what became of their key.

What they are told has to agree with the books, and with the answer that the next attempt gets.
"""

import random
from collections.abc import Iterable

from prove.caller import Caller
from prove.installation import Installation
from prove.ledger_rows import on_record
from prove.load import SETTLE_SECONDS, Sender
from prove.operations import Log, Operation, ResponseTemplate
from prove.waiting import wait_until


class Inquiries:
    """Asks once the service is back, then settles what was left."""

    def __init__(self, installation: Installation, log: Log, seed: str) -> None:
        self._installation = installation
        self._log = log
        self._chance = random.Random(f"{seed} inquiries")

    def settle_left(self) -> None:
        """Ask for all that was left, hold it against the books, and send each again."""
        left = self._log.take_left()
        caller = Caller(self._installation.port)
        sender = Sender(caller, self._log, self._chance)
        before = self._on_record(left)
        told = {operation.id: self._ask(sender, operation) for operation in left}
        after = self._on_record(left)
        for operation in left:
            self._compare(operation, told[operation.id], before, after)
            sender.settle(operation)
        caller.close()

    def _ask(self, sender: Sender, operation: Operation) -> ResponseTemplate | None:
        answers: list[ResponseTemplate] = []

        def is_told() -> bool:
            told = sender.ask(operation)
            answers.extend([told] if told else [])
            return told is not None

        wait_until(is_told, seconds=SETTLE_SECONDS)
        return answers[0] if answers else None

    def _compare(
        self, operation: Operation, told: ResponseTemplate | None, before: set[str], after: set[str]
    ) -> None:
        """Hold what was told against the books: as they were before, and as they were after."""
        if told is None:
            problem = "nobody tells what became of it"
        elif not told.is_completed and operation.id in before:
            problem = "unknown, although it was on record"
        elif told.is_success and operation.effects and operation.id not in after:
            problem = f"{told}, although nothing is on record"
        else:
            return
        self._log.violate("told of a key", f"{operation.name} {operation.id}: {problem}")

    def _on_record(self, operations: Iterable[Operation]) -> set[str]:
        ids = [operation.id for operation in operations]
        if not ids:
            return set()
        with self._installation.connect() as connection:
            return on_record(connection, ids)
