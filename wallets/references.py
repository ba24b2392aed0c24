"""What never changes about a wallet, kept in the process (ADR 14).

Whose a wallet is, what it holds the balance of and its address never change, and no wallet is ever
deleted: the service's role has no right to. So a process asks the database once. What changes
(status, balance, who may charge it) is not here: the ledger decides on it, under its lock.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from threading import Lock

from accounts.models import User
from wallets.assets import get_asset
from wallets.errors import NotCash, WalletNotFound
from wallets.models import Wallet
from wallets.selectors import company_wallet, get_wallet, wallet_by_token_or_address

#: Of each; about half a kilobyte a wallet.
_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class WalletRef:
    """A wallet that somebody owns, without what changes."""

    id: uuid.UUID
    asset_id: str
    owner_id: uuid.UUID
    owner_role: str
    created_at: datetime
    address: uuid.UUID


#: By token, the oldest first. And the token by the address.
_refs: dict[uuid.UUID, WalletRef] = {}
_tokens: dict[uuid.UUID, uuid.UUID] = {}
_keeping = Lock()


def ref_of(wallet: Wallet) -> WalletRef:
    """Return the reference of a wallet that was just read or made."""
    if wallet.owner_id is None or wallet.owner_role is None:
        raise ValueError(f"{wallet} is a system wallet.")
    return WalletRef(
        wallet.id,
        wallet.asset_id,
        wallet.owner_id,
        wallet.owner_role,
        wallet.created_at,
        wallet.address,
    )


def wallet_ref(wallet_id: uuid.UUID) -> WalletRef:
    """Return a wallet that somebody owns, by its token. Raises `WalletNotFound`."""
    return _refs.get(wallet_id) or _keep(get_wallet(wallet_id))


def payee_ref(name: uuid.UUID) -> WalletRef:
    """Return a wallet that is paid into, by its token or its address. Raises `WalletNotFound`."""
    known = _refs.get(_tokens.get(name, name))
    return known or _keep(wallet_by_token_or_address(name))


def wallet_refs(wallet_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, WalletRef]:
    """Return wallets that people own by their tokens; others are left out. One query at most."""
    wanted = set(wallet_ids)
    # One look at each: other threads add and drop at any time.
    found = {each: ref for each in wanted if (ref := _refs.get(each))}
    unknown = wanted - found.keys()
    if unknown:
        for wallet in Wallet.objects.filter(pk__in=unknown, owner_id__isnull=False):
            found[wallet.id] = _keep(wallet)
    return found


def _keep(wallet: Wallet) -> WalletRef:
    ref = ref_of(wallet)
    with _keeping:
        if len(_refs) >= _KEPT:
            oldest = _refs.pop(next(iter(_refs)))
            del _tokens[oldest.address]
        _refs[ref.id] = ref
        _tokens[ref.address] = ref.id
    return ref


def own_wallet_ref(owner: User, wallet_id: uuid.UUID) -> WalletRef:
    """Return the owner's wallet. Raises `WalletNotFound`, for another's wallet too."""
    wallet = wallet_ref(wallet_id)
    if wallet.owner_id != owner.pk:
        raise WalletNotFound
    return wallet


def own_cash_wallet_ref(owner: User, wallet_id: uuid.UUID) -> WalletRef:
    """Return the owner's wallet of a cash asset. Raises `WalletNotFound`, `NotCash`."""
    return _of_cash(own_wallet_ref(owner, wallet_id))


def cash_wallet_ref(wallet_id: uuid.UUID) -> WalletRef:
    """Return anybody's wallet of a cash asset. Raises `WalletNotFound`, `NotCash`."""
    return _of_cash(wallet_ref(wallet_id))


def _of_cash(wallet: WalletRef) -> WalletRef:
    if not get_asset(wallet.asset_id).is_cash:
        raise NotCash
    return wallet


def forget_wallets() -> None:
    """Ask the database anew. A wallet is gone, so it is another database: a restored one."""
    with _keeping:
        _refs.clear()
        _tokens.clear()
    _wallet_id_of.cache_clear()


def company_wallet_ref(company: User) -> WalletRef:
    """Return the wallet that a company is paid into. Raises `NoWallet`."""
    return wallet_ref(_wallet_id_of(company.pk))


@lru_cache(_KEPT)
def _wallet_id_of(company_id: uuid.UUID) -> uuid.UUID:
    return company_wallet(company_id).id
