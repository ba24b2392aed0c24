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
#: The first words of the message of a 503 which may have committed after all.
UNKNOWN_COMMIT = "The connection to the database broke during the commit"
#: What a policy refuses leaves the key free: under another policy the same may be carried out.
_FREES_KEY = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
#: Operations that make something which others use, or take back.
PAY_TOKEN, APPROVAL, REQUEST, HOLD = MADE = ("pay token", "approval", "payment request", "hold")
BY_PAY_TOKEN = "charge by pay token"
CAPTURE, SPLIT, DRY_RUN = "hold captured", "charge with splits", "dry run"
_REFUNDABLE = frozenset({"charge", BY_PAY_TOKEN, CAPTURE, SPLIT})
#: Stands for the wallet that an operation opens, whose id is known from the answer only.
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
    """A whole response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else {}

    @property
    def code(self) -> str:
        """The refusal's code; empty for a success."""
        return "" if self.is_success else str(self.json.get("code", ""))

    @property
    def is_success(self) -> bool:
        return self.status < HTTPStatus.BAD_REQUEST

    @property
    def is_final(self) -> bool:
        """Whether the service has decided; after any other answer the same is sent again."""
        return self.status != HTTPStatus.SERVICE_UNAVAILABLE

    @property
    def is_kept(self) -> bool:
        """Whether it is of the kind that is kept under its key; after others the key is free."""
        return self.status not in _FREES_KEY

    @property
    def is_replayed(self) -> bool:
        """Whether it is marked as the repeat of an earlier answer."""
        return self.headers.get("Idempotent-Replayed") == "true"

    @property
    def may_have_committed(self) -> bool:
        """Whether a 503 leaves open what has happened."""
        return str(self.json.get("message", "")).startswith(UNKNOWN_COMMIT)


@dataclass(frozen=True, slots=True)
class KeyLookup:
    """The result of `GET /idempotency/<key>`: the answer kept under the key, or that none is."""

    is_completed: bool
    status: int | None
    body: Any

    @property
    def is_success(self) -> bool:
        return self.status is not None and self.status < HTTPStatus.BAD_REQUEST

    def agrees_with(self, answer: Answer, secrets: frozenset[str]) -> bool:
        """Whether the key's answer is the one that a caller got, without its secrets."""
        if answer.code == DUPLICATE:
            # It means that the first attempt succeeded, whose answer is kept.
            return self.is_success
        if not answer.is_kept:
            return not self.is_completed
        shown = answer.json
        if answer.is_success and secrets:
            shown = {name: value for name, value in shown.items() if name not in secrets}
        return (self.status, self.body) == (answer.status, shown)


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
    #: It began after an acknowledged revocation: it must be refused.
    must_fail: bool = False
    has_key: bool = True
    key_in_body: bool = False
    #: Whether the service keeps the answer under the key.
    is_kept: bool = True
    is_queued: bool = False
    #: Each of its effects may be denied by itself, and leaves no transaction then.
    is_partial: bool = False
    #: Fields of the answer that a key lookup leaves out.
    secrets: frozenset[str] = frozenset()
    #: The operation that made what this one takes back.
    revokes: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    #: The status of each attempt, repeats included; None stands for no answer.
    outcomes: list[int | None] = field(default_factory=list)
    #: The last answer, and how many ambiguous attempts came before it.
    answer: Answer | None = None
    ambiguous: int = 0
    #: An ambiguous attempt may have carried it out.
    may_be_done: bool = False
    repeats: int = 0
    #: The key lookup that found it completed, if one did.
    lookup: KeyLookup | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.id} (answered {self.outcomes})"

    @property
    def is_acknowledged(self) -> bool:
        return self.answer is not None and self.answer.is_final

    @property
    def is_done(self) -> bool:
        """Whether it was acknowledged as carried out."""
        answer = self.answer
        return answer is not None and (answer.is_success or answer.code == DUPLICATE)

    @property
    def is_repeatable(self) -> bool:
        """Whether the same again has to get the same answer."""
        answer = self.answer
        return (
            self.has_key
            and self.is_kept
            and self.is_acknowledged
            and bool(answer and answer.is_kept)
        )

    @property
    def transaction(self) -> UUID:
        """The transaction of a charge that was carried out."""
        assert self.answer is not None
        return UUID(self.answer.json["transaction"])

    @property
    def record(self) -> dict[str, Any]:
        """Its line of the log file, as JSON values."""
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
class LogPart:
    """What the log of one process hands over to that of another."""

    settled: list[Operation]
    abandoned: list[Operation]
    violations: list[Violation]
    lookups: Counter[str]


class Log:
    """All operations of a run, and the violations that were found. Safe between threads."""

    def __init__(self, prefix: str) -> None:
        self._numbers = itertools.count(1)
        self._prefix = prefix
        self._lock = threading.Lock()
        self.operations: dict[str, Operation] = {}
        #: Those that were acknowledged or given up since the last check.
        self._settled: list[Operation] = []
        #: Those whose callers lost an answer and gave up, since the last inquiry.
        self._abandoned: list[Operation] = []
        #: Those of which nothing may be on record: only parts were sent, or they were dry runs.
        self._halves: list[Operation] = []
        self.violations: list[Violation] = []
        self.statuses: Counter[str] = Counter()
        #: How many key lookups found "completed", and how many "unknown".
        self.lookups: Counter[str] = Counter()
        #: Completed charges, for refunds.
        self.charges: list[Operation] = []
        #: What was carried out, by its name, for what is done to it: see `MADE`.
        self.made: dict[str, list[Operation]] = {name: [] for name in MADE}
        #: The operations whose work was taken back: acknowledged.
        self.revoked: set[str] = set()

    def new_id(self) -> str:
        """Return the id of a new operation: also its key and the id of its requests."""
        return f"{self._prefix}-{next(self._numbers)}"

    def begin(self, operation: Operation) -> None:
        self.operations[operation.id] = operation

    def settle(self, operation: Operation) -> None:
        """Record that an operation is over."""
        with self._lock:
            self._settled.append(operation)
            if operation.name == DRY_RUN:
                self._halves.append(operation)
            answer = operation.answer
            self.statuses[f"{answer.status} {answer.code}".strip() if answer else "none"] += 1
            if answer is not None and answer.is_success:
                if operation.name in _REFUNDABLE:
                    self.charges.append(operation)
                if operation.name in self.made:
                    self.made[operation.name].append(operation)
            if operation.revokes and operation.is_acknowledged:
                self.revoked.add(operation.revokes)

    def abandon(self, operation: Operation) -> None:
        """Record that its caller lost an answer and has given up."""
        with self._lock:
            self._abandoned.append(operation)

    def add_half(self, operation: Operation) -> None:
        """Record that only parts of it were sent: nothing of it may be on record."""
        with self._lock:
            self._halves.append(operation)

    @property
    def halves(self) -> list[Operation]:
        with self._lock:
            return list(self._halves)

    def count_lookup(self, lookup: KeyLookup) -> None:
        with self._lock:
            self.lookups["completed" if lookup.is_completed else "unknown"] += 1

    def violate(self, invariant: str, text: str) -> None:
        with self._lock:
            self.violations.append(Violation(invariant, text))

    def take_settled(self) -> list[Operation]:
        with self._lock:
            taken, self._settled = self._settled, []
        return taken

    def take_abandoned(self) -> list[Operation]:
        with self._lock:
            taken, self._abandoned = self._abandoned, []
        return taken

    def hand_over(self) -> LogPart:
        """Return what came since the last time."""
        part = LogPart(self.take_settled(), self.take_abandoned(), self.violations, self.lookups)
        self.violations, self.lookups = [], Counter()
        return part

    def take_over(self, part: LogPart) -> None:
        """Add what another log hands over."""
        for operation in part.settled:
            self.begin(operation)
            self.settle(operation)
        for operation in part.abandoned:
            self.begin(operation)
            self.abandon(operation)
        with self._lock:
            self.violations += part.violations
            self.lookups += part.lookups

    @property
    def acknowledged(self) -> int:
        return sum(1 for operation in self.operations.values() if operation.is_acknowledged)
