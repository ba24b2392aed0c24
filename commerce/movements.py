"""What every flow does in the end: one order, posted, and its outcome told."""

from dataclasses import dataclass

from accounts.models import Role, User
from core.errors import Refusal
from ledger.errors import REFUSAL_OF_FAILURE, InsufficientFunds
from ledger.kinds import FailureCode, Kind
from ledger.models import Transaction
from ledger.post import Order, Outcome, post
from wallets.assets import to_decimal
from wallets.errors import CurrencyMismatch, SameWallet
from wallets.models import Wallet


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Money that somebody asks to move. `amount_minor` is in minor units of the wallets' asset."""

    kind: Kind
    source: Wallet
    target: Wallet
    amount_minor: int
    actor: User
    summary: str = ""
    origin: Transaction | None = None

    def order(self) -> Order:
        """Return what `post` is asked to do. Raises `SameWallet`, `CurrencyMismatch`."""
        if self.source.id == self.target.id:
            raise SameWallet
        if self.source.asset_id != self.target.asset_id:
            raise CurrencyMismatch
        return Order(
            self.kind,
            self.source.id,
            self.target.id,
            self.amount_minor,
            summary=self.summary,
            actor_id=self.actor.pk,
            origin_id=self.origin.id if self.origin else None,
            asset_id=self.source.asset_id,
        )


@dataclass(frozen=True, slots=True)
class Movement:
    """A completed movement, and its two wallets as they are after it."""

    kind: Kind
    amount_minor: int
    outcome: Outcome
    source: Wallet
    target: Wallet


def move(proposal: Proposal) -> Movement:
    """Move money from one wallet to another; either may be a system wallet.

    Requires a unit of work. Raises `SameWallet` and `CurrencyMismatch` before anything is tried,
    and `InsufficientFunds`, `WalletNotActive`, `BalanceLimit` for an attempt that failed, which
    is on record once the unit commits.
    """
    order, source, target = proposal.order(), proposal.source, proposal.target
    [outcome] = post([order])
    if outcome.failure is not None:
        raise _refusal(outcome.failure, outcome, proposal)
    source.balance_minor = outcome.source_balance_minor
    target.balance_minor = outcome.target_balance_minor
    source.updated_at = target.updated_at = outcome.created_at
    return Movement(order.kind, order.amount_minor, outcome, source, target)


def _refusal(failure: FailureCode, outcome: Outcome, proposal: Proposal) -> Refusal:
    refusal = REFUSAL_OF_FAILURE[failure]
    # What a wallet holds is its owner's business, not that of everyone who tries to charge it.
    actor, source = proposal.actor, proposal.source
    may_know = actor.pk == source.owner_id or actor.role == Role.OPERATOR
    if refusal is not InsufficientFunds or not may_know:
        return refusal()
    available_minor = outcome.available_minor or 0
    return InsufficientFunds(
        available=to_decimal(available_minor, source.asset_id),
        shortfall=to_decimal(proposal.amount_minor - available_minor, source.asset_id),
    )
