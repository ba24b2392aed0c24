"""Deposits and withdrawals: cash that moves between the world and a wallet.

Who says so is `WALLET_SERVICE_CASH`: the wallet's owner, or operators alone.
"""

import uuid
from decimal import Decimal

from django.conf import settings

from accounts.models import Role, User
from commerce.movements import move
from core.errors import PermissionDenied
from core.unit_of_work import requires_unit_of_work
from ledger.kinds import Kind
from ledger.orders import Order, order_into, order_out_of
from wallets.assets import amount_minor
from wallets.models import Wallet
from wallets.references import WalletRef, cash_wallet_ref, own_cash_wallet_ref, ref_of
from wallets.services import open_cash_wallet


class CashByOperators(PermissionDenied):
    code = "cash_by_operators"
    message = "Only operators put money into wallets and take it out."


def require_cash_allowed(actor: User) -> None:
    """Raise `CashByOperators` for an owner where only operators deposit and withdraw."""
    if settings.CASH == "operators" and actor.role != Role.OPERATOR:
        raise CashByOperators


@requires_unit_of_work
def open_wallet(owner: User, *, currency: str, balance: str = "0") -> Wallet:
    """Create a wallet of the owner's and return it; a `balance` is its first deposit.

    `balance` is a plain decimal. Raises as `open_cash_wallet`, `order_deposit` and `move` do.
    """
    if Decimal(balance) > 0:
        require_cash_allowed(owner)
    wallet = open_cash_wallet(owner, currency)
    first_minor = amount_minor(balance, currency, field="balance", zero_allowed=True)
    if first_minor:
        order = order_into(Kind.DEPOSIT, ref_of(wallet), first_minor, actor_id=owner.pk)
        outcome = move(order, owner)
        wallet.balance_minor, wallet.updated_at = outcome.target_balance_minor, outcome.created_at
    return wallet


def order_deposit(actor: User, *, wallet_id: uuid.UUID, amount: str, summary: str = "") -> Order:
    """Order money put into a wallet: the actor's, or by an operator anybody's. A plain decimal.

    Raises `CashByOperators`, `WalletNotFound`, `NotCash`, `InvalidInput`, `AmountNotPositive`.
    """
    wallet = _wallet_ref(actor, wallet_id)
    deposited_minor = amount_minor(amount, wallet.asset_id)
    return order_into(Kind.DEPOSIT, wallet, deposited_minor, summary=summary, actor_id=actor.pk)


def order_withdrawal(actor: User, *, wallet_id: uuid.UUID, amount: str, summary: str = "") -> Order:
    """Order money taken out of a wallet. Behaves as `order_deposit` does."""
    wallet = _wallet_ref(actor, wallet_id)
    withdrawn_minor = amount_minor(amount, wallet.asset_id)
    return order_out_of(
        Kind.WITHDRAWAL, wallet, withdrawn_minor, summary=summary, actor_id=actor.pk
    )


def _wallet_ref(actor: User, wallet_id: uuid.UUID) -> WalletRef:
    require_cash_allowed(actor)
    # Where owners do it themselves, another's wallet does not exist for operators either.
    if settings.CASH == "operators":
        return cash_wallet_ref(wallet_id)
    return own_cash_wallet_ref(actor, wallet_id)
