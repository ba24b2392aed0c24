"""Looking wallets up."""

import uuid

from django.db.models import Case, QuerySet, When

from accounts.models import User
from core.connections.fixed_query import FixedQuery
from wallets.errors import NoWallet, WalletNotFound
from wallets.models import Asset, Status, Wallet

_OWN = FixedQuery(Wallet, "WHERE id = %s AND owner_id = %s")
_OWN_BY_TOKEN = FixedQuery(
    Wallet, "WHERE id = %s AND owner_id = %s AND token_is_valid(%s, owner_id)"
)
_ANYONES = FixedQuery(Wallet, "WHERE id = %s AND owner_id IS NOT NULL")
_OF_COMPANY = FixedQuery(Wallet, "WHERE owner_id = %s AND slot IS NOT NULL")


def own_wallet(owner: User, wallet_id: uuid.UUID) -> Wallet:
    """Return the owner's wallet. Raises `WalletNotFound`, for another's wallet too."""
    wallet = _OWN.first(wallet_id, owner.pk)
    if wallet is None:
        raise WalletNotFound
    return wallet


def own_wallet_by_token(
    owner_id: uuid.UUID, wallet_id: uuid.UUID, token_digest: str
) -> Wallet | None:
    """Return the owner's wallet if the token is valid and the wallet theirs, by one statement."""
    return _OWN_BY_TOKEN.first(wallet_id, owner_id, token_digest)


def anyones_wallet(wallet_id: uuid.UUID) -> Wallet:
    """Return a wallet that somebody owns. Raises `WalletNotFound`."""
    wallet = _ANYONES.first(wallet_id)
    if wallet is None:
        raise WalletNotFound
    return wallet


def wallets_of(owner: User) -> QuerySet[Wallet]:
    """Return the owner's wallets, oldest first."""
    return Wallet.objects.filter(owner_id=owner.pk).order_by("created_at", "id")


def default_wallet(owner: User, asset: Asset) -> Wallet | None:
    """Return the wallet that is meant when only its owner and an asset are named.

    The oldest active one; failing that the oldest frozen one, so that an attempt on it is refused
    and recorded; None when there is neither.
    """
    return (
        wallets_of(owner)
        .filter(asset=asset)
        .exclude(status=Status.CLOSED)
        .order_by(Case(When(status=Status.ACTIVE, then=0), default=1), "created_at", "id")
        .first()
    )


def company_wallet(company_id: uuid.UUID) -> Wallet:
    """Return the wallet that a company is paid into. Raises `NoWallet`."""
    wallet = _OF_COMPANY.first(company_id)
    if wallet is None:
        raise NoWallet
    return wallet
