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
#: The one code of a 503.
OUTAGE = "unavailable"
#: Begins the message of a 503 which may have committed after all.
UNKNOWN_COMMIT = "The connection to the database broke during the commit"


#: Stands for the wallet that an operation opens, whose id only the answer tells.
OPENED = UUID(int=0)


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
    def is_replayed(self) -> bool:
        """Whether it says of itself that it was given before."""
        return self.headers.get("Idempotent-Replayed") == "true"

    @property
    def may_have_committed(self) -> bool:
        """Whether a 503 says that it is not known."""
        return str(self.json.get("message", "")).startswith(UNKNOWN_COMMIT)


@dataclass(frozen=True, slots=True)
class ResponseTemplate:
    """What `GET /idempotency/<key>` says: what was answered under it, or that it is unknown."""

    is_completed: bool
    status: int | None
    body: Any

    @property
    def is_success(self) -> bool:
        return self.status is not None and self.status < HTTPStatus.BAD_REQUEST

    def agrees_with(self, last_word: Answer) -> bool:
        """Whether the key's answer is the one that a caller got."""
        if last_word.code == DUPLICATE:
            # It says that the first one succeeded, whose answer is kept.
            return self.is_success
        return (self.status, self.body) == (last_word.status, last_word.json)


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
    #: Whether the service keeps the answer under the key.
    is_kept: bool = True
    is_queued: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    #: What each attempt was answered, repeats included: a status; None stands for no answer.
    outcomes: list[int | None] = field(default_factory=list)
    #: The last word, and how often something else came before it.
    answer: Answer | None = None
    ambiguous: int = 0
    #: An attempt may have done it although nobody said so.
    may_be_done: bool = False
    repeats: int = 0
    #: What its caller was told of the key when the answer was lost; None: not that it was answered.
    told: ResponseTemplate | None = None

    @property
    def is_acknowledged(self) -> bool:
        return self.answer is not None and self.answer.is_final

    @property
    def is_done(self) -> bool:
        """Whether it was acknowledged as carried out."""
        answer = self.answer
        return answer is not None and (answer.is_success or answer.code == DUPLICATE)

    @property
    def record(self) -> dict[str, Any]:
        """What the log says of it, as JSON values."""
        return {
            "id": self.id,
            "name": self.name,
            "key": self.id if self.has_key else None,
            "request": [self.method, self.path, self.body],
            "outcomes": self.outcomes,
            "answer": self.answer and self.answer.body.decode(),
        }


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must hold did not."""

    invariant: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """What one log hands over to another."""

    settled: list[Operation]
    left: list[Operation]
    violations: list[Violation]
    told: Counter[str]


class Log:
    """All operations of a run, and the violations that were found. Safe between threads."""

    def __init__(self, prefix: str) -> None:
        self._numbers = itertools.count(1)
        self._prefix = prefix
        self._lock = threading.Lock()
        self.operations: dict[str, Operation] = {}
        #: Those that were acknowledged or given up since the last check.
        self.settled: list[Operation] = []
        #: Those whose callers lost an answer, and asked no more.
        self.left: list[Operation] = []
        self.violations: list[Violation] = []
        self.statuses: Counter[str] = Counter()
        #: How often a key was told to be completed, or unknown.
        self.told: Counter[str] = Counter()
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

    def leave(self, operation: Operation) -> None:
        """Keep that its caller lost an answer and has given up."""
        with self._lock:
            self.left.append(operation)

    def take_left(self) -> list[Operation]:
        with self._lock:
            taken, self.left = self.left, []
        return taken

    def tell(self, told: ResponseTemplate) -> None:
        """Keep that a caller was told of a key."""
        with self._lock:
            self.told["completed" if told.is_completed else "unknown"] += 1

    def take_settled(self) -> list[Operation]:
        with self._lock:
            taken, self.settled = self.settled, []
        return taken

    def hand_over(self) -> Page:
        """Return what came since the last time."""
        page = Page(self.take_settled(), self.take_left(), self.violations, self.told)
        self.violations, self.told = [], Counter()
        return page

    def take_over(self, page: Page) -> None:
        """Keep what another log hands over, as if it had been kept here."""
        for operation in page.settled:
            self.begin(operation)
            self.settle(operation)
        for operation in page.left:
            self.begin(operation)
            self.leave(operation)
        with self._lock:
            self.violations += page.violations
            self.told += page.told

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
