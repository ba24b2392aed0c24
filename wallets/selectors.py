"""Queries for wallets."""

import uuid
from collections.abc import Iterator

from django.db.models import Case, QuerySet, When

from accounts.models import User
from core.connections.fixed_query import FixedQuery
from wallets.errors import NoWallet, WalletClosed, WalletNotFound
from wallets.models import Asset, Status, Wallet

_BY_ID_AND_OWNER = FixedQuery(Wallet, "WHERE id = %s AND owner_id = %s")
_BY_ID_OWNER_AND_TOKEN = FixedQuery(
    Wallet, "WHERE id = %s AND owner_id = %s AND token_is_valid(%s, owner_id)"
)
_BY_ID = FixedQuery(Wallet, "WHERE id = %s AND owner_id IS NOT NULL")
_BY_ID_OR_ADDRESS = FixedQuery(
    Wallet, "WHERE (id = %s OR address = %s) AND owner_id IS NOT NULL ORDER BY id <> %s"
)
_BY_COMPANY = FixedQuery(Wallet, "WHERE owner_id = %s AND slot IS NOT NULL")
#: So many wallets are in memory while a reader takes his time.
_PAGE_SIZE = 200
_ACTIVE_FIRST = Case(When(status=Status.ACTIVE, then=0), default=1)


def own_wallet(owner: User, wallet_id: uuid.UUID) -> Wallet:
    """Return the owner's wallet. Raises `WalletNotFound`, for another's wallet too."""
    wallet = _BY_ID_AND_OWNER.first(wallet_id, owner.pk)
    if wallet is None:
        raise WalletNotFound
    return wallet


def own_wallet_by_token(
    owner_id: uuid.UUID, wallet_id: uuid.UUID, token_digest: str
) -> Wallet | None:
    """Return the owner's wallet if the token is valid and the wallet theirs, by one statement."""
    return _BY_ID_OWNER_AND_TOKEN.first(wallet_id, owner_id, token_digest)


def get_wallet(wallet_id: uuid.UUID) -> Wallet:
    """Return any owner's wallet. Raises `WalletNotFound`, for a system wallet too."""
    wallet = _BY_ID.first(wallet_id)
    if wallet is None:
        raise WalletNotFound
    return wallet


def unclosed_wallet(wallet_id: uuid.UUID) -> Wallet:
    """Return any owner's wallet that is not closed. Raises `WalletNotFound`, `WalletClosed`."""
    wallet = get_wallet(wallet_id)
    if wallet.status == Status.CLOSED:
        raise WalletClosed
    return wallet


def wallet_by_token_or_address(name: uuid.UUID) -> Wallet:
    """Return any owner's wallet by its token, else its address. Raises `WalletNotFound`."""
    wallet = _BY_ID_OR_ADDRESS.first(name, name, name)
    if wallet is None:
        raise WalletNotFound
    return wallet


def wallets_of(owner: User) -> QuerySet[Wallet]:
    """Return the owner's wallets, oldest first."""
    return Wallet.objects.filter(owner_id=owner.pk).order_by("created_at", "id")


def each_wallet_of(owner: User) -> Iterator[Wallet]:
    """Yield the owner's wallets, oldest first, however many.

    A page is in memory at a time, and between two pages no database connection is in use.
    """
    page = list(wallets_of(owner)[:_PAGE_SIZE])
    while page:
        yield from page
        last = page[-1]
        later = wallets_of(owner).filter(created_at__gte=last.created_at)
        page = list(
            later.exclude(created_at=last.created_at, id__lte=last.id)[:_PAGE_SIZE]
            if len(page) == _PAGE_SIZE
            else []
        )


def default_wallet(owner: User, asset: Asset) -> Wallet | None:
    """Return the owner's wallet for a call that names only the owner and the asset.

    That is the oldest active one; else the oldest frozen one, so that the attempt is refused and
    recorded; None when there is neither.
    """
    return (
        wallets_of(owner)
        .filter(asset=asset)
        .exclude(status=Status.CLOSED)
        .order_by(_ACTIVE_FIRST, "created_at", "id")
        .first()
    )


def default_cash_wallet(owner: User) -> Wallet:
    """Return the owner's oldest cash wallet that is active, else frozen. Raises `NoWallet`."""
    wallet = (
        wallets_of(owner)
        .filter(slot__isnull=False)
        .exclude(status=Status.CLOSED)
        .order_by(_ACTIVE_FIRST, "created_at", "id")
        .first()
    )
    if wallet is None:
        raise NoWallet("This account has no cash wallet yet: create one first.")
    return wallet


def company_wallet(company_id: uuid.UUID) -> Wallet:
    """Return the company's wallet, into which charges pay. Raises `NoWallet`."""
    wallet = _BY_COMPANY.first(company_id)
    if wallet is None:
        raise NoWallet
    return wallet
