"""All invariants, checked when nothing is under way."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection as django_connection

from ledger.trial_balance import trial_balance
from ledger.verification import verify_wallets
from ops.embedded_postgres import Role
from prove import books
from prove.installation import (
    IDLE_IN_TRANSACTION_SECONDS,
    MAX_ATTEMPTS,
    MAX_WALLETS,
    PROCESSORS,
    RETRY_SECONDS,
    SESSIONS_PER_PROCESSOR,
    SESSIONS_PER_WORKER,
    WORKERS,
    Installation,
)
from prove.ledger_rows import Ledger, Queued, Record, Row, queue_of, records_of
from prove.operations import DUPLICATE, OPENED, RECORDED, Answer, Log, Operation, Violation
from prove.waiting import wait_until

#: What a session that a stopped process left behind is given to go.
TIDY_SECONDS = IDLE_IN_TRANSACTION_SECONDS + 3
#: What the queue is given to come to its end.
QUEUE_SECONDS = 60
#: Where the log of PostgreSQL tells of two who waited for each other.
DEADLOCK = "deadlock detected"


class Inspector:
    """Compares what callers were told with what the database holds."""

    def __init__(self, installation: Installation, log: Log) -> None:
        self._installation = installation
        self._log = log
        self._ledger = Ledger()
        self._settled: list[Operation] = []
        self._log_read = 0
        self.checks = 0
        with installation.connect() as connection:
            # What the actors began with.
            self._begun = {row.id for row in self._ledger.read_on(connection)}
        self._read_server_log()

    def check(self) -> None:
        """Check everything that holds at any quiet moment."""
        self.checks += 1
        self._check_sessions()
        settled = self._log.take_settled()
        self._settled += settled
        if len(self._settled) != len(self._log.operations):
            self._log.violate("settled", "there are operations that have come to no end")
        with self._installation.connect() as connection:
            # The processor goes on, so rows of the queue and of the ledger are one snapshot.
            with connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                found = list(self._compare(connection, settled))
            found += books.look(connection, max_wallets=MAX_WALLETS)
        found += self._verify()
        if self._read_server_log().count(DEADLOCK):
            found.append(Violation("no deadlock", "two transactions waited for each other"))
        for violation in found:
            self._log.violate(violation.invariant, violation.text)

    def check_end(self) -> None:
        """Check what holds once the queue has come to its end, too."""

        def is_through() -> bool:
            with self._installation.connect() as connection:
                row = connection.execute(
                    "SELECT count(*) FROM intake_queuedtransaction WHERE status = 'pending'"
                ).fetchone()
            return row == (0,)

        if not wait_until(is_through, seconds=QUEUE_SECONDS):
            self._log.violate("queue", "queued transactions are stuck")
        self.check()
        # Once more, and all of them: nothing may have come later to what was right before.
        with self._installation.connect() as connection:
            for violation in self._compare(connection, self._settled):
                self._log.violate(violation.invariant, violation.text)

    # --- Sessions and locks -----------------------------------------------------------------

    def _check_sessions(self) -> None:
        """Wait until what a killed process left behind is gone, as long as the settings give it."""
        left: list[str] = []

        def is_tidy() -> bool:
            with self._installation.connect() as connection:
                left[:] = [str(text) for (text,) in connection.execute(_LEFT_BEHIND, [Role.APP])]
            return not left

        if not wait_until(is_tidy, seconds=TIDY_SECONDS):
            self._log.violate("nothing left behind", "; ".join(left))
        sessions = len(self._installation.backends())
        if sessions > WORKERS * SESSIONS_PER_WORKER + PROCESSORS * SESSIONS_PER_PROCESSOR:
            self._log.violate("nothing left behind", f"the service holds {sessions} sessions")

    # --- The books ----------------------------------------------------------------------------

    def _verify(self) -> Iterator[Violation]:
        """Ask the product's own commands, too."""
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
            said = server_log.read()
        self._log_read += len(said)
        return said.decode("utf-8", "replace")

    # --- What was said, and what happened -----------------------------------------------------

    def _compare(
        self, connection: psycopg.Connection[Any], settled: Sequence[Operation]
    ) -> Iterator[Violation]:
        yield from self._look_for_strangers(self._ledger.read_on(connection))
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

    def _look_for_strangers(self, rows: Sequence[Row]) -> Iterator[Violation]:
        for row in rows:
            asked = row.request_id or row.summary.partition("/")[0]
            if asked not in self._log.operations and row.id not in self._begun:
                yield Violation("nothing unasked", f"nobody asked for {row}")

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
            yield Violation("same answer", f"{_named(operation)}: {records} is kept")

    def _compare_rows(self, operation: Operation) -> Iterator[Violation]:
        rows = self._ledger.by_request.get(operation.id, [])
        if not operation.effects:
            wanted: list[int] = [0]
        else:
            wanted = _wanted(operation)
        if len(rows) not in wanted:
            yield Violation(
                "exactly once", f"{_named(operation)}: {len(rows)} transactions, not {wanted}"
            )
            return
        yield from _compare_content(operation, rows)

    def _compare_queue(
        self, connection: psycopg.Connection[Any], operations: Sequence[Operation]
    ) -> Iterator[Violation]:
        queue = queue_of(connection, [operation.id for operation in operations])
        for operation in operations:
            rows = queue[operation.id]
            if len(rows) not in _wanted(operation):
                yield Violation("queue", f"{_named(operation)}: {len(rows)} are queued")
            if operation.is_done and operation.answer and operation.answer.is_success:
                told = operation.answer.json
                ids = [each["id"] for each in (told if isinstance(told, list) else [told])]
                if ids != [str(row.id) for row in rows]:
                    yield Violation("queue", f"{_named(operation)}: other ids were told")
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
        # What was to be tried once only asked for an answer later, not for patience.
        most = 1 if "Prefer" in operation.headers else MAX_ATTEMPTS
        if row.status == "failed" and row.attempts != most:
            yield Violation("queue", f"{row}: given up too early")
        # An attempt begins after the one before has ended, and the next is not due until then.
        for first, third in zip(tried, tried[2:], strict=False):
            if third.made_at - first.made_at < RETRY_SECONDS - 0.001:
                yield Violation("queue", f"{row}: tried again before its time")
        if tried and row.transaction != tried[-1].id:
            yield Violation("queue", f"{row}: its last attempt was {tried[-1].id}")
        for each in tried:
            if (each.kind, each.source, each.target, each.amount_minor) != (
                effect.kind,
                effect.source,
                effect.target,
                effect.amount_minor,
            ):
                yield Violation("nothing unasked", f"{row}: {each} is not {effect}")


def _named(operation: Operation) -> str:
    return f"{operation.name} {operation.id} (answered {operation.outcomes})"


def _wanted(operation: Operation) -> list[int]:
    """Return how many transactions an operation may have left, or rows of the queue."""
    answer, whole = operation.answer, len(operation.effects)
    if operation.is_done:
        # A batch charges each for itself: what cannot be tried is no attempt. Here all can.
        return [whole]
    if answer is not None and answer.is_final:
        if answer.code in RECORDED and not operation.is_queued:
            return [whole]
        return [0]
    # Nobody has the last word. "Nothing was committed" is one, too.
    return [0, whole] if operation.may_be_done else [0]


def _compare_content(operation: Operation, rows: Sequence[Row]) -> Iterator[Violation]:
    answer = operation.answer
    results = answer.json.get("results") if answer and answer.is_success and rows else None
    for place, row in enumerate(rows):
        effect = operation.effects[place]
        target = _opened(answer, row) if effect.target == OPENED else effect.target
        if (row.kind, row.source, row.target, row.amount_minor, row.origin) != (
            effect.kind,
            effect.source,
            target,
            effect.amount_minor,
            effect.origin,
        ):
            yield Violation("nothing unasked", f"{_named(operation)}: {row} is not {effect}")
        if answer is None or not answer.is_final:
            continue
        told = results[place]["transaction"] if results else _transaction(answer.json)
        code = results[place]["code"] if results else answer.code
        if code in ("", DUPLICATE):
            code = None
        if row.failure != code or (told is not None and told != str(row.id)):
            yield Violation("exactly once", f"{_named(operation)}: {row}, told {told} {code}")


def _opened(answer: Answer | None, row: Row) -> UUID | None:
    """Return the wallet that the answer says it has opened; without one, nobody can say which."""
    return UUID(answer.json["id"]) if answer and answer.is_success else row.target


def _transaction(told: Any) -> str | None:
    """Return the transaction that an answer names, if it names one."""
    details = told.get("details") or {}
    found = told.get("transaction") or told.get("transactionId") or details.get("transactionId")
    return None if found is None else str(found)


#: Sessions in a transaction that wait for their client, who waits for a lock, and locks of keys.
_LEFT_BEHIND = """
    SELECT format('%%s is %%s for %%s: %%s', application_name, state, now() - state_change,
                  left(query, 80))
      FROM pg_stat_activity a
     WHERE usename = %s AND datname = current_database()
       AND (state LIKE 'idle in transaction%%'
            OR EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted))
       AND now() - state_change > interval '0.5 s'
"""
