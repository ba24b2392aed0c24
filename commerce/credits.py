"""Credits of a platform: top-ups, bonuses and spends between a user and the system wallets."""

from accounts.models import User
from commerce.movements import Movement, Proposal, move
from ledger.kinds import Kind
from wallets.assets import amount_minor, system_wallet
from wallets.errors import NoWallet
from wallets.models import Asset, Purpose
from wallets.selectors import default_wallet
from wallets.services import wallet_to_credit


def top_up(actor: User, *, user: User, asset: Asset, amount: str, summary: str = "") -> Movement:
    """Credit what the user bought. `amount` is a plain decimal; the first one makes the wallet.

    Requires a unit of work. Raises `InvalidInput`, `AmountNotPositive`, `WalletLimitReached` and
    what `move` does.
    """
    given_minor = amount_minor(amount, asset.symbol)
    return move(
        Proposal(
            kind=Kind.TOPUP,
            source=system_wallet(asset.symbol, Purpose.FUNDING),
            target=wallet_to_credit(user, asset),
            amount_minor=given_minor,
            actor=actor,
            summary=summary,
        )
    )


def give_bonus(
    actor: User, *, user: User, asset: Asset, amount: str, summary: str = ""
) -> Movement:
    """Credit a present of the platform. Raises as `top_up` does."""
    given_minor = amount_minor(amount, asset.symbol)
    return move(
        Proposal(
            kind=Kind.BONUS,
            source=system_wallet(asset.symbol, Purpose.PROMOTIONS),
            target=wallet_to_credit(user, asset),
            amount_minor=given_minor,
            actor=actor,
            summary=summary,
        )
    )


def spend(actor: User, *, user: User, asset: Asset, amount: str, summary: str = "") -> Movement:
    """Take what the user spends on the platform. Raises `NoWallet`, else as `top_up` does."""
    taken_minor = amount_minor(amount, asset.symbol)
    wallet = default_wallet(user, asset)
    if wallet is None:
        raise NoWallet
    return move(
        Proposal(
            kind=Kind.SPEND,
            source=wallet,
            target=system_wallet(asset.symbol, Purpose.REVENUE),
            amount_minor=taken_minor,
            actor=actor,
            summary=summary,
        )
    )
