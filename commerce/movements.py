"""What every flow does in the end: one order, posted, and its outcome told."""

from dataclasses import dataclass

from accounts.models import Role, User
from core.errors import Refusal
from core.money import to_major
from ledger.errors import REFUSAL_OF_FAILURE, InsufficientFunds
from ledger.kinds import FailureCode, Kind
from ledger.models import Transaction
from ledger.post import Order, Outcome, post
from wallets.assets import get_asset
from wallets.errors import CurrencyMismatch, SameWallet
from wallets.models import Wallet


@dataclass(frozen=True, slots=True)
class Movement:
    """A completed movement, and its two wallets as they are after it."""

    kind: Kind
    amount_minor: int
    outcome: Outcome
    source: Wallet
    target: Wallet


def move(
    kind: Kind,
    *,
    source: Wallet,
    target: Wallet,
    amount_minor: int,
    actor: User,
    summary: str = "",
    origin: Transaction | None = None,
) -> Movement:
    """Move money from one wallet to another; either may be a system wallet.

    Requires a unit of work. Raises `SameWallet` and `CurrencyMismatch` before anything is tried,
    and `InsufficientFunds`, `WalletNotActive`, `BalanceLimit` for an attempt that failed, which
    is on record once the unit commits.
    """
    if source.id == target.id:
        raise SameWallet
    if source.asset_id != target.asset_id:
        raise CurrencyMismatch
    order = Order(
        kind,
        source.id,
        target.id,
        amount_minor,
        summary=summary,
        actor_id=actor.pk,
        origin_id=origin.id if origin else None,
        asset_id=source.asset_id,
    )
    [outcome] = post([order])
    if outcome.failure is not None:
        raise _refusal(outcome.failure, outcome, order, source=source, actor=actor)
    source.balance_minor = outcome.source_balance_minor
    target.balance_minor = outcome.target_balance_minor
    source.updated_at = target.updated_at = outcome.created_at
    return Movement(kind, amount_minor, outcome, source, target)


def _refusal(
    failure: FailureCode, outcome: Outcome, order: Order, *, source: Wallet, actor: User
) -> Refusal:
    refusal = REFUSAL_OF_FAILURE[failure]
    # What a wallet holds is its owner's business, not that of everyone who tries to charge it.
    may_know = actor.pk == source.owner_id or actor.role == Role.OPERATOR
    if refusal is not InsufficientFunds or not may_know:
        return refusal()
    available_minor = outcome.available_minor or 0
    decimals = get_asset(source.asset_id).decimals
    return InsufficientFunds(
        available=to_major(available_minor, decimals=decimals),
        shortfall=to_major(order.amount_minor - available_minor, decimals=decimals),
    )
