"""The log: what was asked, under which key, how often, and what was answered."""

import itertools
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from uuid import UUID

#: Refusals that are on record as a failed transaction, for each effect.
RECORDED = frozenset({"insufficient_funds", "wallet_not_active"})
DUPLICATE = "duplicate_idempotency_key"
#: Begins the message of a 503 which may have committed after all.
UNKNOWN_COMMIT = "The connection to the database broke during the commit"


@dataclass(frozen=True, slots=True)
class Effect:
    """A movement that is asked for, in minor units. None is a system wallet."""

    kind: str
    source: UUID | None
    target: UUID | None
    amount_minor: int
    origin: UUID | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else {}

    @property
    def code(self) -> str:
        """The refusal's code; empty for a success."""
        return str(self.json.get("code", "")) if self.status >= HTTPStatus.BAD_REQUEST else ""

    @property
    def is_success(self) -> bool:
        return self.status < HTTPStatus.BAD_REQUEST

    @property
    def is_final(self) -> bool:
        """Whether it is the service's word; after any other the same is sent again."""
        return self.status != HTTPStatus.SERVICE_UNAVAILABLE

    @property
    def may_have_committed(self) -> bool:
        """Whether a 503 says that it is not known."""
        return str(self.json.get("message", "")).startswith(UNKNOWN_COMMIT)


@dataclass
class Operation:
    """What a caller wants. `effects` are the movements, in order, if it succeeds."""

    id: str
    name: str
    token: str
    path: str
    body: Any
    effects: tuple[Effect, ...] = ()
    method: str = "POST"
    status: int = HTTPStatus.OK
    #: Codes that may refuse it.
    refusals: frozenset[str] = frozenset()
    #: It began after something that was acknowledged: it must be refused.
    must_fail: bool = False
    has_key: bool = True
    key_in_body: bool = False
    is_queued: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    #: The last word, and how often something else came before it.
    answer: Answer | None = None
    ambiguous: int = 0
    #: An attempt may have done it although nobody said so.
    may_be_done: bool = False
    repeats: int = 0

    @property
    def is_acknowledged(self) -> bool:
        return self.answer is not None and self.answer.is_final

    @property
    def is_done(self) -> bool:
        """Whether it was acknowledged as carried out."""
        answer = self.answer
        return answer is not None and (answer.is_success or answer.code == DUPLICATE)


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must hold did not."""

    invariant: str
    text: str


class Log:
    """All operations of a run, and the violations that were found. Safe between threads."""

    def __init__(self, prefix: str) -> None:
        self._numbers = itertools.count(1)
        self._prefix = prefix
        self._lock = threading.Lock()
        self.operations: dict[str, Operation] = {}
        #: Those that were acknowledged or given up since the last check.
        self.settled: list[Operation] = []
        self.violations: list[Violation] = []
        self.statuses: Counter[str] = Counter()
        #: Completed charges, for refunds.
        self.charges: list[Charged] = []

    def new_id(self) -> str:
        """Return the id of a new operation: also its key and the id of its requests."""
        return f"{self._prefix}-{next(self._numbers)}"

    def begin(self, operation: Operation) -> None:
        self.operations[operation.id] = operation

    def settle(self, operation: Operation) -> None:
        """Keep that an operation is over."""
        with self._lock:
            self.settled.append(operation)
            answer = operation.answer
            self.statuses[f"{answer.status} {answer.code}".strip() if answer else "none"] += 1

    def take_settled(self) -> list[Operation]:
        with self._lock:
            taken, self.settled = self.settled, []
        return taken

    def violate(self, invariant: str, text: str) -> None:
        with self._lock:
            self.violations.append(Violation(invariant, text))

    @property
    def acknowledged(self) -> int:
        return sum(1 for operation in self.operations.values() if operation.is_acknowledged)


@dataclass(frozen=True, slots=True)
class Charged:
    """A completed charge, which may be refunded. `operation` is the id of what asked for it."""

    operation: str
    token: str
    company_wallet: UUID
    payer_wallet: UUID
    transaction: UUID
    amount_minor: int
