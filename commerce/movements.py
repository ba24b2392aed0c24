"""What every flow ends in: an order or a group, posted, and its outcome or what refuses it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from accounts.models import Role, User
from core.errors import Refusal
from core.unit_of_work import requires_unit_of_work
from ledger.errors import (
    REFUSAL_OF_DENIAL,
    REFUSAL_OF_FAILURE,
    InsufficientFunds,
    TooManyFailedAttempts,
)
from ledger.failed_attempts import seconds_until_recorded
from ledger.holds import refusal_with_details
from ledger.kinds import Denial, FailureCode
from ledger.orders import Order, Outcome
from ledger.post import GroupRefused, post_group, post_or_deny
from wallets.assets import is_system_wallet, to_decimal
from wallets.errors import CurrencyMismatch, SameWallet, WalletNotFound
from wallets.references import wallet_ref
from wallets.selectors import get_wallet


@requires_unit_of_work
def move(order: Order, actor: User) -> Outcome:
    """Carry out what the actor ordered and return what became of it.

    Raises `WalletNotFound` and `CurrencyMismatch` before anything is tried, and
    `InsufficientFunds`, `WalletNotActive`, `BalanceLimit` for an attempt that failed, which is on
    record once the unit of work commits. For what is denied, raises the refusal of that denial.
    When a split cannot be paid, `details.split` is its place from 0. What the target holds in the
    outcome is what the fee and the splits have left it.
    """
    if order.splits:
        outcome, *_ = move_group(
            order.group, actor, details=lambda place: {"split": place - 1} if place else {}
        )
    else:
        check_wallets(order)
        [result] = post_or_deny([order])
        if isinstance(result, Denial) or result.failure is not None:
            raise _refusal(result, order, actor)
        outcome = result
    if order.splits or outcome.fee_minor:
        wallet = get_wallet(order.target_id)
        outcome = replace(outcome, target_balance_minor=wallet.balance_minor)
    return outcome


@requires_unit_of_work
def move_group(
    orders: Sequence[Order], actor: User, *, details: Callable[[int], dict[str, int]]
) -> list[Outcome]:
    """Carry out the orders of one group, all of them or none, and return what became of each.

    Raises as `move` does, for the first order that failed; `details` makes of its place in the
    group, from 0, what the refusal's details tell besides.
    """
    for order in orders:
        check_wallets(order)
    result = post_group(orders)
    if not isinstance(result, GroupRefused):
        return result
    refusal = _refusal(result.result, orders[result.place], actor)
    refusal.details.update(details(result.place))
    raise refusal


def refuse_same_or_system_wallet(order: Order) -> Order:
    """Return the order as it is. For flows between two wallets that people own.

    Raises `SameWallet` when both sides are one wallet, and `WalletNotFound` when a side is a system
    wallet, which nobody may name. Whether both wallets exist is decided later.
    """
    if order.source_id == order.target_id:
        raise SameWallet
    if any(is_system_wallet(each, order.asset_id) for each in (order.source_id, order.target_id)):
        raise WalletNotFound
    return order


def check_wallets(order: Order) -> None:
    """Raise `WalletNotFound` or `CurrencyMismatch` unless both wallets can take part."""
    for wallet_id in (order.source_id, order.target_id):
        if is_system_wallet(wallet_id, order.asset_id):
            continue
        if wallet_ref(wallet_id).asset_id != order.asset_id:
            raise CurrencyMismatch


def _refusal(result: Outcome | Denial, order: Order, actor: User) -> Refusal:
    """Return what the order, which was not completed, is refused with."""
    if isinstance(result, Denial):
        return _refusal_of_denial(result, order)
    refusal = REFUSAL_OF_FAILURE[FailureCode(str(result.failure))]
    # What a wallet holds is its owner's business, not that of everyone who tries to charge it.
    may_know = actor.role == Role.OPERATOR or (
        not is_system_wallet(order.source_id, order.asset_id)
        and wallet_ref(order.source_id).owner_id == actor.pk
    )
    if refusal is not InsufficientFunds or not may_know:
        return refusal()
    available_minor = result.available_minor or 0
    return InsufficientFunds(
        available=to_decimal(available_minor, order.asset_id),
        shortfall=to_decimal(order.amount_minor - available_minor, order.asset_id),
    )


def _refusal_of_denial(denial: Denial, order: Order) -> Refusal:
    if denial == Denial.TOO_MANY_FAILED_ATTEMPTS:
        return TooManyFailedAttempts(retry_after_seconds=seconds_until_recorded(order))
    refusal = REFUSAL_OF_DENIAL[denial]
    if order.hold_id is None or order.hold_seconds is not None:
        return refusal()
    return refusal_with_details(refusal, order.hold_id, order.asset_id)
