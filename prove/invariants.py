"""All invariants, checked while no request runs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection as django_connection

from harness.waiting import poll
from ledger.trial_balance import trial_balance
from ledger.verification import verify_wallets
from ops.embedded_postgres import Role
from prove import books
from prove.installation import (
    IDLE_IN_TRANSACTION_SECONDS,
    MAX_ATTEMPTS,
    PROCESSORS,
    RETRY_SECONDS,
    SESSIONS_PER_PROCESSOR,
    SESSIONS_PER_WORKER,
    WORKERS,
    BreakableInstallation,
)
from prove.ledger_rows import Ledger, Queued, Record, Row, on_record, queue_of, records_of
from prove.operations import (
    DRY_RUN,
    DUPLICATE,
    OPENED,
    RECORDED,
    Answer,
    Log,
    Operation,
    Violation,
)

#: How long a session of a process that was killed may stay.
TIDY_SECONDS = IDLE_IN_TRANSACTION_SECONDS + 3
#: How long the queue may take to be empty.
QUEUE_SECONDS = 60
#: What PostgreSQL logs of two transactions that wait for each other.
DEADLOCK = "deadlock detected"
#: Kinds of rows that nobody orders, or whose amount only the lock decides.
ADDED = frozenset({"fee", "fee_return", "release"})


class Inspector:
    """Compares the answers that callers got with what the database holds."""

    def __init__(self, installation: BreakableInstallation, log: Log) -> None:
        self._installation = installation
        self._log = log
        self._ledger = Ledger()
        self._settled: list[Operation] = []
        self._log_read = 0
        with installation.connect() as connection:
            # The first deposits of the actors.
            self._initial = {row.id for row in self._ledger.read_new(connection)}
        self._read_server_log()

    def check(self) -> None:
        """Check everything that holds at any quiet moment."""
        self._check_sessions()
        settled = self._log.take_settled()
        self._settled += settled
        if len(self._settled) != len(self._log.operations):
            self._log.violate("settled", "there are operations that are not settled")
        with self._installation.connect() as connection:
            # The processor works meanwhile, so the queue and the ledger are read in one snapshot.
            with books.snapshot(connection):
                found = list(self._compare(connection, settled))
            with books.snapshot(connection):
                found += books.check(connection)
                found += self._check_halves(connection)
                found += _check_ends(connection, settled)
        found += self._verify()
        if self._read_server_log().count(DEADLOCK):
            found.append(Violation("no deadlock", "two transactions waited for each other"))
        for violation in found:
            self._log.violate(violation.invariant, violation.text)

    def check_end(self) -> None:
        """Check what holds once the queue is empty, too."""

        def is_empty() -> bool:
            with self._installation.connect() as connection:
                row = connection.execute(
                    "SELECT count(*) FROM intake_queuedtransaction WHERE status = 'pending'"
                ).fetchone()
            return row == (0,)

        if not poll(is_empty, seconds=QUEUE_SECONDS):
            self._log.violate("queue", "queued transactions are stuck")
        self.check()
        # All operations again: nothing may have been added to what was right before.
        with self._installation.connect() as connection:
            for violation in self._compare(connection, self._settled):
                self._log.violate(violation.invariant, violation.text)

    # --- Sessions and locks -----------------------------------------------------------------

    def _check_sessions(self) -> None:
        """Check that sessions of killed processes end as soon as the settings say."""
        left: list[str] = []

        def is_tidy() -> bool:
            with self._installation.connect() as connection:
                left[:] = [str(text) for (text,) in connection.execute(_LEFT_BEHIND, [Role.APP])]
            return not left

        if not poll(is_tidy, seconds=TIDY_SECONDS):
            self._log.violate("nothing left behind", "; ".join(left))
        sessions = len(self._installation.backends())
        if sessions > WORKERS * SESSIONS_PER_WORKER + PROCESSORS * SESSIONS_PER_PROCESSOR:
            self._log.violate("nothing left behind", f"the service holds {sessions} sessions")

    # --- The books ----------------------------------------------------------------------------

    def _verify(self) -> Iterator[Violation]:
        """Run the product's own verification, too."""
        try:
            for finding in verify_wallets(ranges=1):
                yield Violation("verify_ledger", f"{finding.wallet_id} {finding.problem}")
            for line in trial_balance():
                if line.difference_minor:
                    yield Violation("trial_balance", f"{line.symbol}: {line.difference_minor}")
        finally:
            django_connection.close()

    def _read_server_log(self) -> str:
        with self._installation.server_log.open("rb") as server_log:
            server_log.seek(self._log_read)
            added = server_log.read()
        self._log_read += len(added)
        return added.decode("utf-8", "replace")

    # --- Answers and rows ---------------------------------------------------------------------

    def _compare(
        self, connection: psycopg.Connection[Any], settled: Sequence[Operation]
    ) -> Iterator[Violation]:
        yield from self._check_origins(self._ledger.read_new(connection))
        total = connection.execute("SELECT count(*) FROM ledger_transaction").fetchone()
        if total != (self._ledger.count,):
            yield Violation("exactly once", f"transactions came or went: {total}")
        records = records_of(connection, [each.id for each in settled if each.has_key])
        for operation in settled:
            yield from self._compare_record(operation, records[operation.id])
            if not operation.is_queued:
                yield from self._compare_rows(operation)
        queued = [each for each in settled if each.is_queued]
        yield from self._compare_queue(connection, queued)

    def _check_halves(self, connection: psycopg.Connection[Any]) -> Iterator[Violation]:
        """Check that half requests and dry runs recorded nothing."""
        ids = [operation.id for operation in self._log.halves]
        for found in {*records_of(connection, ids), *on_record(connection, ids)}:
            yield Violation(
                "nothing kept",
                f"{found} is on record: only parts of it were sent, or it was a dry run",
            )

    def _check_origins(self, rows: Sequence[Row]) -> Iterator[Violation]:
        for row in rows:
            operation_id = row.request_id or row.summary.partition("/")[0]
            if operation_id not in self._log.operations and row.id not in self._initial:
                yield Violation("nothing unasked", f"no operation asked for {row}")

    def _compare_record(self, operation: Operation, records: list[Record]) -> Iterator[Violation]:
        answer = operation.answer
        if not operation.has_key or answer is None or not answer.is_final or not operation.effects:
            return
        if answer.code == DUPLICATE:
            is_right = len(records) == 1
        elif answer.is_success or (answer.code in RECORDED and not operation.must_fail):
            is_right = [(r.status, r.body) for r in records] == [(answer.status, answer.body)]
        else:
            is_right = len(records) <= 1
        if not is_right:
            yield Violation("same answer", f"{operation}: {records} is kept")

    def _compare_rows(self, operation: Operation) -> Iterator[Violation]:
        # What the service adds under the lock is looked at in `prove.books`.
        found = self._ledger.by_request.get(operation.id, [])
        rows = [row for row in found if row.kind not in ADDED]
        wanted = _wanted(operation)
        if len(rows) not in wanted:
            yield Violation("exactly once", f"{operation}: {len(rows)} transactions, not {wanted}")
            return
        yield from _compare_content(operation, rows)

    def _compare_queue(
        self, connection: psycopg.Connection[Any], operations: Sequence[Operation]
    ) -> Iterator[Violation]:
        queue = queue_of(connection, [operation.id for operation in operations])
        for operation in operations:
            rows = queue[operation.id]
            if len(rows) not in _wanted(operation):
                yield Violation("queue", f"{operation}: {len(rows)} are queued")
            if operation.is_done and operation.answer and operation.answer.is_success:
                body = operation.answer.json
                ids = [each["id"] for each in (body if isinstance(body, list) else [body])]
                if ids != [str(row.id) for row in rows]:
                    yield Violation("queue", f"{operation}: the answer has other ids")
            for row in rows:
                yield from self._compare_queued(operation, row)

    def _compare_queued(self, operation: Operation, row: Queued) -> Iterator[Violation]:
        effect = operation.effects[int(row.summary.rpartition("/")[2])]
        tried = self._ledger.by_summary.get(row.summary, [])
        completed = [each for each in tried if each.failure is None]
        if len(completed) != (row.status == "completed"):
            yield Violation("queue", f"{row}: completed {len(completed)} times")
        if len(tried) != row.attempts:
            yield Violation("queue", f"{row}: the ledger has {len(tried)} attempts")
        # `Prefer: respond-async` asks for one attempt only.
        most = 1 if "Prefer" in operation.headers else MAX_ATTEMPTS
        if row.status == "failed" and row.attempts != most:
            yield Violation("queue", f"{row}: given up too early")
        # An attempt begins after the one before has ended; the next is not due until a pause later.
        for first, third in zip(tried, tried[2:], strict=False):
            if third.made_at - first.made_at < RETRY_SECONDS - 0.001:
                yield Violation("queue", f"{row}: tried again before its time")
        if tried and row.transaction != tried[-1].id:
            yield Violation("queue", f"{row}: its last attempt was {tried[-1].id}")
        for each in tried:
            if each.effect != effect:
                yield Violation("nothing unasked", f"{row}: {each} is not {effect}")


def _check_ends(
    connection: psycopg.Connection[Any], operations: Sequence[Operation]
) -> Iterator[Violation]:
    """Check that each acknowledged end of a hold is the one that it has."""
    ends = dict(connection.execute("SELECT id::text, status FROM ledger_hold").fetchall())
    for operation in operations:
        answer = operation.answer
        if answer is None or not answer.is_final or not operation.path.startswith("/holds"):
            continue
        body = answer.json
        end = body.get("status") if answer.is_success else body["details"].get("status")
        if operation.name == DRY_RUN and answer.is_success:
            continue
        hold = body["hold"] if answer.is_success else operation.path.rpartition("/")[0][-36:]
        if answer.is_success and hold not in ends:
            yield Violation("holds", f"{operation}: there is no hold {hold}")
        if end not in (None, "active", ends.get(hold)):
            yield Violation("one end", f"{operation}: {end}, and {hold} is {ends.get(hold)}")


def _wanted(operation: Operation) -> list[int]:
    """Return how many transactions an operation may have made, or rows of the queue."""
    answer, whole = operation.answer, len(operation.effects)
    if operation.is_done:
        # A batch makes one transaction for each charge, since all its wallets exist; for each that
        # its payer allows.
        return [len(_allowed(operation)) if operation.is_partial else whole]
    if answer is not None and answer.is_final:
        if answer.code in RECORDED and not operation.is_queued:
            # Of a group, the one that failed.
            return [min(whole, 1)]
        return [0]
    # No final answer. After 503s that promise that nothing was committed, there must be none.
    if not operation.may_be_done:
        return [0]
    return [*range(whole + 1)] if operation.is_partial else sorted({0, min(whole, 1), whole})


def _allowed(operation: Operation) -> list[Any]:
    """Return the results of a batch that have a transaction."""
    assert operation.answer is not None
    return [each for each in operation.answer.json["results"] if each["transaction"]]


def _compare_content(operation: Operation, rows: Sequence[Row]) -> Iterator[Violation]:
    answer = operation.answer
    results = answer.json.get("results") if answer and answer.is_success and rows else None
    for place, row in enumerate(rows):
        position = _position(operation, row, place, len(rows))
        if position is None:
            continue
        effect = operation.effects[position]
        if effect.target == OPENED:
            effect = replace(effect, target=_opened(answer, row))
        if row.effect != effect:
            yield Violation("nothing unasked", f"{operation}: {row} is not {effect}")
        if answer is None or not answer.is_final:
            continue
        if results:
            transaction = results[position]["transaction"]
        else:
            transaction = _transaction(answer.json, place)
        code = results[position]["code"] if results else answer.code
        if code in ("", DUPLICATE):
            code = None
        if row.failure != code or (transaction is not None and transaction != str(row.id)):
            yield Violation("exactly once", f"{operation}: {row}, answered {transaction} {code}")


def _opened(answer: Answer | None, row: Row) -> UUID | None:
    """Return the wallet that the answer names; without an answer, the row's."""
    return UUID(answer.json["id"]) if answer and answer.is_success else row.target


def _position(operation: Operation, row: Row, place: int, rows: int) -> int | None:
    """Return which effect of its operation a row is; None: no answer tells what has failed."""
    answer = operation.answer
    if operation.is_partial:
        return int(row.summary.rpartition("/")[2])
    if rows == len(operation.effects):
        return place
    if answer is None or not answer.is_final:
        return None
    return int(answer.json.get("details", {}).get("operation", 0))


def _transaction(body: Any, place: int) -> str | None:
    """Return the transaction of this place that an answer names, if it names one."""
    if "operations" in body:
        return str(body["operations"][place]["transactionId"])
    if place:
        return None
    details = body.get("details") or {}
    found = body.get("transaction") or body.get("transactionId") or details.get("transactionId")
    return None if found is None else str(found)


#: Sessions in a transaction that wait for their client, or for a lock.
_LEFT_BEHIND = """
    SELECT format('%%s is %%s for %%s: %%s', application_name, state, now() - state_change,
                  left(query, 80))
      FROM pg_stat_activity a
     WHERE usename = %s AND datname = current_database()
       AND (state LIKE 'idle in transaction%%'
            OR EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted))
       AND now() - state_change > interval '0.5 s'
"""
