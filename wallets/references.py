"""What never changes about a wallet, kept in the process (ADR 14).

Whose a wallet is and what it holds the balance of never changes, and no wallet is ever deleted: the
service's role has no right to. So a process asks the database once. What changes (status, balance)
is not here: the ledger decides on it, under its lock.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from accounts.models import User
from wallets.assets import get_asset
from wallets.errors import NotCash, WalletNotFound
from wallets.models import Wallet
from wallets.selectors import company_wallet, get_wallet

#: Of each; about half a kilobyte a wallet.
_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class WalletRef:
    """A wallet that somebody owns, without what changes."""

    id: uuid.UUID
    asset_id: str
    owner_id: uuid.UUID
    created_at: datetime


def ref_of(wallet: Wallet) -> WalletRef:
    """Return the reference of a wallet that was just read or made."""
    if wallet.owner_id is None:
        raise ValueError(f"{wallet} is a system wallet.")
    return WalletRef(wallet.id, wallet.asset_id, wallet.owner_id, wallet.created_at)


@lru_cache(_KEPT)
def wallet_ref(wallet_id: uuid.UUID) -> WalletRef:
    """Return a wallet that somebody owns. Raises `WalletNotFound`."""
    return ref_of(get_wallet(wallet_id))


def own_wallet_ref(owner: User, wallet_id: uuid.UUID) -> WalletRef:
    """Return the owner's wallet. Raises `WalletNotFound`, for another's wallet too."""
    wallet = wallet_ref(wallet_id)
    if wallet.owner_id != owner.pk:
        raise WalletNotFound
    return wallet


def own_cash_wallet_ref(owner: User, wallet_id: uuid.UUID) -> WalletRef:
    """Return the owner's wallet of a cash asset. Raises `WalletNotFound`, `NotCash`."""
    wallet = own_wallet_ref(owner, wallet_id)
    if not get_asset(wallet.asset_id).is_cash:
        raise NotCash
    return wallet


def forget_wallets() -> None:
    """Ask the database anew. A wallet is gone, so it is another database: a restored one."""
    wallet_ref.cache_clear()
    _wallet_id_of.cache_clear()


def company_wallet_ref(company: User) -> WalletRef:
    """Return the wallet that a company is paid into. Raises `NoWallet`."""
    return wallet_ref(_wallet_id_of(company.pk))


@lru_cache(_KEPT)
def _wallet_id_of(company_id: uuid.UUID) -> uuid.UUID:
    return company_wallet(company_id).id
