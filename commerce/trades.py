"""Trades: several movements of a platform's credits, all of them or none."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from django.db.models import QuerySet

from accounts.models import User
from commerce.credits import (
    credited_user,
    order_bonus,
    order_spend,
    order_top_up,
    order_user_transfer,
)
from commerce.errors import UnknownAsset
from commerce.movements import move_group
from commerce.staff_limit import move_group_by_api
from core.errors import InvalidInput, Refusal, Unavailable
from core.unit_of_work import requires_unit_of_work, roll_back_always
from ledger.kinds import Kind, source_purpose
from ledger.orders import Order, Outcome
from wallets.assets import find_asset, get_asset, system_wallet_id
from wallets.models import Status, Wallet
from wallets.services import lock_wallets, wallet_to_credit

MOST_OPERATIONS = 20
#: What a group may consist of.
TRADED = (Kind.TOPUP, Kind.BONUS, Kind.SPEND, Kind.TRANSFER)


@dataclass(frozen=True, slots=True)
class Operation:
    """One movement of a user's credits. `amount` is a plain decimal of the asset.

    A transfer goes to the user `to_user_id`; of the others it is None.
    """

    kind: Kind
    user_id: uuid.UUID
    symbol: str
    amount: str
    summary: str = ""
    to_user_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Trade:
    """What was carried out: the group, and each operation's order with what became of it."""

    group_id: uuid.UUID
    movements: Sequence[tuple[Operation, Order, Outcome]]


@requires_unit_of_work
def trade(operator: User, operations: Sequence[Operation], *, address: str | None) -> Trade:
    """Carry out the operations in their order, all of them or none.

    Each is decided on what those before it have left. The first that fails refuses all, with its
    place from 0 in `details.operation`, and it alone is on record. What staff trade is a support
    action from the IP `address`, within what they may move alone of each asset.

    Raises `UnknownUser`, `UnknownAsset`, `ApprovalNeeded`, what `order_top_up`, `order_spend` and
    `order_user_transfer` do, and what `move_group` does.
    """
    group_id = uuid.uuid4()
    move = partial(move_group_by_api, address=address) if operator.is_staff else move_group
    plan = partial(_plan, operator, operations, group_id)
    absent = _users_without_wallet(operations)
    orders, refusal = ([], None) if absent else plan()
    if absent or refusal is not None:
        # What an earlier operation made must not outlive a later one's refusal, nor may a later
        # one's refusal hide that an earlier one fails: it is tried first, under the same locks.
        _lock(operator, operations, absent)
        tried = roll_back_always(lambda: _try(plan, operator, move))
        if tried.refusal is not None:
            if tried.place is None:
                raise tried.refusal
            place, operation = tried.place, operations[tried.place]
            # It stands in the row of what failed, whichever operation made it.
            wallet_to_credit(credited_user(operation.user_id), get_asset(operation.symbol))
            failed = replace(_order(operator, operation), group_id=group_id)
            again = [*_without_made(tried.orders[: place + 1], failed), failed]
            move(again, operator, details=lambda _: {"operation": place})
            # A hold expired in between, and there is enough now.
            raise Unavailable
        orders, _ = plan()
    outcomes = move(orders, operator, details=lambda place: {"operation": place})
    return Trade(group_id, list(zip(operations, orders, outcomes, strict=True)))


@dataclass(frozen=True, slots=True)
class _Tried:
    """What became of a try. `place` is that of the order which the ledger refused, if it did."""

    orders: list[Order]
    refusal: Refusal | None
    place: int | None = None


def _try(
    plan: Callable[[], tuple[list[Order], Refusal | None]],
    operator: User,
    move: Callable[..., list[Outcome]],
) -> _Tried:
    orders, refusal = plan()
    if not orders:
        return _Tried(orders, refusal)
    try:
        move(orders, operator, details=lambda place: {"operation": place})
    except Refusal as first:
        return _Tried(orders, first, first.details.get("operation"))
    return _Tried(orders, refusal)


def _plan(
    operator: User, operations: Sequence[Operation], group_id: uuid.UUID
) -> tuple[list[Order], Refusal | None]:
    """Return the orders of the operations before the first that cannot be one, and why not."""
    orders: list[Order] = []
    for place, operation in enumerate(operations):
        try:
            orders.append(replace(_order(operator, operation), group_id=group_id))
        except InvalidInput as refusal:
            reasons = {f"operations[{place}].{f}": why for f, why in refusal.details.items()}
            raise InvalidInput(reasons) from None
        except Refusal as refusal:
            refusal.details["operation"] = place
            return orders, refusal
    return orders, None


def _users_without_wallet(operations: Sequence[Operation]) -> set[uuid.UUID]:
    """Return the users for whom a first credit has to make a wallet."""
    credited = {
        (each.to_user_id or each.user_id, each.symbol)
        for each in operations
        if each.kind != Kind.SPEND
    }
    there = _wallets_of(operations).values_list("owner_id", "asset_id")
    return {user_id for user_id, _ in credited - set(there)}


def _wallets_of(operations: Sequence[Operation]) -> QuerySet[Wallet]:
    named = {user_id for each in operations for user_id in (each.user_id, each.to_user_id)}
    return Wallet.objects.filter(
        owner_id__in=named - {None}, asset_id__in={each.symbol for each in operations}
    ).exclude(status=Status.CLOSED)


def _lock(operator: User, operations: Sequence[Operation], absent: set[uuid.UUID]) -> None:
    """Lock all that the operations may change: the users before the wallets, each by their ids."""
    users = absent | ({operator.pk} if operator.is_staff else set())
    list(User.objects.select_for_update(no_key=True).filter(pk__in=users).order_by("pk"))
    lock_wallets(sorted(_wallets_of(operations).values_list("pk", flat=True)))


def _without_made(tried: Sequence[Order], failed: Order) -> list[Order]:
    """Return what was tried before the order that failed, the last, without the wallets made.

    They leave the wallets of `failed` as they were when it was tried. A wallet that was made for
    another operation is not there any more: a system wallet, which is not decided on, has its
    place. None of these orders goes on record, as the group fails.
    """
    *before, last = tried
    now = {last.source_id: failed.source_id, last.target_id: failed.target_id}
    named = {now.get(each, each) for o in before for each in (o.source_id, o.target_id)}
    there = set(
        Wallet.objects.filter(pk__in=named, owner_id__isnull=False).values_list("pk", flat=True)
    )
    orders = []
    for order in before:
        system = system_wallet_id(order.asset_id, source_purpose(Kind.TOPUP))
        source, target = (
            side if (side := now.get(each, each)) in there else system
            for each in (order.source_id, order.target_id)
        )
        if source != target:
            orders.append(replace(order, source_id=source, target_id=target))
    return orders


def _order(operator: User, operation: Operation) -> Order:
    user = credited_user(operation.user_id)
    asset = find_asset(operation.symbol)
    if asset is None:
        raise UnknownAsset
    if operation.to_user_id is not None:
        return order_user_transfer(
            operator,
            user=user,
            to_user=credited_user(operation.to_user_id),
            asset=asset,
            amount=operation.amount,
            summary=operation.summary,
        )
    order = _ORDER_OF_KIND[operation.kind]
    return order(
        operator, user=user, asset=asset, amount=operation.amount, summary=operation.summary
    )


_ORDER_OF_KIND: dict[Kind, Callable[..., Order]] = {
    Kind.TOPUP: order_top_up,
    Kind.BONUS: order_bonus,
    Kind.SPEND: order_spend,
}
