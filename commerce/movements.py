"""What every flow ends in: one order, posted, and its outcome or the refusal that it means."""

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
from ledger.kinds import Denial, FailureCode
from ledger.orders import Order, Outcome
from ledger.post import post_or_deny
from wallets.assets import is_system_wallet, to_decimal
from wallets.errors import CurrencyMismatch, SameWallet, WalletNotFound
from wallets.references import wallet_ref


@requires_unit_of_work
def move(order: Order, actor: User) -> Outcome:
    """Carry out what the actor ordered and return what became of it.

    Raises `WalletNotFound` and `CurrencyMismatch` before anything is tried, and
    `InsufficientFunds`, `WalletNotActive`, `BalanceLimit` for an attempt that failed, which is on
    record once the unit of work commits. For what is denied, raises the refusal of that denial.
    """
    check_wallets(order)
    [result] = post_or_deny([order])
    if result == Denial.TOO_MANY_FAILED_ATTEMPTS:
        raise TooManyFailedAttempts(retry_after_seconds=seconds_until_recorded(order))
    if isinstance(result, Denial):
        raise REFUSAL_OF_DENIAL[result]
    if result.failure is not None:
        raise _refusal(result.failure, result, order, actor)
    return result


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


def _refusal(failure: FailureCode, outcome: Outcome, order: Order, actor: User) -> Refusal:
    refusal = REFUSAL_OF_FAILURE[failure]
    # What a wallet holds is its owner's business, not that of everyone who tries to charge it.
    may_know = actor.role == Role.OPERATOR or (
        not is_system_wallet(order.source_id, order.asset_id)
        and wallet_ref(order.source_id).owner_id == actor.pk
    )
    if refusal is not InsufficientFunds or not may_know:
        return refusal()
    available_minor = outcome.available_minor or 0
    return InsufficientFunds(
        available=to_decimal(available_minor, order.asset_id),
        shortfall=to_decimal(order.amount_minor - available_minor, order.asset_id),
    )
