"""Adjustments: how support puts a balance right, with a reason and an author."""

import uuid

from accounts.models import User
from commerce.movements import Movement, move
from ledger.kinds import Kind
from wallets.assets import amount_minor, system_wallet
from wallets.models import Purpose
from wallets.selectors import anyones_wallet


def adjust(
    operator: User, *, wallet_id: uuid.UUID, amount: str, is_credit: bool, reason: str
) -> Movement:
    """Put money into a wallet, or take it out, against the funding system wallet.

    `amount` is a plain decimal, greater than zero. Requires a unit of work. Raises
    `WalletNotFound`, `InvalidInput`, `AmountNotPositive` and what `move` does.
    """
    wallet = anyones_wallet(wallet_id)
    world = system_wallet(wallet.asset_id, Purpose.FUNDING)
    source, target = (world, wallet) if is_credit else (wallet, world)
    return move(
        Kind.ADJUSTMENT,
        source=source,
        target=target,
        amount_minor=amount_minor(amount, wallet.asset_id),
        actor=operator,
        summary=reason,
    )
