"""Deposits and withdrawals: cash that an owner moves between the world and a wallet."""

import uuid

from accounts.models import User
from commerce.movements import move
from core.unit_of_work import requires_unit_of_work
from ledger.kinds import Kind
from ledger.orders import Order, order_into, order_out_of
from wallets.assets import amount_minor
from wallets.models import Wallet
from wallets.references import own_cash_wallet_ref, ref_of
from wallets.services import open_cash_wallet


@requires_unit_of_work
def open_wallet(owner: User, *, currency: str, balance: str = "0") -> Wallet:
    """Create a wallet of the owner's and return it; a `balance` is its first deposit.

    Raises as `open_cash_wallet`, `order_deposit` and `move` do.
    """
    wallet = open_cash_wallet(owner, currency)
    first_minor = amount_minor(balance, currency, field="balance", zero_allowed=True)
    if first_minor:
        order = order_into(Kind.DEPOSIT, ref_of(wallet), first_minor, actor_id=owner.pk)
        outcome = move(order, owner)
        wallet.balance_minor, wallet.updated_at = outcome.target_balance_minor, outcome.created_at
    return wallet


def order_deposit(owner: User, *, wallet_id: uuid.UUID, amount: str, summary: str = "") -> Order:
    """Order money put into the owner's wallet. `amount` is a plain decimal.

    Raises `WalletNotFound`, `NotCash`, `InvalidInput`, `AmountNotPositive`.
    """
    wallet = own_cash_wallet_ref(owner, wallet_id)
    deposited_minor = amount_minor(amount, wallet.asset_id)
    return order_into(Kind.DEPOSIT, wallet, deposited_minor, summary=summary, actor_id=owner.pk)


def order_withdrawal(owner: User, *, wallet_id: uuid.UUID, amount: str, summary: str = "") -> Order:
    """Order money taken out of the owner's wallet. Raises as `order_deposit` does."""
    wallet = own_cash_wallet_ref(owner, wallet_id)
    withdrawn_minor = amount_minor(amount, wallet.asset_id)
    return order_out_of(
        Kind.WITHDRAWAL, wallet, withdrawn_minor, summary=summary, actor_id=owner.pk
    )
