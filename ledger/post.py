"""The one door for money: `post(orders)`.

One order or ten thousand, the path is the same: a single charge is a batch of one. What it does
is one PostgreSQL function, `ledger/sql/post.sql`, called in one trip.
"""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import attrgetter

from django.db import transaction

from core import context, metrics
from core.connections.bulk import bulk_cursor
from core.unit_of_work import require_unit_of_work
from ledger.kinds import FailureCode, Kind

#: Stands where a failed transaction has its code.
COMPLETED = "completed"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Order:
    """Move `amount_minor` (minor units of both wallets' asset) from source to target.

    `asset_id` only says under what it is counted: the database knows what the wallets hold.
    """

    kind: Kind
    source_id: uuid.UUID
    target_id: uuid.UUID
    amount_minor: int
    asset_id: str
    summary: str = ""
    actor_id: uuid.UUID | None = None
    origin_id: uuid.UUID | None = None
    group_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an order. Balances are after it, in minor units; None for a system wallet.

    When it failed they are None, and `available_minor` is what the source could have spent.
    """

    transaction_id: uuid.UUID
    failure: FailureCode | None
    source_balance_minor: int | None
    target_balance_minor: int | None
    available_minor: int | None

    @property
    def created_at(self) -> datetime:
        """When it happened, in milliseconds: the time in its UUIDv7."""
        return _EPOCH + timedelta(milliseconds=self.transaction_id.int >> 80)


def post(orders: Sequence[Order]) -> list[Outcome]:
    """Carry the orders out, each in its turn, and return one outcome per order.

    Requires a unit of work. A refusal (a wallet not active, too little available, a balance too
    large) is an outcome and a row, never an exception. The wallets must exist and the two of an
    order hold the same asset: whoever makes an order has looked.
    """
    require_unit_of_work()
    if not orders:
        return []
    # Sorted and distinct: the database locks in this order, so two posts cannot deadlock.
    distinct = {wallet for o in orders for wallet in (o.source_id, o.target_id)}
    wallets = sorted(distinct, key=attrgetter("int"))
    place = {wallet: index for index, wallet in enumerate(wallets, start=1)}
    started = time.perf_counter()
    with bulk_cursor() as cursor:
        cursor.execute(
            "SELECT * FROM ledger_post(%b::uuid[], %b::varchar[], %b::int[], %b::int[],"
            " %b::bigint[], %b::varchar[], %b::uuid[], %b::uuid[], %b::uuid[], %s, false)",
            [
                wallets,
                [str(o.kind) for o in orders],
                [place[o.source_id] for o in orders],
                [place[o.target_id] for o in orders],
                [o.amount_minor for o in orders],
                [o.summary for o in orders],
                [o.actor_id for o in orders],
                [o.origin_id for o in orders],
                [o.group_id for o in orders],
                context.request_id.get(),
            ],
        )
        rows = cursor.fetchall()
    metrics.POST_SECONDS.observe(time.perf_counter() - started)
    outcomes = [
        Outcome(posted, FailureCode(failure) if failure else None, *balances)
        for posted, failure, *balances in rows
    ]
    transaction.on_commit(
        partial(metrics.count_transactions, sums_of(orders, outcomes)), robust=True
    )
    return outcomes


def sums_of(
    orders: Sequence[Order], outcomes: Sequence[Outcome]
) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Return how many of each kind, asset and code there are, and their sum in minor units.

    The code is `completed`, or why they failed.
    """
    sums: dict[tuple[str, str, str], tuple[int, int]] = {}
    for order, outcome in zip(orders, outcomes, strict=True):
        key = (str(order.kind), order.asset_id, str(outcome.failure or COMPLETED))
        transactions, amount_minor = sums.get(key, (0, 0))
        sums[key] = (transactions + 1, amount_minor + order.amount_minor)
    return sums
