"""The one way to move money: `post(orders)`.

One order or ten thousand, the path is the same: a single charge is a batch of one. What it does
is one PostgreSQL function, `ledger/sql/post.sql`, called in one trip.
"""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db import DatabaseError, transaction
from psycopg.errors import NoDataFound

from core import context, metrics
from core.connections.bulk import bulk_cursor
from core.unit_of_work import requires_unit_of_work
from ledger.kinds import FailureCode
from ledger.orders import Order, Outcome
from wallets.errors import WalletNotFound
from wallets.references import forget_wallets

#: Stands where a failed transaction has its code.
COMPLETED = "completed"

# The columns travel as arrays, which is how values are sent fastest; the function gets orders.
_POST = """
    SELECT * FROM ledger_post(
        ARRAY(SELECT ROW(o.*)::ledger_order
                FROM unnest(%b::varchar[], %b::uuid[], %b::uuid[], %b::bigint[], %b::varchar[],
                            %b::uuid[], %b::uuid[], %b::uuid[]) AS o),
        %s, false)
"""


@requires_unit_of_work
def post(orders: Sequence[Order]) -> list[Outcome]:
    """Carry the orders out, each in its turn, and return one outcome per order.

    A refusal (a wallet not active, too little available, a balance too large) is an outcome and a
    row, never an exception. The wallets must exist and the two of an order hold the same asset:
    the caller has checked that. Raises `WalletNotFound` where that was known of a database that has
    been replaced by one without the wallet.
    """
    if not orders:
        return []
    started = time.perf_counter()
    columns: list[list[Any]] = [
        [str(o.kind) for o in orders],
        [o.source_id for o in orders],
        [o.target_id for o in orders],
        [o.amount_minor for o in orders],
        [o.summary for o in orders],
        [o.actor_id for o in orders],
        [o.origin_id for o in orders],
        [o.group_id for o in orders],
    ]
    with bulk_cursor() as cursor:
        try:
            cursor.execute(_POST, [*columns, context.request_id.get()])
        except DatabaseError as error:
            if isinstance(error.__cause__, NoDataFound):
                forget_wallets()
                raise WalletNotFound from error
            raise
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
