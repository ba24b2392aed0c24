"""A wallet as a resource, as `/wallets*` shows it."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from rest_framework import serializers

from api.examples import ADDRESS, WALLET
from api.http.fields import MoneyField
from api.http.movement_results import MovementResult
from core.times import rfc3339
from ledger.orders import Order
from wallets.assets import to_decimal
from wallets.models import ChargePolicy, Wallet
from wallets.references import wallet_ref

A_WALLET = {
    "id": WALLET,
    "address": ADDRESS,
    "charges": ChargePolicy.OPEN,
    "label": "",
    "currency": "USD",
    "balance": Decimal("100.50"),
    "createdAt": "2026-01-31T12:00:00.000Z",
    "updatedAt": "2026-01-31T12:00:00.000Z",
}


class WalletResource(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    address = serializers.UUIDField(allow_null=True)
    charges = serializers.ChoiceField(choices=ChargePolicy.choices, allow_null=True)
    label = serializers.CharField(allow_null=True)  # type: ignore[assignment]  # of the answer
    currency = serializers.CharField()
    balance = MoneyField(allow_null=True)
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()


def wallet_resource(wallet: Wallet) -> dict[str, Any]:
    """Return an own wallet as JSON values."""
    return {
        "id": wallet.id,
        "address": wallet.address,
        "charges": wallet.charges,
        "label": wallet.label,
        "currency": wallet.asset_id,
        "balance": to_decimal(wallet.balance_minor, wallet.asset_id),
        "createdAt": rfc3339(wallet.created_at),
        "updatedAt": rfc3339(wallet.updated_at),
    }


def moved_source(order: Order, result: MovementResult) -> dict[str, Any]:
    """Return the own wallet that the money left, as JSON values."""
    charges, label = result.source_charges, result.source_label
    return _moved(order.source_id, result.source_balance, charges, label, result)


def moved_target(order: Order, result: MovementResult) -> dict[str, Any]:
    """Return the own wallet that the money entered, as JSON values."""
    charges, label = result.target_charges, result.target_label
    return _moved(order.target_id, result.target_balance, charges, label, result)


def stranger_resource(named: UUID, order: Order, result: MovementResult) -> dict[str, Any]:
    """Return another's wallet that the money entered, as the caller named it."""
    wallet = _moved(order.target_id, None, None, None, result)
    return {**wallet, "id": named, "address": None}


def _moved(
    wallet_id: UUID, balance: Any, charges: Any, label: Any, result: MovementResult
) -> dict[str, Any]:
    wallet = wallet_ref(wallet_id)
    return {
        "id": wallet.id,
        "address": wallet.address,
        "charges": charges,
        "label": label,
        "currency": wallet.asset_id,
        "balance": balance,
        "createdAt": rfc3339(wallet.created_at),
        "updatedAt": result.created_at,
    }
