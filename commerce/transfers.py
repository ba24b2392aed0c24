"""Transfers: from a wallet of one's own to any other of the same currency."""

import uuid

from accounts.models import User
from commerce.movements import Proposal
from ledger.kinds import Kind
from wallets.assets import amount_minor
from wallets.references import counterparty_ref, own_wallet_ref


def propose_transfer(
    owner: User,
    *,
    source_id: uuid.UUID,
    target_id: uuid.UUID,
    amount: str,
    summary: str = "",
    unchecked: bool = False,
) -> Proposal:
    """Propose to move money from the owner's wallet to another. `amount` is a plain decimal.

    `unchecked`: see `wallets.references.counterparty_ref`. Raises `WalletNotFound` (for a source that
    is not the owner's, too), `InvalidInput`, `AmountNotPositive`.
    """
    source = own_wallet_ref(owner, source_id)
    target = counterparty_ref(target_id, source, unchecked=unchecked)
    return Proposal(
        kind=Kind.TRANSFER,
        source=source,
        target=target,
        amount_minor=amount_minor(amount, source.asset_id),
        actor=owner,
        summary=summary,
    )
