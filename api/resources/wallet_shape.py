"""A wallet as a resource, as `/wallets*` shows it."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from api.http.fields import MoneyField
from core.times import rfc3339
from wallets.assets import to_decimal
from wallets.models import Wallet

A_WALLET = {
    "id": "0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f11",
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


def wallet_resource(wallet: Wallet, *, is_own: bool = True) -> dict[str, Any]:
    """Return the wallet as JSON values. `is_own`: show its balance, else None."""
    return {
        "id": wallet.id,
        "currency": wallet.asset_id,
        "balance": to_decimal(wallet.balance_minor, wallet.asset_id) if is_own else None,
        "createdAt": rfc3339(wallet.created_at),
        "updatedAt": rfc3339(wallet.updated_at),
    }
