"""Deposits and withdrawals: cash that an owner moves between the world and a wallet."""

import uuid

from accounts.models import User
from commerce.movements import Movement, Proposal, move
from ledger.kinds import Kind
from wallets.assets import amount_minor, system_wallet
from wallets.models import Purpose, Wallet
from wallets.references import own_cash_wallet_ref
from wallets.services import open_cash_wallet


def open_wallet(owner: User, *, currency: str, balance: str = "0") -> Wallet:
    """Create a wallet of the owner's and return it; a `balance` is its first deposit.

    Requires a unit of work. Raises as `open_cash_wallet` and `deposit` do.
    """
    wallet = open_cash_wallet(owner, currency)
    first_minor = amount_minor(balance, currency, field="balance", zero_allowed=True)
    if first_minor == 0:
        return wallet
    return move(_deposit(owner, wallet, first_minor, summary="")).target


def propose_deposit(
    owner: User, *, wallet_id: uuid.UUID, amount: str, summary: str = ""
) -> Proposal:
    """Propose to put money into the owner's wallet. `amount` is a plain decimal.

    Raises `WalletNotFound`, `NotCash`, `InvalidInput`, `AmountNotPositive`.
    """
    wallet = own_cash_wallet_ref(owner, wallet_id)
    return _deposit(owner, wallet, amount_minor(amount, wallet.asset_id), summary)


def deposit(owner: User, *, wallet_id: uuid.UUID, amount: str, summary: str = "") -> Movement:
    """Put money into the owner's wallet. Raises as `propose_deposit` and `move` do."""
    return move(propose_deposit(owner, wallet_id=wallet_id, amount=amount, summary=summary))


def propose_withdrawal(
    owner: User, *, wallet_id: uuid.UUID, amount: str, summary: str = ""
) -> Proposal:
    """Propose to take money out of the owner's wallet. Raises as `propose_deposit` does."""
    wallet = own_cash_wallet_ref(owner, wallet_id)
    return Proposal(
        kind=Kind.WITHDRAWAL,
        source=wallet,
        target=system_wallet(wallet.asset_id, Purpose.FUNDING),
        amount_minor=amount_minor(amount, wallet.asset_id),
        actor=owner,
        summary=summary,
    )


def withdraw(owner: User, *, wallet_id: uuid.UUID, amount: str, summary: str = "") -> Movement:
    """Take money out of the owner's wallet. Raises as `propose_withdrawal` and `move` do."""
    return move(propose_withdrawal(owner, wallet_id=wallet_id, amount=amount, summary=summary))


def _deposit(owner: User, wallet: Wallet, deposited_minor: int, summary: str) -> Proposal:
    return Proposal(
        kind=Kind.DEPOSIT,
        source=system_wallet(wallet.asset_id, Purpose.FUNDING),
        target=wallet,
        amount_minor=deposited_minor,
        actor=owner,
        summary=summary,
    )
