"""Looking wallets up."""

import uuid

from django.db.models import Case, QuerySet, When

from accounts.models import User
from wallets.errors import NoWallet, WalletNotFound
from wallets.models import Asset, Status, Wallet


def own_wallet(owner: User, wallet_id: uuid.UUID) -> Wallet:
    """Return the owner's wallet. Raises `WalletNotFound`, for another's wallet too."""
    wallet = Wallet.objects.filter(id=wallet_id, owner_id=owner.pk).first()
    if wallet is None:
        raise WalletNotFound
    return wallet


def anyones_wallet(wallet_id: uuid.UUID) -> Wallet:
    """Return a wallet that somebody owns. Raises `WalletNotFound`."""
    wallet = Wallet.objects.filter(id=wallet_id, owner_id__isnull=False).first()
    if wallet is None:
        raise WalletNotFound
    return wallet


def wallets_of(owner: User) -> QuerySet[Wallet]:
    """Return the owner's wallets, oldest first."""
    return Wallet.objects.filter(owner_id=owner.pk).order_by("created_at", "id")


def named_wallet(owner: User, asset: Asset) -> Wallet | None:
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


def company_wallet(company: User) -> Wallet:
    """Return the wallet that a company is paid into. Raises `NoWallet`."""
    wallet = Wallet.objects.filter(owner_id=company.pk, slot__isnull=False).first()
    if wallet is None:
        raise NoWallet
    return wallet
