"""Dry runs: work is done with all of its locks and refusals, and nothing of it is kept.

But for one thing. A refusal over another's wallet leaves no row, and tells what is in the wallet;
so a caller gets few of them an hour of each payer (`ledger/sql/dry_refusals.sql`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection

from accounts.models import Role, User
from core.dry_run import DryRun, begin_dry_run, present_dry_run
from core.errors import Refusal
from core.unit_of_work import requires_unit_of_work, roll_back_always, unit_of_work
from ledger.errors import TooManyFailedAttempts
from ledger.kinds import Denial
from ledger.orders import Order
from wallets.assets import is_system_wallet
from wallets.references import wallet_ref
from wallets.services import lock_wallets

Result = TypeVar("Result")
#: What `ledger_post` returns of an order: its transaction, why it was refused, and amounts.
Row = tuple[Any, ...]
Post = Callable[[Sequence[Order]], list[Row]]

#: The code of an order of whose group another one failed.
NOT_CARRIED_OUT = "not_carried_out"
#: Codes that say nothing of what is in the payer's wallet.
_UNCOUNTED = (
    None,
    NOT_CARRIED_OUT,
    Denial.HOLD_NOT_ACTIVE,
    Denial.HOLD_EXPIRED,
    Denial.CAPTURE_EXCEEDS_HOLD,
    Denial.SPLITS_EXCEED_AMOUNT,
)


def try_out(work: Callable[[], Result], caller: User) -> Result:
    """Return or raise what `unit_of_work(work)` would, and keep nothing but the count of refusals.

    Operators look into any wallet: what they are refused is not counted.
    """
    counted_caller = None if caller.role == Role.OPERATOR else caller.pk

    def tried() -> Result | Refusal:
        if counted_caller is not None:
            _execute("SELECT take_turn_of_dry_run(%s)", counted_caller)
        with begin_dry_run(counted_caller) as run:
            try:
                result: Result | Refusal = roll_back_always(work)
            except Refusal as refusal:
                result = refusal
        if run.refused:
            # By its own statement, after the roll-back: this is what is kept.
            _execute("SELECT count_dry_refusals(%s, %s)", caller.pk, run.refused)
        return result

    result = unit_of_work(tried)
    if isinstance(result, Refusal):
        raise result
    return result


def counted(refusal: Refusal, wallet_id: UUID) -> Refusal:
    """Return the refusal, which is over this wallet; `TooManyFailedAttempts` without room for it.

    Outside a dry run it is returned as it is, and so is what the wallet's owner is refused. For
    what is refused before it is an order: `post_in_turn` counts orders.
    """
    run = present_dry_run()
    payer = None if run is None else _stranger(run, wallet_id)
    if run is None or payer is None:
        return refusal
    _look_for_room(run, [payer])
    if not run.room[payer]:
        return TooManyFailedAttempts(retry_after_seconds=_seconds_until_room(run, payer))
    _count(run, [payer])
    return refusal


def seconds_until_tried(order: Order) -> int | None:
    """Return in how many seconds a dry run may try the payer of this order again.

    None when nothing is in its way, and outside a dry run.
    """
    run = present_dry_run()
    payer = None if run is None else _payer_of(run, order)
    if run is None or payer is None or run.room.get(payer) != 0:
        return None
    return _seconds_until_room(run, payer)


@requires_unit_of_work
def post_in_turn(run: DryRun, orders: Sequence[Order], post: Post) -> list[Row]:
    """Post the orders of a dry run, and count those over another's wallet that are refused.

    Without room for one more refusal an order is denied, whatever would have become of it. So no
    more orders of a payer are posted at once than may be refused; the next ones wait until it is
    known what became of them. Orders of a group stay together, and count as one.
    """
    groups = [list(group) for group in _groups_of(orders)]
    payers = [_payers_of(run, group) for group in groups]
    if not any(payers):
        return post(orders)
    _look_for_room(run, set().union(*payers))
    # More than once they might not be locked in their order.
    lock_wallets(sorted({side for o in orders for side in (o.source_id, o.target_id)}))
    rows: list[Row] = []
    waiting: list[tuple[list[Order], set[UUID]]] = []
    waiting_of: Counter[UUID] = Counter()

    def post_waiting() -> None:
        posted = iter(post([order for group, _ in waiting for order in group]) if waiting else ())
        for group, of_group in waiting:
            became = [next(posted) for _ in group]
            rows.extend(became)
            if any(code not in _UNCOUNTED for _, code, *_ in became):
                _count(run, of_group)
        waiting.clear()
        waiting_of.clear()

    for group, of_group in zip(groups, payers, strict=True):
        if any(waiting_of[payer] >= run.room[payer] for payer in of_group):
            # Also where there is no room at all: the rows stay in their order.
            post_waiting()
        if all(run.room[payer] for payer in of_group):
            waiting.append((group, of_group))
            waiting_of.update(of_group)
        else:
            rows.append((None, Denial.TOO_MANY_FAILED_ATTEMPTS))
            rows.extend([(None, NOT_CARRIED_OUT)] * (len(group) - 1))
    post_waiting()
    return rows


@requires_unit_of_work
def delete_old_refusals() -> int:
    """Delete the lists of which nothing counts any more, and return how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM ledger_dryrefusals"
            " WHERE refused_at[cardinality(refused_at)] <= current_moment() - interval '1 hour'"
        )
        return int(cursor.rowcount)


def _groups_of(orders: Sequence[Order]) -> Iterable[Iterable[Order]]:
    """Return consecutive orders of one group together, others each by itself."""
    numbered = groupby(enumerate(orders), key=lambda each: each[1].group_id or each[0])
    return ((order for _, order in group) for _, group in numbered)


def _payers_of(run: DryRun, orders: Iterable[Order]) -> set[UUID]:
    """Return the accounts of strangers whose wallets these orders take from."""
    return {payer for order in orders if (payer := _payer_of(run, order)) is not None}


def _payer_of(run: DryRun, order: Order) -> UUID | None:
    if is_system_wallet(order.source_id, order.asset_id):
        return None
    return _stranger(run, order.source_id)


def _stranger(run: DryRun, wallet_id: UUID) -> UUID | None:
    """Return whose wallet it is, unless it is the caller's own or nothing is counted."""
    if run.counted_caller is None:
        return None
    owner_id = wallet_ref(wallet_id).owner_id
    return None if owner_id == run.counted_caller else owner_id


def _look_for_room(run: DryRun, payers: Iterable[UUID]) -> None:
    unknown = [payer for payer in payers if payer not in run.room]
    if unknown:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT payer_id, room FROM room_for_dry_refusals(%s, %s)",
                [run.counted_caller, unknown],
            )
            run.room.update(cursor.fetchall())


def _seconds_until_room(run: DryRun, payer: UUID) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seconds FROM room_for_dry_refusals(%s, %s)", [run.counted_caller, [payer]]
        )
        [seconds] = cursor.fetchone()
    return max(1, int(seconds))


def _count(run: DryRun, payers: Iterable[UUID]) -> None:
    for payer in payers:
        run.refused.append(payer)
        run.room[payer] -= 1


def _execute(sql: str, *values: UUID | list[UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
