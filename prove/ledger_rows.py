"""What the database holds of the operations, read without the service."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from prove.operations import Effect

_NOTHING = UUID(int=0)
#: A chunk may commit up to 15 s after its ids were made: reading starts that much earlier.
_OVERLAP = UUID(int=15_000 << 80).int


class Row(NamedTuple):
    """A transaction of the ledger."""

    id: UUID
    kind: str
    source: UUID | None
    target: UUID | None
    amount_minor: int
    failure: str | None
    summary: str
    request_id: str
    origin: UUID | None

    @property
    def effect(self) -> Effect:
        return Effect(self.kind, self.source, self.target, self.amount_minor, self.origin)

    @property
    def made_at(self) -> float:
        """By the database's clock, in seconds: ids carry it, to the millisecond."""
        return (self.id.int >> 80) / 1000


class Queued(NamedTuple):
    """A row of the queue."""

    id: UUID
    request_id: str
    summary: str
    status: str
    is_failed: bool
    attempts: int
    error: str | None
    transaction: UUID | None


class Record(NamedTuple):
    """The answer that is kept under an idempotency key."""

    key: str
    status: int
    body: bytes


@dataclass
class Ledger:
    """All transactions so far, by the request or the queued transaction that asked for them."""

    _newest: UUID = _NOTHING
    _known: set[UUID] = field(default_factory=set)
    by_request: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    by_summary: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def read_new(self, connection: psycopg.Connection[Any]) -> list[Row]:
        """Read the rows that came since the last time and return them."""
        since = UUID(int=max(0, self._newest.int - _OVERLAP))
        rows = [
            row
            for values in connection.execute(
                "SELECT id, kind, CASE WHEN NOT source_is_system THEN source_id END,"
                " CASE WHEN NOT target_is_system THEN target_id END, amount_minor, failure_code,"
                " summary, request_id, origin_id FROM ledger_transaction WHERE id > %s"
                " ORDER BY id",
                [since],
            )
            if (row := Row(*values)).id not in self._known
        ]
        for row in rows:
            if row.request_id:
                self.by_request[row.request_id].append(row)
            else:
                self.by_summary[row.summary].append(row)
        if rows:
            self._newest = rows[-1].id
            self._known.update(row.id for row in rows)
        return rows

    @property
    def count(self) -> int:
        return len(self._known)


def queue_of(
    connection: psycopg.Connection[Any], request_ids: Sequence[str]
) -> dict[str, list[Queued]]:
    """Return the rows of the queue that these requests made, in the order of acceptance."""
    found: dict[str, list[Queued]] = defaultdict(list)
    for values in connection.execute(
        "SELECT id, request_id, summary, status, is_failed, attempts, error_code, transaction_id"
        " FROM intake_queuedtransaction WHERE request_id = ANY (%s) ORDER BY id",
        [list(request_ids)],
    ):
        row = Queued(*values)
        found[row.request_id].append(row)
    return found


def records_of(connection: psycopg.Connection[Any], keys: Sequence[str]) -> dict[str, list[Record]]:
    """Return the records of these keys."""
    found: dict[str, list[Record]] = defaultdict(list)
    for key, status, body in connection.execute(
        "SELECT key, status_code, body FROM core_idempotencyrecord WHERE key = ANY (%s)",
        [list(keys)],
    ):
        found[key].append(Record(key, status, bytes(body)))
    return found


def on_record(connection: psycopg.Connection[Any], request_ids: Sequence[str]) -> set[str]:
    """Return which of these requests are in the ledger, or in the queue."""
    rows = connection.execute(
        "SELECT request_id FROM ledger_transaction WHERE request_id = ANY (%(ids)s)"
        " UNION SELECT request_id FROM intake_queuedtransaction WHERE request_id = ANY (%(ids)s)",
        {"ids": list(request_ids)},
    ).fetchall()
    return {request_id for (request_id,) in rows}
