"""A wallet as a resource, as `/wallets*` shows it."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from rest_framework import serializers

from api.examples import WALLET
from api.http.fields import MoneyField
from api.http.movement_results import MovementResult
from core.times import rfc3339
from wallets.assets import to_decimal
from wallets.models import Wallet
from wallets.references import wallet_ref

A_WALLET = {
    "id": WALLET,
    "currency": "USD",
    "balance": Decimal("100.50"),
    "createdAt": "2026-01-31T12:00:00.000Z",
    "updatedAt": "2026-01-31T12:00:00.000Z",
}


class WalletResource(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    currency = serializers.CharField()
    balance = MoneyField(allow_null=True)
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()


def wallet_resource(wallet: Wallet) -> dict[str, Any]:
    """Return the wallet as JSON values."""
    return {
        "id": wallet.id,
        "currency": wallet.asset_id,
        "balance": to_decimal(wallet.balance_minor, wallet.asset_id),
        "createdAt": rfc3339(wallet.created_at),
        "updatedAt": rfc3339(wallet.updated_at),
    }


def moved_resource(wallet_id: UUID, balance: Any, result: MovementResult) -> dict[str, Any]:
    """Return a wallet as JSON values after a movement; `balance` is null for somebody else's.

    Raises `WalletNotFound`.
    """
    wallet = wallet_ref(wallet_id)
    return {
        "id": wallet.id,
        "currency": wallet.asset_id,
        "balance": balance,
        "createdAt": rfc3339(wallet.created_at),
        "updatedAt": result.created_at,
    }
