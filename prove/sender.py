"""Sends operations until they are settled, and checks each answer against the contract."""

import random
import time
from http import HTTPStatus
from urllib.parse import quote

from prove.caller import Caller
from prove.operations import DUPLICATE, OUTAGE, Answer, KeyLookup, Log, Operation

#: How long an operation may take until it is settled, whatever breaks meanwhile.
SETTLE_SECONDS = 90
_PAUSE_SECONDS = 0.25
#: How often a caller who has lost an answer looks the key up, and how often it gives up.
LOOKED_UP, GIVEN_UP = 0.5, 0.2
#: The statuses after a revocation.
_REVOKED = (401, 403, 404, 409)


class Sender:
    """Sends operations on one connection, and logs the answers."""

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
        """Send it, under its key as often as it takes, until the answer is final.

        With `gives_up`, a caller who loses the answer may leave it to `prove.inquiries`.
        """
        operation.may_be_done |= is_twin
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            answer = self._send(operation)
            operation.answer = answer or operation.answer
            self._check(operation, answer)
            if answer is not None and answer.is_final:
                break
            operation.ambiguous += 1
            operation.may_be_done |= answer is None or answer.may_have_committed
            if not operation.has_key:
                break
            if gives_up and self._chance.random() < GIVEN_UP:
                self._log.abandon(operation)
                return
            if self._chance.random() < LOOKED_UP:
                self._look_up_after_outage(operation)
            if time.monotonic() > deadline:
                self._log.violate("settled", f"{operation}: no final answer")
                break
            time.sleep(self._chance.uniform(0, _PAUSE_SECONDS))
        self._log.settle(operation)
        if operation.ambiguous and operation.has_key:
            self._compare_with_lookup(operation, is_twin=is_twin)

    def look_up(self, operation: Operation) -> KeyLookup | None:
        """Look its key up, as a phone does that has lost the answer.

        Returns None when there was no answer. Once a lookup finds an answer, it must stay the same.
        """
        if not operation.is_kept:
            return None
        path = f"/idempotency/{quote(operation.id, safe='')}"
        answer = self.call("GET", path, operation.token)
        if answer is None or not answer.is_success:
            return None
        found = answer.json
        lookup = KeyLookup(found["state"] == "completed", found["statusCode"], found["body"])
        self._log.count_lookup(lookup)
        if operation.lookup not in (None, lookup):
            self._log.violate("key lookup", f"{operation}: {operation.lookup}, then {lookup}")
        if lookup.is_completed:
            operation.lookup = lookup
        return lookup

    def call(self, method: str, path: str, token: str) -> Answer | None:
        """Make a request that moves nothing."""
        answer = self._caller.call(method, path, token)
        if answer is not None:
            self._check_outage(path, answer)
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
                self._log.violate("same answer", f"{operation}: not marked as a repeat")

    def compare(self, operation: Operation, answer: Answer) -> None:
        """Compare a second answer with the first, if there is one."""
        self._check_outage(operation.name, answer)
        first = operation.answer
        if first is None or not (first.is_final and answer.is_final):
            return
        if not (first.is_kept and answer.is_kept):
            return
        if DUPLICATE in (first.code, answer.code) and operation.key_in_body:
            is_same = operation.is_done and (answer.is_success or answer.code == DUPLICATE)
        else:
            is_same = (first.status, first.body) == (answer.status, answer.body)
        if not is_same:
            answers = " then ".join(f"{each.status} {each.body!r}" for each in (first, answer))
            self._log.violate("same answer", f"{operation}: {answers}")

    def compare_twin(self, operation: Operation, answer: Answer | None) -> None:
        """Compare the answer to an operation's twin; None when there was none.

        Where the operation's own answer is a refusal that leaves the key free, the twin's decides.
        """
        operation.outcomes.append(answer.status if answer else None)
        if answer is not None:
            self.compare(operation, answer)
        first = operation.answer
        if first is None or not first.is_final or first.is_kept:
            return
        if answer is None or not answer.is_final:
            operation.answer = None
        elif answer.is_success:
            operation.answer = answer

    def _look_up_after_outage(self, operation: Operation) -> None:
        """Look its key up: nothing may be kept if each 503 promised that nothing was committed."""
        lookup = self.look_up(operation)
        if lookup is not None and lookup.is_completed and not operation.may_be_done:
            self._log.violate("key lookup", f"{operation}: {lookup}, and only 503 that promised")

    def _compare_with_lookup(self, operation: Operation, *, is_twin: bool) -> None:
        """Look the key of a settled operation up, and compare what is kept with the answer."""
        lookup = self.look_up(operation) or operation.lookup
        answer = operation.answer
        if lookup is None or answer is None or not answer.is_final:
            return
        if is_twin and not answer.is_kept:
            # The twin may still be carried out under the key, which the refusal has left free.
            return
        if not lookup.agrees_with(answer, operation.secrets):
            self._log.violate("key lookup", f"{operation}: {lookup}, {answer}")

    def _send(self, operation: Operation) -> Answer | None:
        answer = self._caller.send(operation)
        operation.outcomes.append(answer.status if answer else None)
        return answer

    def _check(self, operation: Operation, answer: Answer | None) -> None:
        """Check that the answer is one of the contract's."""
        if answer is None:
            return
        if not answer.is_final:
            self._check_outage(operation.name, answer)
            return
        if operation.must_fail:
            invariant = "revocations"
            is_right = not answer.is_success and answer.status in _REVOKED
        else:
            invariant = "statuses"
            is_duplicate = (
                answer.code == DUPLICATE and operation.key_in_body and operation.may_be_done
            )
            is_known = answer.code in operation.refusals or is_duplicate
            is_right = answer.status == operation.status or is_known
        if not is_right:
            self._log.violate(invariant, f"{operation}: {answer.status} {answer.body[:300]!r}")

    def _check_outage(self, name: str, answer: Answer) -> None:
        """Check that a 503 is one of the contract's."""
        if answer.is_final:
            return
        if answer.code != OUTAGE or not answer.headers.get("Retry-After", "").isdecimal():
            self._log.violate("statuses", f"{name}: {answer.headers} {answer.body[:300]!r}")
