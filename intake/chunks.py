"""Running one chunk of the queue, in one unit of work: chosen, posted and marked together.

A crash before the commit leaves everything as it was; after it, everything is done. So what was
accepted runs exactly once, whichever process dies.
"""

import uuid
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import Func, UUIDField
from django.db.models.functions import Now

from core.connections.bulk import bulk_cursor
from intake.endings import CUSTOMER_LEFT, closed_among
from intake.knapsack import KnapsackItem, solve_knapsack
from intake.models import READY, QueuedTransaction, QueueStatus
from ledger.kinds import Denial, FailureCode, Kind, target_purpose
from ledger.orders import Order, Outcome
from ledger.post import post_or_deny, sums_of
from wallets.assets import system_wallet_id

#: At most this many transactions commit together, whatever their latencies.
MAX_CHUNK = 1_000
#: One chunk at a time over the whole installation: the holder of this lock runs it.
CHUNK_LOCK = 4_711
NO_WALLET = "no_wallet"
# A chunk's rows are found by their keys, one by one. PostgreSQL, which thinks of disks that seek
# and of the queue at its last ANALYZE, would rather read the whole queue, for each chunk.
_ROW_BY_ROW = ("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin")


class Failure(NamedTuple):
    """An attempt that did not complete: of what, who sent it, and the code that says why."""

    queued_id: uuid.UUID
    request_id: str
    code: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """What ran together. `value_minor` and `latency_ms` are sums over its transactions."""

    size: int
    value_minor: int
    latency_ms: int
    completed: int
    given_up: int
    #: Of each (kind, asset, code): how many, and their sum in minor units.
    sums: dict[tuple[str, str, str], tuple[int, int]]
    failures: list[Failure]


class ChunkTaken(Exception):
    """Another processor is running a chunk."""


def take_lease() -> None:
    """Take the right to run a chunk until the unit of work ends. Raises `ChunkTaken`.

    It belongs to the transaction: it dies with its connection, behind a pooler too. So do the
    timeouts, which are a request's: a wallet that somebody keeps locked ends the unit of work with
    `Unavailable`, and a process that stands still inside it lets go of what it holds.
    """
    its_settings = {
        "lock_timeout": str(settings.LOCK_TIMEOUT_MS),
        "statement_timeout": str(settings.STATEMENT_TIMEOUT_MS),
        "idle_in_transaction_session_timeout": str(2 * settings.STATEMENT_TIMEOUT_MS),
        **dict.fromkeys(_ROW_BY_ROW, "off"),
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(%s), count(set_config(name, value, true))"
            "  FROM unnest(%s::text[], %s::text[]) AS its (name, value)",
            [CHUNK_LOCK, list(its_settings), list(its_settings.values())],
        )
        (taken, *_) = cursor.fetchone()
    if not taken:
        raise ChunkTaken


def make_due_retries_ready() -> int:
    """Let what failed run again, once its time has come; return how many that are.

    By the clock that set the time, the database's: a host's that is wrong would use up all attempts
    at once.
    """
    return QueuedTransaction.objects.filter(
        status=QueueStatus.PENDING, next_attempt_at__lte=Now()
    ).update(next_attempt_at=None)


def choose() -> list[uuid.UUID]:
    """Return the ids of the next chunk: what waited too long, then what is worth most.

    Requires the lease.
    """
    capacity_ms = settings.CHUNK_LATENCY_MS
    chosen: list[uuid.UUID] = []
    for queued, accepted_ms in _overdue():
        # What was accepted under a higher limit fills a chunk of today's by itself.
        latency_ms = min(accepted_ms, settings.CHUNK_LATENCY_MS)
        if latency_ms <= capacity_ms and len(chosen) < MAX_CHUNK:
            capacity_ms -= latency_ms
            chosen.append(queued)
    if capacity_ms == 0 or len(chosen) == MAX_CHUNK:
        return chosen
    known = set(chosen)
    rows = [row for row in _worth_most(capacity_ms) if row[0] not in known]
    items = [KnapsackItem(value, latency_ms) for _, value, latency_ms in rows]
    places = solve_knapsack(items, capacity_ms)
    return (chosen + [rows[place][0] for place in places])[:MAX_CHUNK]


def run(chosen: Sequence[uuid.UUID]) -> Chunk:
    """Run the chosen transactions in the order of their acceptance, and mark what became of each.

    Requires the lease. What is not ready any more is left alone.
    """
    attempts = _lock(chosen)
    runnable = [each for each in attempts if each.is_movement]
    orders = [_order(each) for each in runnable]
    posted = post_or_deny(orders)
    outcomes = {each.queued_id: outcome for each, outcome in zip(runnable, posted, strict=True)}
    tried = [(each, outcomes.get(each.queued_id)) for each in attempts]
    ended = _ended(tried)
    _mark(tried, ended)
    failed = [each for each, outcome in tried if _failure_of(each, outcome)]
    sums = sums_of(orders, posted)
    for each, outcome in tried:
        if not isinstance(outcome, Outcome):
            key = (each.kind, each.asset_id, str(outcome or each.obstacle))
            transactions, amount_minor = sums.get(key, (0, 0))
            sums[key] = (transactions + 1, amount_minor + each.amount_minor)
    return Chunk(
        size=len(attempts),
        value_minor=sum(each.amount_minor for each in attempts),
        latency_ms=sum(each.latency_ms for each in attempts),
        completed=len(attempts) - len(failed),
        given_up=sum(1 for each in failed if each.queued_id in ended),
        sums=sums,
        failures=[
            Failure(each.queued_id, each.request_id, code)
            for each, outcome in tried
            if (code := _failure_of(each, outcome)) is not None
        ],
    )


def _overdue() -> list[tuple[uuid.UUID, int]]:
    """Return what waited longer than it should, oldest first: ids carry the time.

    By the clock that made the ids, the database's.
    """
    since = Now() - timedelta(seconds=settings.MAX_WAIT_SECONDS)
    first_id = Func(since, function="first_id_at", output_field=UUIDField())
    return list(
        QueuedTransaction.objects.filter(READY, id__lt=first_id)
        .order_by("id")
        .values_list("id", "latency_ms")[:MAX_CHUNK]
    )


def _worth_most(capacity_ms: int) -> list[tuple[uuid.UUID, int, int]]:
    """Return (id, value, latency) of all that an optimal chunk could hold.

    Of one latency, no more than fit into the chunk can be in it, and those are the most valuable.
    The latencies that occur are found by hopping from one to the next on the index.
    """
    with connection.cursor() as cursor:
        # A queue is never what it was at its last ANALYZE. Where that found it empty, the planner
        # would read and sort all of it instead of following the index that is in order.
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(
            """
            WITH RECURSIVE latencies (latency_ms) AS (
                (SELECT latency_ms FROM intake_queuedtransaction
                  WHERE status = 'pending' AND next_attempt_at IS NULL
                  ORDER BY latency_ms LIMIT 1)
                UNION ALL
                SELECT (SELECT q.latency_ms FROM intake_queuedtransaction q
                         WHERE q.status = 'pending' AND q.next_attempt_at IS NULL
                           AND q.latency_ms > l.latency_ms
                         ORDER BY q.latency_ms LIMIT 1)
                  FROM latencies l WHERE l.latency_ms < %(capacity)s
            )
            SELECT best.id, best.amount_minor, best.latency_ms
              FROM latencies l
             CROSS JOIN LATERAL (
                  SELECT q.id, q.amount_minor, q.latency_ms FROM intake_queuedtransaction q
                   WHERE q.status = 'pending' AND q.next_attempt_at IS NULL
                     AND q.latency_ms = l.latency_ms
                   ORDER BY q.amount_minor DESC, q.id
                   LIMIT least(%(capacity)s / l.latency_ms, %(most)s)
             ) AS best
             WHERE l.latency_ms <= %(capacity)s
            """,
            {"capacity": capacity_ms, "most": 2 * MAX_CHUNK},
        )
        return list(cursor.fetchall())


class _Attempt(NamedTuple):
    """A queued transaction as it is about to run.

    `is_last`: it is not tried again. `has_left`: its customer was deleted.
    """

    queued_id: uuid.UUID
    caller_id: uuid.UUID
    kind: str
    asset_id: str
    amount_minor: int
    latency_ms: int
    target_id: uuid.UUID | None
    summary: str
    request_id: str
    is_last: bool
    has_left: bool
    source_id: uuid.UUID | None

    @property
    def is_movement(self) -> bool:
        """Whether there is a wallet to pay from. One that is the target too counts as none."""
        return not self.has_left and self.source_id not in (None, self.target_id)

    @property
    def obstacle(self) -> str:
        """Why there is no wallet to pay from."""
        return CUSTOMER_LEFT if self.has_left else NO_WALLET


def _lock(chosen: Sequence[uuid.UUID]) -> list[_Attempt]:
    """Lock what is still ready, in the order of its acceptance, and find where each is paid from.

    Where no source is named it is the customer's oldest active wallet of the asset, failing that
    the oldest frozen one (`wallets.selectors.default_wallet`, for many at once). The queue's rows
    are locked before the wallets': the order of locks of the whole service.
    """
    # Found by their ids first: asked for together with what they are, one of the partial indexes
    # would be read from end to end, the whole queue for each chunk.
    with bulk_cursor() as cursor:
        cursor.execute(
            """
            WITH chosen AS MATERIALIZED (
                SELECT * FROM intake_queuedtransaction
                 WHERE id = ANY (%b::uuid[])
                 ORDER BY id
                   FOR NO KEY UPDATE
            )
            SELECT q.id, q.caller_id, q.kind, q.asset_id, q.amount_minor, q.latency_ms,
                   q.target_id, q.summary, q.request_id, q.attempts + 1 >= q.max_attempts,
                   NOT EXISTS (SELECT FROM accounts_user u
                                WHERE u.id = q.customer_id AND u.is_active),
                   coalesce(q.source_id, named.id)
              FROM chosen q
              LEFT JOIN LATERAL (
                   SELECT w.id FROM wallets_wallet w
                    WHERE q.source_id IS NULL AND w.owner_id = q.customer_id
                      AND w.asset_id = q.asset_id AND w.status <> 'closed'
                    ORDER BY w.status <> 'active', w.created_at, w.id LIMIT 1
              ) AS named ON true
             WHERE q.status = 'pending' AND q.next_attempt_at IS NULL
             ORDER BY q.id
            """,
            [list(chosen)],
        )
        return [_Attempt(*row) for row in cursor.fetchall()]


def _order(attempt: _Attempt) -> Order:
    kind = Kind(attempt.kind)
    if attempt.source_id is None:
        raise AssertionError("only what has a source is run")
    return Order(
        kind,
        attempt.source_id,
        attempt.target_id or system_wallet_id(attempt.asset_id, target_purpose(kind)),
        attempt.amount_minor,
        summary=attempt.summary,
        actor_id=attempt.caller_id,
        asset_id=attempt.asset_id,
    )


def _failure_of(attempt: _Attempt, outcome: Outcome | Denial | None) -> str | None:
    """Return why an attempt failed, if it did; no outcome stands for one that found no wallet."""
    if isinstance(outcome, Outcome):
        return None if outcome.failure is None else str(outcome.failure)
    return str(outcome or attempt.obstacle)


def _ended(attempted: Sequence[tuple[_Attempt, Outcome | Denial | None]]) -> set[uuid.UUID]:
    """Return which are not tried again: their attempts are used up, or none can ever succeed.

    A customer who left does not come back, and a closed wallet stays closed. A frozen one may thaw.
    """
    inactive = [
        attempt
        for attempt, outcome in attempted
        if isinstance(outcome, Denial)
        or (outcome is not None and outcome.failure == FailureCode.WALLET_NOT_ACTIVE)
    ]
    closed = closed_among(
        wallet
        for attempt in inactive
        for wallet in (attempt.source_id, attempt.target_id)
        if wallet is not None
    )
    ended = {attempt.queued_id for attempt, _ in attempted if attempt.is_last or attempt.has_left}
    return ended | {
        attempt.queued_id
        for attempt in inactive
        if attempt.source_id in closed or attempt.target_id in closed
    }


def _mark(
    attempted: Sequence[tuple[_Attempt, Outcome | Denial | None]], ended: Container[uuid.UUID]
) -> None:
    """Write what became of each attempt; None stands for an attempt that found no wallet.

    Those of `ended` that failed are not tried again.
    """
    ids = [attempt.queued_id for attempt, _ in attempted]
    errors = [_failure_of(*each) for each in attempted]
    final = [attempt.queued_id in ended for attempt, _ in attempted]
    transaction_ids = [
        outcome.transaction_id if isinstance(outcome, Outcome) else None for _, outcome in attempted
    ]
    with bulk_cursor() as cursor:
        # Where the last ANALYZE found the queue empty, the planner expects one row and loops: over
        # the whole chunk for each row, or over the whole queue. A hash of the chunk costs the same
        # whatever it expects.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute("SET LOCAL enable_hashjoin = on")
        cursor.execute(
            """
            UPDATE intake_queuedtransaction q
               SET attempts = q.attempts + 1, is_failed = a.error IS NOT NULL,
                   error_code = a.error, updated_at = now(),
                   transaction_id = coalesce(a.transaction_id, q.transaction_id),
                   status = CASE WHEN a.error IS NULL THEN 'completed'
                                 WHEN a.is_final THEN 'failed'
                                 ELSE 'pending' END,
                   next_attempt_at = CASE WHEN a.error IS NOT NULL AND NOT a.is_final
                                     THEN now() + make_interval(secs => %s) END
              FROM unnest(%b::uuid[], %b::varchar[], %b::uuid[], %b::boolean[])
                   AS a (id, error, transaction_id, is_final)
             WHERE q.id = a.id AND q.id = ANY (%b::uuid[])
            """,
            [settings.RETRY_SECONDS, ids, errors, transaction_ids, final, ids],
        )
