"""The one way to move money: `post(orders)`.

One order or ten thousand, the path is the same: a single charge is a batch of one. What it does
is one PostgreSQL function, `ledger/sql/post.sql`, called in one trip.
"""

import time
import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from psycopg.errors import NoDataFound

from core import context, metrics
from core.connections.bulk import bulk_cursor
from core.unit_of_work import requires_unit_of_work
from ledger.kinds import Denial, FailureCode
from ledger.orders import Order, Outcome
from wallets.errors import WalletNotFound
from wallets.references import forget_wallets

#: Stands where a failed transaction has its code.
COMPLETED = "completed"

# The columns travel as arrays, which is how values are sent fastest; the function gets orders. It
# finds the limit of failed attempts in a setting of the transaction: whoever reads `given` before
# it calls the function has set it.
_POST = """
    WITH given AS MATERIALIZED (
        SELECT %s::varchar AS request_id, set_config('ledger.failed_attempts', %s, true)
    )
    SELECT posted.* FROM given, ledger_post(
        ARRAY(SELECT ROW(o.*)::ledger_order_v2
                FROM unnest(%b::varchar[], %b::uuid[], %b::uuid[], %b::bigint[], %b::varchar[],
                            %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[]) AS o),
        given.request_id, false) AS posted
"""


@requires_unit_of_work
def post(orders: Sequence[Order]) -> list[Outcome]:
    """Carry the orders out, each in its turn, and return one outcome per order.

    A refusal (a wallet not active, too little available, a balance too large) is an outcome and a
    row, never an exception. The wallets must exist and the two of an order hold the same asset:
    the caller has checked that. What moves between two people is for `post_or_deny`. Raises
    `WalletNotFound` where that was known of a database that has been replaced by one without the
    wallet.
    """
    outcomes = [each for each in post_or_deny(orders) if not isinstance(each, Denial)]
    if len(outcomes) < len(orders):
        raise TypeError("Only `post_or_deny` takes what may be denied.")
    return outcomes


@requires_unit_of_work
def post_or_deny(orders: Sequence[Order]) -> list[Outcome | Denial]:
    """Carry out orders that may be denied; such a one leaves no row.

    Denied is a charge that its payer does not allow, and what failed between two accounts of whom
    `settings.FAILED_ATTEMPTS` of an hour are on record. Else it behaves as `post` does.
    """
    if not orders:
        return []
    started = time.perf_counter()
    columns: list[list[Any] | None] = [
        [str(o.kind) for o in orders],
        [o.source_id for o in orders],
        [o.target_id for o in orders],
        [o.amount_minor for o in orders],
        [o.summary for o in orders],
        _unless_empty([o.actor_id for o in orders]),
        _unless_empty([o.origin_id for o in orders]),
        _unless_empty([o.group_id for o in orders]),
        _unless_empty([o.paytoken_id for o in orders]),
        _unless_empty([o.payment_request_id for o in orders]),
    ]
    with bulk_cursor() as cursor:
        try:
            limit = str(settings.FAILED_ATTEMPTS)
            cursor.execute(_POST, [context.request_id.get(), limit, *columns])
        except DatabaseError as error:
            if isinstance(error.__cause__, NoDataFound):
                forget_wallets()
                raise WalletNotFound from error
            raise
        rows = cursor.fetchall()
    metrics.POST_SECONDS.observe(time.perf_counter() - started)
    results = [
        Denial(code)
        if posted is None
        else Outcome(posted, FailureCode(code) if code else None, *balances)
        for posted, code, *balances in rows
    ]
    transaction.on_commit(
        partial(metrics.count_transactions, sums_of(orders, results)), robust=True
    )
    return results


def _unless_empty(ids: list[uuid.UUID | None]) -> list[uuid.UUID | None] | None:
    """Return the column, or None where no order has an id: `unnest` makes NULLs of that, faster."""
    return ids if any(ids) else None


def sums_of(
    orders: Sequence[Order], results: Sequence[Outcome | Denial]
) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Return how many of each kind, asset and code there are, and their sum in minor units.

    The code is `completed`, or why they failed. What was denied is no transaction.
    """
    sums: dict[tuple[str, str, str], tuple[int, int]] = {}
    for order, result in zip(orders, results, strict=True):
        if isinstance(result, Denial):
            continue
        key = (str(order.kind), order.asset_id, str(result.failure or COMPLETED))
        transactions, amount_minor = sums.get(key, (0, 0))
        sums[key] = (transactions + 1, amount_minor + order.amount_minor)
    return sums
