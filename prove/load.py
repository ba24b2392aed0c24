"""Callers that send operations until each is settled: acknowledged, or known not to be knowable."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from prove.caller import Caller
from prove.operations import DUPLICATE, Answer, Charged, Log, Operation

CALLERS = 20
#: How long an operation may take until somebody has settled it, whatever breaks meanwhile.
SETTLE_SECONDS = 90
_PAUSE_SECONDS = 0.25
#: How often a caller repeats an old operation, or sends a new one twice at once.
REPEATED, TWICE = 0.12, 0.04
#: How often a caller runs an errand: several operations, each begun after the one before.
ERRANDS = 0.02
#: Makes the next operation, or says that there is none left.
Source = Callable[[random.Random], Operation | None]
Errand = Callable[["Sender", random.Random], None]


class Load:
    """Runs sources of operations with many callers at once."""

    def __init__(self, port: int, log: Log, seed: str, *, callers: int = CALLERS) -> None:
        self._log = log
        self._port = port
        self._seed = seed
        self._callers = callers
        self._rounds = 0
        self.errands: Sequence[Errand] = ()
        self._is_over = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, source: Source) -> None:
        """Let all callers send what the source makes."""
        self._rounds += 1
        self._is_over.clear()
        self._threads = [
            threading.Thread(
                target=self._call,
                args=(source, random.Random(f"{self._seed} {self._rounds} {number}")),
                daemon=True,
            )
            for number in range(self._callers)
        ]
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Begin nothing new, and return once all that was begun is settled."""
        self._is_over.set()
        self.wait()

    def wait(self) -> None:
        """Return once the source has nothing left and all is settled."""
        for thread in self._threads:
            thread.join(2 * SETTLE_SECONDS)
            if thread.is_alive():
                self._log.violate("settled", "a caller is still waiting for an answer")
        self._threads = []

    def _call(self, source: Source, chance: random.Random) -> None:
        caller = Caller(self._port)
        sender = Sender(caller, self._log, chance)
        old: list[Operation] = []
        try:
            while not self._is_over.is_set():
                if old and chance.random() < REPEATED:
                    sender.repeat(chance.choice(old))
                    continue
                if self.errands and chance.random() < ERRANDS:
                    chance.choice(self.errands)(sender, chance)
                    continue
                operation = source(chance)
                if operation is None:
                    return
                self._log.begin(operation)
                if operation.has_key and chance.random() < TWICE:
                    self._send_twice(sender, operation)
                else:
                    sender.settle(operation)
                if operation.has_key and operation.is_acknowledged:
                    old.append(operation)
        finally:
            caller.close()

    def _send_twice(self, sender: "Sender", operation: Operation) -> None:
        """Send it from two connections at once: one may move money, the other waits."""
        other = Caller(self._port)
        with ThreadPoolExecutor(1) as pool:
            second = pool.submit(other.send, operation)
            sender.settle(operation, is_twin=True)
            answer = second.result()
        other.close()
        if answer is not None and answer.is_final:
            sender.compare(operation, answer)


class Sender:
    """Sends operations and keeps what was answered."""

    def __init__(self, caller: Caller, log: Log, chance: random.Random) -> None:
        self._caller = caller
        self._log = log
        self._chance = chance

    def settle(self, operation: Operation, *, is_twin: bool = False) -> None:
        """Send it, under its key as often as it takes, until the service has the last word."""
        operation.may_be_done = is_twin
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            answer = self._caller.send(operation)
            operation.answer = answer or operation.answer
            self._look_at(operation, answer)
            if answer is not None and answer.is_final:
                break
            operation.ambiguous += 1
            operation.may_be_done |= answer is None or answer.may_have_committed
            if not operation.has_key:
                break
            if time.monotonic() > deadline:
                self._log.violate("settled", f"{operation.name} {operation.id} finds no end")
                break
            time.sleep(self._chance.uniform(0, _PAUSE_SECONDS))
        self._remember(operation)
        self._log.settle(operation)

    def call(self, method: str, path: str, token: str) -> Answer | None:
        """Make a request that moves nothing."""
        return self._caller.call(method, path, token)

    def repeat(self, operation: Operation) -> None:
        """Send an acknowledged one again: the answer has to be the same."""
        answer = self._caller.send(operation)
        if answer is None or not answer.is_final:
            return
        operation.repeats += 1
        self.compare(operation, answer)

    def compare(self, operation: Operation, answer: Answer) -> None:
        """Hold a second answer against the first."""
        first = operation.answer
        if first is None or not first.is_final:
            return
        if DUPLICATE in (first.code, answer.code) and operation.key_in_body:
            is_same = operation.is_done and (answer.is_success or answer.code == DUPLICATE)
        else:
            is_same = (first.status, first.body) == (answer.status, answer.body)
        if not is_same:
            self._log.violate(
                "same answer",
                f"{operation.name} {operation.id}: {first.status} {first.body!r}, then"
                f" {answer.status} {answer.body!r}",
            )

    def _look_at(self, operation: Operation, answer: Answer | None) -> None:
        """Check that the answer is one that the contract knows."""
        if answer is None:
            return
        if not answer.is_final:
            if not answer.headers.get("Retry-After", "").isdecimal():
                self._log.violate("statuses", f"{operation.name}: a 503 without Retry-After")
            return
        if operation.must_fail:
            if answer.is_success or answer.status not in _FAREWELLS:
                self._log.violate(
                    "farewells", f"{operation.name} {operation.id}: {answer.status} {answer.body!r}"
                )
            return
        is_duplicate = answer.code == DUPLICATE and operation.key_in_body and operation.may_be_done
        is_known = answer.code in operation.refusals or is_duplicate
        if answer.status != operation.status and not is_known:
            self._log.violate(
                "statuses",
                f"{operation.name} {operation.id}: {answer.status} {answer.body[:300]!r}",
            )

    def _remember(self, operation: Operation) -> None:
        """Keep charges that were carried out: they can be refunded."""
        answer = operation.answer
        if operation.name != "charge" or answer is None or not answer.is_success:
            return
        [effect] = operation.effects
        if effect.source is not None and effect.target is not None:
            self._log.charges.append(
                Charged(
                    operation.id,
                    operation.token,
                    effect.target,
                    effect.source,
                    UUID(answer.json["transaction"]),
                    effect.amount_minor,
                )
            )


#: What whoever has left, or whose wallet is frozen, is answered.
_FAREWELLS = (401, 404, 409)
