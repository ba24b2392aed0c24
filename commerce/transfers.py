"""Transfers: from a wallet of one's own to any other of the same currency."""

import uuid

from accounts.models import User
from commerce.intake import queue_movement
from commerce.movements import Proposal
from ledger.kinds import Kind
from wallets.assets import amount_minor
from wallets.ends import anyones_end, other_end, own_end


def queue_transfer(
    owner: User, *, source_id: uuid.UUID, target_id: uuid.UUID, amount: str, summary: str = ""
) -> uuid.UUID:
    """Queue a transfer and return its id in the queue.

    Requires a unit of work. Raises as `propose_transfer` and `queue_movement` do.
    """
    source = own_end(owner, source_id)
    target = anyones_end(target_id)
    return queue_movement(
        owner, Kind.TRANSFER, source=source, target=target, amount=amount, summary=summary
    )


def propose_transfer(
    owner: User,
    *,
    source_id: uuid.UUID,
    target_id: uuid.UUID,
    amount: str,
    summary: str = "",
    unseen: bool = False,
) -> Proposal:
    """Propose to move money from the owner's wallet to another. `amount` is a plain decimal.

    `unseen`: see `wallets.ends.other_end`. Raises `WalletNotFound` (for a source that is not the
    owner's, too), `InvalidInput`, `AmountNotPositive`.
    """
    source = own_end(owner, source_id)
    target = other_end(target_id, source, unseen=unseen)
    return Proposal(
        kind=Kind.TRANSFER,
        source=source,
        target=target,
        amount_minor=amount_minor(amount, source.asset_id),
        actor=owner,
        summary=summary,
    )
