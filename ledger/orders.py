"""What the ledger is asked to do, and what became of it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ledger.kinds import FailureCode, Kind, source_purpose, target_purpose
from wallets.assets import system_wallet_id
from wallets.references import WalletRef

#: The amount of a capture or a release that takes what remains of its hold.
REMAINING = 0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Order:
    """Move `amount_minor` (minor units of both wallets' asset) from source to target.

    `asset_id` is the asset in which the amount was counted. The database knows what the wallets
    hold, and refuses an order whose wallets differ. A charge without `paytoken_id` and
    `payment_request_id` is made by the wallet's token; a refund has both from its charge.

    Consecutive orders with one `group_id` are a group: all are carried out, or none. A charge or a
    capture is one with its `splits`, the parts of it that go on to others. Under the lock, its
    company's fee is added to it.

    A hold has a new `hold_id`, `hold_seconds` for which it lives, and may have a `reference` and
    `metadata`; without `hold_seconds` it is more of a hold that exists. A capture or a release of
    `REMAINING` is of all that remains. After a capture that `is_final` the rest is released.
    """

    kind: Kind
    source_id: uuid.UUID
    target_id: uuid.UUID
    amount_minor: int
    asset_id: str
    summary: str = ""
    actor_id: uuid.UUID | None = None
    origin_id: uuid.UUID | None = None
    group_id: uuid.UUID | None = None
    paytoken_id: uuid.UUID | None = None
    payment_request_id: uuid.UUID | None = None
    hold_id: uuid.UUID | None = None
    hold_seconds: int | None = None
    is_final: bool | None = None
    reference: str | None = None
    metadata: Mapping[str, str] | None = None
    splits: "tuple[Order, ...]" = ()

    @property
    def group(self) -> "tuple[Order, ...]":
        """The order and its splits: what happens with it, or not at all."""
        return (self, *self.splits)


def order_into(
    kind: Kind,
    wallet: WalletRef,
    amount_minor: int,
    *,
    summary: str = "",
    actor_id: uuid.UUID | None = None,
) -> Order:
    """Return the order that moves money from the kind's system wallet into a wallet."""
    source_id = system_wallet_id(wallet.asset_id, source_purpose(kind))
    return Order(kind, source_id, wallet.id, amount_minor, wallet.asset_id, summary, actor_id)


def order_out_of(
    kind: Kind,
    wallet: WalletRef,
    amount_minor: int,
    *,
    summary: str = "",
    actor_id: uuid.UUID | None = None,
) -> Order:
    """Return the order that moves money out of a wallet into the kind's system wallet."""
    target_id = system_wallet_id(wallet.asset_id, target_purpose(kind))
    return Order(kind, wallet.id, target_id, amount_minor, wallet.asset_id, summary, actor_id)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an order. Balances are after it, in minor units; None for a system wallet.

    When it failed they are None, and `available_minor` is what the source could have spent.
    `amount_minor` is what moved or was held; `fee_minor` what the company of a charge or a capture
    paid for it, None without a fee.
    """

    transaction_id: uuid.UUID
    failure: FailureCode | None
    source_balance_minor: int | None
    target_balance_minor: int | None
    available_minor: int | None
    amount_minor: int
    fee_minor: int | None = None

    @property
    def created_at(self) -> datetime:
        """When it happened, in milliseconds: the time in its UUIDv7."""
        return _EPOCH + timedelta(milliseconds=self.transaction_id.int >> 80)
