"""Creating wallets and changing their status."""

from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Max

from accounts.errors import AccountErased
from accounts.models import Role, User
from core.database_time import CurrentMoment
from core.unit_of_work import refuse_on_constraint, requires_unit_of_work
from wallets.assets import get_asset
from wallets.errors import BalanceNotZero, HoldsActive, NotCash, WalletLimitReached
from wallets.models import Asset, Status, StatusChange, Wallet
from wallets.selectors import default_wallet, get_wallet, own_wallet, unclosed_wallet

refuse_on_constraint("one_cash_wallet_per_slot", WalletLimitReached)
refuse_on_constraint("one_wallet_per_company", WalletLimitReached)


@requires_unit_of_work
def open_cash_wallet(owner: User, symbol: str) -> Wallet:
    """Create a wallet of a cash asset for a client or a company.

    Raises `InvalidInput` (no such currency), `NotCash` and `WalletLimitReached`.
    """
    asset = get_asset(symbol)
    if not asset.is_cash:
        raise NotCash
    lock_owner(owner)
    return _create_wallet(owner, asset)


def wallet_to_credit(owner: User, asset: Asset) -> Wallet:
    """Return the wallet for a credit to the owner; create it for the first credit.

    Creating it requires a unit of work. Raises `WalletLimitReached` when a cash wallet would be one
    too many.
    """
    return default_wallet(owner, asset) or _create_first_wallet(owner, asset)


@requires_unit_of_work
def _create_first_wallet(owner: User, asset: Asset) -> Wallet:
    lock_owner(owner)
    return default_wallet(owner, asset) or _create_wallet(owner, asset)


@requires_unit_of_work
def set_status(wallet_id: UUID, *, status: Status, reason: str, actor: User | None) -> Wallet:
    """Freeze, unfreeze or close a wallet, and record the reason.

    Waits for running movements of the wallet; every movement after the
    commit sees the new status. Raises `WalletNotFound`, `WalletClosed`, and for closing a wallet
    `HoldsActive` and `BalanceNotZero`.
    """
    lock_wallets([wallet_id])
    wallet = unclosed_wallet(wallet_id)
    if status == Status.CLOSED:
        refuse_active_holds([wallet_id])
        if wallet.balance_minor:
            raise BalanceNotZero
    wallet.status = status
    wallet.updated_at = CurrentMoment()
    wallet.save(update_fields=["status", "updated_at"])
    # The database set the time: the next access to the attribute reads it.
    del wallet.updated_at
    StatusChange.objects.create(wallet=wallet, status=status, reason=reason, actor=actor)
    return wallet


@requires_unit_of_work
def freeze_own(owner: User, wallet_id: UUID, *, reason: str) -> Wallet:
    """Freeze the owner's wallet; nothing changes when it is frozen. Support alone unfreezes.

    Raises `WalletNotFound` and `WalletClosed`.
    """
    own_wallet(owner, wallet_id)
    lock_wallets([wallet_id])
    wallet = get_wallet(wallet_id)
    if wallet.status == Status.FROZEN:
        return wallet
    return set_status(wallet_id, status=Status.FROZEN, reason=reason, actor=owner)


@requires_unit_of_work
def change_wallet(owner: User, wallet_id: UUID, **changes: str) -> Wallet:
    """Change who may charge the owner's wallet (`charges`), or its `label`.

    Waits for running movements of the wallet; every charge that begins after the commit obeys the
    new rule. Raises `WalletNotFound`.
    """
    own_wallet(owner, wallet_id)
    lock_wallets([wallet_id])
    if changes:
        Wallet.objects.filter(pk=wallet_id).update(**changes, updated_at=CurrentMoment())
    return get_wallet(wallet_id)


@requires_unit_of_work
def lock_wallets(wallet_ids: Sequence[UUID]) -> None:
    """Lock wallets in the order of their ids until the unit of work ends; their movements wait."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM lock_wallets(%s::uuid[])", [list(wallet_ids)])


@requires_unit_of_work
def refuse_active_holds(wallet_ids: Sequence[UUID]) -> None:
    """Raise `HoldsActive` if money is held of one of the wallets or for it. They are locked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bool_or(has_active_holds(id)) FROM unnest(%s::uuid[]) AS id", [list(wallet_ids)]
        )
        [is_active] = cursor.fetchone()
    if is_active:
        raise HoldsActive


@requires_unit_of_work
def lock_owner(owner: User) -> None:
    """Serialize what is made for one owner, so that it can be counted.

    Raises `AccountErased` when the account was erased in the meantime.
    """
    locked = User.objects.select_for_update(no_key=True).get(pk=owner.pk)
    if not locked.is_active:
        raise AccountErased


def _create_wallet(owner: User, asset: Asset) -> Wallet:
    return Wallet.objects.create(
        owner_id=owner.pk,
        owner_role=owner.role,
        asset=asset,
        slot=_next_slot(owner) if asset.is_cash else None,
        charges=settings.CHARGES,
        balance_minor=0,
    )


def _next_slot(owner: User) -> int:
    last = Wallet.objects.filter(owner_id=owner.pk).aggregate(last=Max("slot"))["last"] or 0
    limit = 1 if owner.role == Role.COMPANY else settings.MAX_WALLETS_BY_CLIENT
    if limit and last >= limit:
        raise WalletLimitReached(limit=limit)
    return int(last) + 1
