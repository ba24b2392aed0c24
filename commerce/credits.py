"""Credits of a platform: top-ups, bonuses and spends between a user and the system wallets."""

import uuid

from accounts.models import Role, User
from commerce.errors import UnknownUser
from ledger.kinds import Kind
from ledger.orders import Order, order_into, order_out_of
from wallets.assets import amount_minor
from wallets.errors import NoWallet, SameWallet
from wallets.models import Asset
from wallets.references import ref_of
from wallets.selectors import default_wallet
from wallets.services import wallet_to_credit


def order_top_up(actor: User, *, user: User, asset: Asset, amount: str, summary: str = "") -> Order:
    """Order a credit of what the user bought. `amount` is a plain decimal.

    Makes the user's wallet if this is its first credit, which requires a unit of work. Raises
    `InvalidInput`, `AmountNotPositive` and `WalletLimitReached`.
    """
    return _credit(Kind.TOPUP, actor, user, asset, amount=amount, summary=summary)


def order_bonus(actor: User, *, user: User, asset: Asset, amount: str, summary: str = "") -> Order:
    """Order a credit that is a present of the platform. Behaves as `order_top_up` does."""
    return _credit(Kind.BONUS, actor, user, asset, amount=amount, summary=summary)


def order_spend(actor: User, *, user: User, asset: Asset, amount: str, summary: str = "") -> Order:
    """Order what the user spends on the platform. Raises `NoWallet`, else as `order_top_up`."""
    spent_minor = amount_minor(amount, asset.symbol)
    wallet = default_wallet(user, asset)
    if wallet is None:
        raise NoWallet
    return order_out_of(Kind.SPEND, ref_of(wallet), spent_minor, summary=summary, actor_id=actor.pk)


def order_user_transfer(
    actor: User, *, user: User, to_user: User, asset: Asset, amount: str, summary: str = ""
) -> Order:
    """Order what one user gives another. Raises `NoWallet`, `SameWallet`, else as `order_top_up`.

    The other's wallet is made if this is its first credit.
    """
    given_minor = amount_minor(amount, asset.symbol)
    if user.pk == to_user.pk:
        raise SameWallet
    source = default_wallet(user, asset)
    if source is None:
        raise NoWallet
    target = wallet_to_credit(to_user, asset)
    return Order(
        Kind.TRANSFER,
        source.id,
        target.id,
        given_minor,
        asset.symbol,
        summary=summary,
        actor_id=actor.pk,
    )


def credited_user(user_id: uuid.UUID) -> User:
    """Return a user who can hold wallets. Raises `UnknownUser`."""
    user = User.objects.filter(pk=user_id, is_active=True).exclude(role=Role.OPERATOR).first()
    if user is None:
        raise UnknownUser
    return user


def _credit(
    kind: Kind, actor: User, user: User, asset: Asset, *, amount: str, summary: str
) -> Order:
    credited_minor = amount_minor(amount, asset.symbol)
    wallet = wallet_to_credit(user, asset)
    return order_into(kind, ref_of(wallet), credited_minor, summary=summary, actor_id=actor.pk)
