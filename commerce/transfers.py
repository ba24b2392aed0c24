"""Transfers: from a wallet of one's own to any other of the same currency."""

import uuid

from accounts.models import User
from commerce.movements import refuse_same_or_system_wallet
from ledger.kinds import Kind
from ledger.orders import Order
from wallets.assets import amount_minor
from wallets.references import own_wallet_ref, payee_ref


def order_transfer(
    owner: User, *, source_id: uuid.UUID, target_id: uuid.UUID, amount: str, summary: str = ""
) -> Order:
    """Order a transfer of the owner's money to another wallet, named by its token or its address.

    `amount` is a plain decimal. Raises `WalletNotFound` (for a source that is not the owner's,
    too), `InvalidInput`, `AmountNotPositive` and `SameWallet`.
    """
    source = own_wallet_ref(owner, source_id)
    moved_minor = amount_minor(amount, source.asset_id)
    return refuse_same_or_system_wallet(
        Order(
            Kind.TRANSFER,
            source.id,
            payee_ref(target_id).id,
            moved_minor,
            source.asset_id,
            summary=summary,
            actor_id=owner.pk,
        )
    )
