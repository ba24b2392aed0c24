"""The ends of a movement: wallets without what changes, kept in the process (ADR 14).

Whose a wallet is and what it holds the balance of never changes, and no wallet is ever deleted: the
service's role has no right to. So nobody needs to be asked twice. What changes (status, balance) is
not here: the ledger decides on it, under its lock. Read all the same, it is loaded then.
"""

import uuid
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS

from accounts.models import User
from wallets.assets import get_asset
from wallets.errors import NotCash, WalletNotFound
from wallets.models import Wallet
from wallets.selectors import company_wallet, get_wallet

#: Of each; about half a kilobyte a wallet.
_KEPT = 20_000
_UNCHANGING = ("id", "asset_id", "owner_id", "owner_role", "slot", "purpose", "created_at")


def own_wallet_ref(owner: User, wallet_id: uuid.UUID) -> Wallet:
    """Return the owner's wallet as an end. Raises `WalletNotFound`, for another's wallet too."""
    wallet = wallet_ref(wallet_id)
    if wallet.owner_id != owner.pk:
        raise WalletNotFound
    return wallet


def wallet_ref(wallet_id: uuid.UUID) -> Wallet:
    """Return a wallet that somebody owns as an end. Raises `WalletNotFound`."""
    return Wallet.from_db(DEFAULT_DB_ALIAS, _UNCHANGING, _unchanging(wallet_id))


def counterparty_ref(wallet_id: uuid.UUID, own: Wallet, *, unchecked: bool) -> Wallet:
    """Return what is on the other side of one's own end: somebody's wallet of the same asset.

    With `unchecked` nobody looks whether that is so: for `ledger.post_once`, which asks when it locks.
    Else raises `WalletNotFound`, and what it returns may hold another asset.
    """
    if unchecked:
        return Wallet(id=wallet_id, asset_id=own.asset_id)
    return wallet_ref(wallet_id)


def own_cash_wallet_ref(owner: User, wallet_id: uuid.UUID) -> Wallet:
    """Return the owner's wallet of a cash asset. Raises `WalletNotFound`, `NotCash`."""
    wallet = own_wallet_ref(owner, wallet_id)
    if not get_asset(wallet.asset_id).is_cash:
        raise NotCash
    return wallet


def company_wallet_ref(company: User) -> Wallet:
    """Return the wallet that a company is paid into as an end. Raises `NoWallet`."""
    return wallet_ref(_wallet_id_of(company.pk))


@lru_cache(_KEPT)
def _unchanging(wallet_id: uuid.UUID) -> tuple[Any, ...]:
    wallet = get_wallet(wallet_id)
    return tuple(getattr(wallet, name) for name in _UNCHANGING)


@lru_cache(_KEPT)
def _wallet_id_of(company_id: uuid.UUID) -> uuid.UUID:
    return company_wallet(company_id).id
