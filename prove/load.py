"""Callers that send operations until each is settled: acknowledged, or known not to be knowable."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote
from uuid import UUID

from prove.caller import Caller
from prove.operations import DUPLICATE, OUTAGE, Answer, Charged, Log, Operation, ResponseTemplate

CALLERS = 20
#: How long an operation may take until somebody has settled it, whatever breaks meanwhile.
SETTLE_SECONDS = 90
_PAUSE_SECONDS = 0.25
#: How often a caller repeats an old operation, or sends a new one twice at once.
REPEATED, TWICE = 0.12, 0.04
#: How often a caller connects anew: as long as a connection lasts, one worker serves it.
CONNECTED_ANEW = 0.05
#: How often one who has lost an answer asks what became of the key, and how often one gives up.
ASKED, GIVEN_UP = 0.5, 0.2
#: Makes the next operation, or says that there is none left.
Source = Callable[[random.Random], Operation | None]
Errand = Callable[["Sender", random.Random], None]


@dataclass(frozen=True)
class Errands:
    """What callers do besides: several requests each, every one begun after the one before.

    `share`: how much of what a caller does is an errand.
    """

    each: tuple[Errand, ...] = ()
    share: float = 0.02


NO_ERRANDS = Errands()


class Load:
    """Runs sources of operations with many callers at once."""

    def __init__(
        self,
        port: int,
        log: Log,
        seed: str,
        *,
        callers: int = CALLERS,
        errands: Errands = NO_ERRANDS,
    ) -> None:
        self._log = log
        self._port = port
        self._seed = seed
        self._callers = callers
        self._errands = errands
        self._rounds = 0
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
        """Return once the source has nothing left, and all is settled or was given up."""
        for thread in self._threads:
            thread.join(2 * SETTLE_SECONDS)
            if thread.is_alive():
                self._log.violate("settled", "a caller is still waiting for an answer")
        self._threads = []

    def _call(self, source: Source, chance: random.Random) -> None:
        caller = Caller(self._port)
        try:
            self._send_all(source, Sender(caller, self._log, chance), chance)
        except Exception as error:  # nobody else would hear of it
            self._log.violate("settled", f"a caller broke down: {error!r}")
        finally:
            caller.close()

    def _send_all(self, source: Source, sender: "Sender", chance: random.Random) -> None:
        old: list[Operation] = []
        while not self._is_over.is_set():
            if chance.random() < CONNECTED_ANEW:
                sender.connect_anew()
            if old and chance.random() < REPEATED:
                sender.repeat(chance.choice(old))
                continue
            if self._errands.each and chance.random() < self._errands.share:
                chance.choice(self._errands.each)(sender, chance)
                continue
            operation = source(chance)
            if operation is None:
                return
            self._log.begin(operation)
            if operation.has_key and chance.random() < TWICE:
                self._send_twice(sender, operation)
            else:
                sender.settle(operation, gives_up=True)
            if operation.has_key and operation.is_acknowledged:
                old.append(operation)

    def _send_twice(self, sender: "Sender", operation: Operation) -> None:
        """Send it from two connections at once: one may move money, the other waits."""
        other = Caller(self._port)
        with ThreadPoolExecutor(1) as pool:
            second = pool.submit(other.send, operation)
            sender.settle(operation, is_twin=True)
            answer = second.result()
        other.close()
        operation.outcomes.append(answer.status if answer else None)
        if answer is not None:
            sender.compare(operation, answer)


class Sender:
    """Sends operations and keeps what was answered."""

    def __init__(self, caller: Caller, log: Log, chance: random.Random) -> None:
        self._caller = caller
        self._log = log
        self._chance = chance

    def connect_anew(self) -> None:
        """Let the next request reach another worker, perhaps."""
        self._caller.close()

    def settle(
        self, operation: Operation, *, is_twin: bool = False, gives_up: bool = False
    ) -> None:
        """Send it, under its key as often as it takes, until the service has the last word.

        One who loses the answer and `gives_up` may leave it to `prove.inquiries`.
        """
        operation.may_be_done |= is_twin
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            answer = self._send(operation)
            operation.answer = answer or operation.answer
            self._look_at(operation, answer)
            if answer is not None and answer.is_final:
                break
            operation.ambiguous += 1
            operation.may_be_done |= answer is None or answer.may_have_committed
            if not operation.has_key:
                break
            if gives_up and self._chance.random() < GIVEN_UP:
                self._log.leave(operation)
                return
            if self._chance.random() < ASKED:
                self.ask(operation)
            if time.monotonic() > deadline:
                self._log.violate("settled", f"{_named(operation)} finds no end")
                break
            time.sleep(self._chance.uniform(0, _PAUSE_SECONDS))
        self._remember(operation)
        self._log.settle(operation)
        if operation.ambiguous and operation.has_key:
            told = self.ask(operation) or operation.told
            self._hold_to(operation, told)

    def ask(self, operation: Operation) -> ResponseTemplate | None:
        """Ask what became of its key, as a phone does that has lost the answer.

        Returns what was told; None when there was no answer. What was answered once stays so.
        """
        if not operation.is_kept:
            return None
        path = f"/idempotency/{quote(operation.id, safe='')}"
        answer = self.call("GET", path, operation.token)
        if answer is None or not answer.is_success:
            return None
        said = answer.json
        told = ResponseTemplate(said["state"] == "completed", said["statusCode"], said["body"])
        self._log.tell(told)
        if operation.told not in (None, told):
            self._log.violate(
                "told of a key", f"{_named(operation)}: {operation.told}, then {told}"
            )
        if told.is_completed:
            operation.told = told
        return told

    def _send(self, operation: Operation) -> Answer | None:
        answer = self._caller.send(operation)
        operation.outcomes.append(answer.status if answer else None)
        return answer

    def _hold_to(self, operation: Operation, told: ResponseTemplate | None) -> None:
        """Check that the service has kept to what it told of the key."""
        if told is None or operation.answer is None or not operation.is_acknowledged:
            return
        if not told.agrees_with(operation.answer):
            self._log.violate("told of a key", f"{_named(operation)}: {told}, {operation.answer}")

    def call(self, method: str, path: str, token: str) -> Answer | None:
        """Make a request that moves nothing."""
        answer = self._caller.call(method, path, token)
        if answer is not None:
            self._look_at_outage(path, answer)
            if answer.is_final and answer.status != HTTPStatus.OK:
                self._log.violate("statuses", f"{path}: {answer.status} {answer.body[:300]!r}")
        return answer

    def repeat(self, operation: Operation) -> None:
        """Send an acknowledged one again: the answer has to be the same."""
        answer = self._send(operation)
        if answer is not None:
            operation.repeats += answer.is_final
            self.compare(operation, answer)
            if answer.is_final and answer.code != DUPLICATE and not answer.is_replayed:
                self._log.violate("same answer", f"{_named(operation)}: not told as a repeat")

    def compare(self, operation: Operation, answer: Answer) -> None:
        """Hold a second answer against the first, if it is one."""
        self._look_at_outage(operation.name, answer)
        first = operation.answer
        if first is None or not (first.is_final and answer.is_final):
            return
        if DUPLICATE in (first.code, answer.code) and operation.key_in_body:
            is_same = operation.is_done and (answer.is_success or answer.code == DUPLICATE)
        else:
            is_same = (first.status, first.body) == (answer.status, answer.body)
        if not is_same:
            self._log.violate(
                "same answer",
                f"{_named(operation)}: {first.status} {first.body!r}, then"
                f" {answer.status} {answer.body!r}",
            )

    def _look_at(self, operation: Operation, answer: Answer | None) -> None:
        """Check that the answer is one that the contract knows."""
        if answer is None:
            return
        if not answer.is_final:
            self._look_at_outage(operation.name, answer)
            return
        if operation.must_fail:
            if answer.is_success or answer.status not in _FAREWELLS:
                self._log.violate(
                    "farewells", f"{_named(operation)}: {answer.status} {answer.body!r}"
                )
            return
        is_duplicate = answer.code == DUPLICATE and operation.key_in_body and operation.may_be_done
        is_known = answer.code in operation.refusals or is_duplicate
        if answer.status != operation.status and not is_known:
            self._log.violate(
                "statuses",
                f"{_named(operation)}: {answer.status} {answer.body[:300]!r}",
            )

    def _look_at_outage(self, name: str, answer: Answer) -> None:
        """Check that a 503 is one of those that the contract knows."""
        if answer.is_final:
            return
        if answer.code != OUTAGE or not answer.headers.get("Retry-After", "").isdecimal():
            self._log.violate("statuses", f"{name}: {answer.headers} {answer.body[:300]!r}")

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


def _named(operation: Operation) -> str:
    return f"{operation.name} {operation.id}"


#: What whoever has left, or whose wallet is frozen, is answered.
_FAREWELLS = (401, 404, 409)
