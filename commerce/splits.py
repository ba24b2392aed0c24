"""Splits: parts of what a company takes that go on to others in the same instant."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import connection

from core.errors import InvalidInput, Refusal
from ledger.errors import SplitsExceedAmount
from ledger.kinds import Kind
from ledger.orders import REMAINING, Order
from wallets.assets import amount_minor
from wallets.errors import CurrencyMismatch, SameWallet
from wallets.references import WalletRef, payee_ref

MAX_SPLITS = 20


@dataclass(frozen=True, slots=True)
class Split:
    """A part, as a plain decimal, and the wallet that it goes to, by its token or its address."""

    wallet: uuid.UUID
    amount: str


@dataclass(frozen=True, slots=True)
class CheckedSplit:
    """A part in minor units for a wallet that exists and holds the same asset."""

    wallet_id: uuid.UUID
    amount_minor: int


def check_splits(splits: Sequence[Split], company_wallet: WalletRef) -> list[CheckedSplit]:
    """Return the splits of what is paid into the company's wallet.

    Raises `InvalidInput`, and with the split's place from 0 in `details.split` `WalletNotFound`,
    `SameWallet`, `CurrencyMismatch` and `AmountNotPositive`.
    """
    checked = []
    for place, split in enumerate(splits):
        try:
            checked.append(_check(split, company_wallet))
        except InvalidInput:
            raise  # its details are fields
        except Refusal as refusal:
            refusal.details["split"] = place
            raise
    return checked


def _check(split: Split, company_wallet: WalletRef) -> CheckedSplit:
    split_minor = amount_minor(split.amount, company_wallet.asset_id, field="splits")
    wallet = payee_ref(split.wallet)
    if wallet.id == company_wallet.id:
        raise SameWallet
    if wallet.asset_id != company_wallet.asset_id:
        raise CurrencyMismatch
    return CheckedSplit(wallet.id, split_minor)


def refuse_excess(splits: Sequence[CheckedSplit], wallet_id: uuid.UUID, amount_minor: int) -> None:
    """Raise `SplitsExceedAmount` when the splits are more than what the fee of today leaves.

    `wallet_id` is the company's wallet.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(fee_of(%s, %s), 0)", [wallet_id, amount_minor])
        [fee_minor] = cursor.fetchone()
    _refuse_excess(splits, amount_minor - fee_minor)


def _refuse_excess(splits: Sequence[CheckedSplit], left_minor: int) -> None:
    """Raise `SplitsExceedAmount` for the first split that is more than what is left."""
    for place, split in enumerate(splits):
        left_minor -= split.amount_minor
        if left_minor < 0:
            raise SplitsExceedAmount(split=place)


def with_splits(order: Order, splits: Sequence[CheckedSplit]) -> Order:
    """Return the order of a charge or a capture with these parts of it.

    Raises `SameWallet` for a part that goes back to the payer, and `SplitsExceedAmount` when they
    are more than the amount; whether they leave the fee is decided with the money.
    """
    if not splits:
        return order
    for place, split in enumerate(splits):
        if split.wallet_id == order.source_id:
            raise SameWallet(split=place)
    if order.amount_minor != REMAINING:
        _refuse_excess(splits, order.amount_minor)
    group_id = uuid.uuid4()
    return replace(
        order,
        group_id=group_id,
        splits=tuple(
            Order(
                Kind.SPLIT,
                order.target_id,
                split.wallet_id,
                split.amount_minor,
                order.asset_id,
                summary=order.summary,
                actor_id=order.actor_id,
                group_id=group_id,
            )
            for split in splits
        ),
    )
