"""The one way to move money: `post(orders)`.

One order or ten thousand, the path is the same: a single charge is a batch of one. What it does
is one PostgreSQL function, `ledger/sql/post.sql`, called in one trip.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from psycopg.errors import NoDataFound
from psycopg.types.json import Jsonb

from core import context, metrics
from core.connections.bulk import bulk_cursor
from core.dry_run import present_dry_run
from core.unit_of_work import requires_unit_of_work
from ledger.dry_runs import NOT_CARRIED_OUT, Row, post_in_turn
from ledger.kinds import Denial, FailureCode, Kind
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
        ARRAY(SELECT ROW(o.*)::ledger_order_v3
                FROM unnest(%b::varchar[], %b::uuid[], %b::uuid[], %b::bigint[], %b::varchar[],
                            %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[],
                            %b::uuid[], %b::integer[], %b::boolean[], %b::varchar[], %b::jsonb[])
                     AS o),
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
    rows = _post(orders)
    results = [_result(row) for row in rows]
    _count_on_commit(orders, results)
    return results


@dataclass(frozen=True, slots=True)
class GroupRefused:
    """Why none of a group was carried out.

    `place` is that of the order that failed, from 0; `result` what is on record of it, or why
    nothing is. Of a split that failed, the charge that it is a part of is on record.
    """

    place: int
    result: Outcome | Denial


@requires_unit_of_work
def post_group(orders: Sequence[Order]) -> list[Outcome] | GroupRefused:
    """Carry out orders of one group (they have one `group_id`): all, or none of them."""
    rows = _post(orders)
    refused = [place for place, row in enumerate(rows) if row[1] not in (None, NOT_CARRIED_OUT)]
    if not refused:
        outcomes = [_outcome(row) for row in rows]
        _count_on_commit(orders, outcomes)
        return outcomes
    recorded = refused[0]
    result = _result(rows[recorded])
    _count_on_commit([orders[recorded]], [result])
    return GroupRefused(refused[-1], result)


def _post(orders: Sequence[Order]) -> list[Row]:
    """Return the rows that `ledger_post` returns."""
    if not orders:
        return []
    run = present_dry_run()
    return _post_at_once(orders) if run is None else post_in_turn(run, orders, _post_at_once)


def _post_at_once(orders: Sequence[Order]) -> list[Row]:
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
        _unless_empty([o.hold_id for o in orders]),
        _unless_empty([o.hold_seconds for o in orders]),
        _unless_empty([o.is_final for o in orders]),
        _unless_empty([o.reference for o in orders]),
        _unless_empty([Jsonb(o.metadata) if o.metadata else None for o in orders]),
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
        rows: list[Row] = cursor.fetchall()
    metrics.POST_SECONDS.observe(time.perf_counter() - started)
    return rows


def _result(row: Row) -> Outcome | Denial:
    return Denial(row[1]) if row[0] is None else _outcome(row)


def _outcome(row: Row) -> Outcome:
    posted, code, *amounts = row
    return Outcome(posted, FailureCode(code) if code else None, *amounts)


def _count_on_commit(orders: Sequence[Order], results: Sequence[Outcome | Denial]) -> None:
    counted = partial(metrics.count_transactions, sums_of(orders, results))
    transaction.on_commit(counted, robust=True)


def _unless_empty(column: list[Any]) -> list[Any] | None:
    """Return the column, or None where no order has it: `unnest` makes NULLs of that, faster."""
    return None if column.count(None) == len(column) else column


#: How many of each kind, asset and code there are, and their sum in minor units.
Sums = dict[tuple[str, str, str], tuple[int, int]]


def sums_of(orders: Sequence[Order], results: Sequence[Outcome | Denial]) -> Sums:
    """Return the sums of what was tried. What was denied is no transaction.

    The code is `completed`, or why they failed.
    """
    sums: Sums = {}
    for order, result in zip(orders, results, strict=True):
        if isinstance(result, Denial):
            continue
        code = str(result.failure or COMPLETED)
        _add(sums, (str(order.kind), order.asset_id, code), result.amount_minor)
        if result.fee_minor and result.failure is None:
            _add(sums, (str(Kind.FEE), order.asset_id, COMPLETED), result.fee_minor)
    return sums


def completed_sums(order: Order, amount_minor: int, fee_minor: int | None) -> Sums:
    """Return the sums of an order that moved `amount_minor`, of its splits and its fee."""
    sums: Sums = {}
    _add(sums, (str(order.kind), order.asset_id, COMPLETED), amount_minor)
    for split in order.splits:
        _add(sums, (str(split.kind), order.asset_id, COMPLETED), split.amount_minor)
    if fee_minor:
        _add(sums, (str(Kind.FEE), order.asset_id, COMPLETED), fee_minor)
    return sums


def _add(sums: Sums, key: tuple[str, str, str], amount_minor: int) -> None:
    transactions, sum_minor = sums.get(key, (0, 0))
    sums[key] = (transactions + 1, sum_minor + amount_minor)
