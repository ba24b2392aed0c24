"""Trades: several movements of a platform's credits, all of them or none."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

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
from core.errors import InvalidInput, Refusal
from core.unit_of_work import requires_unit_of_work
from ledger.kinds import Kind
from ledger.orders import Order, Outcome
from wallets.assets import find_asset

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
    place from 0 in `details.operation`, and it alone is on record. A wallet that was opened for a
    first credit stays, empty, as the ledger keeps what was tried of it. What staff trade is a
    support action from the IP `address`, within what they may move alone of each asset.

    Raises `UnknownUser`, `UnknownAsset`, `ApprovalNeeded`, what `order_top_up`, `order_spend` and
    `order_user_transfer` do, and what `move_group` does.
    """
    group_id = uuid.uuid4()
    orders = []
    for place, operation in enumerate(operations):
        with _at_place(place):
            orders.append(replace(_order(operator, operation), group_id=group_id))
    move = partial(move_group_by_api, address=address) if operator.is_staff else move_group
    outcomes = move(orders, operator, details=lambda place: {"operation": place})
    return Trade(group_id, list(zip(operations, orders, outcomes, strict=True)))


@contextmanager
def _at_place(place: int) -> Iterator[None]:
    """Let a refusal tell which operation it is about."""
    try:
        yield
    except InvalidInput as refusal:
        reasons = {field: list(why) for field, why in refusal.details.items()}
        raise InvalidInput(
            {f"operations[{place}].{f}": why for f, why in reasons.items()}
        ) from None
    except Refusal as refusal:
        refusal.details["operation"] = place
        raise


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
