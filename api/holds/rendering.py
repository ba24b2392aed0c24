"""A hold as the API shows it."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from accounts.models import Role, User
from api.examples import HOLD, TRANSACTION, WALLET
from api.http.fields import MetadataField, MoneyField
from api.http.movement_fields import made_id_field
from api.http.movement_results import MovementResult
from core.times import rfc3339
from ledger.models import Hold, HoldStatus
from ledger.orders import Order
from wallets.assets import to_decimal
from wallets.references import wallet_ref

AN_ACTIVE_HOLD = {
    "hold": HOLD,
    "status": HoldStatus.ACTIVE,
    "amount": Decimal("250.00"),
    "captured": Decimal("0.00"),
    "remaining": Decimal("250.00"),
    "currency": "USD",
    "summary": "Room 12, two nights",
    "reference": "booking-4711",
    "metadata": {"room": "12"},
    "expires_at": "2026-02-07T12:00:00.000Z",
    "created_at": "2026-01-31T12:00:00.000Z",
}
A_CAPTURED_HOLD = {
    **AN_ACTIVE_HOLD,
    "status": HoldStatus.CAPTURED,
    "captured": Decimal("240.00"),
    "remaining": Decimal("0.00"),
}
A_CAPTURE = {
    **A_CAPTURED_HOLD,
    "transaction": TRANSACTION,
    "wallet": WALLET,
    "balance": Decimal("235.00"),
    "fee": Decimal("5.00"),
}


class HoldAnswer(serializers.Serializer[Any]):
    hold = made_id_field()
    status = serializers.ChoiceField(choices=HoldStatus.choices)
    amount = MoneyField(help_text="In all, with its increments.")
    captured = MoneyField()
    remaining = MoneyField(help_text="What can still be captured.")
    currency = serializers.CharField()
    summary = serializers.CharField()
    reference = serializers.CharField(allow_null=True, help_text="To the company and operators.")
    metadata = MetadataField(allow_null=True, help_text="To the company and operators.")
    expires_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()


class CaptureAnswer(HoldAnswer):
    transaction = made_id_field()
    wallet = serializers.UUIDField(help_text="The company's.")
    balance = MoneyField(help_text="After the fee and the splits.")
    fee = MoneyField()


def hold_result(order: Order, result: MovementResult) -> dict[str, Any]:
    """Return the hold after an order of its company or an operator."""
    return {
        # In a dry run a new hold is not kept.
        "hold": order.hold_id if order.hold_seconds is None or result.transaction_id else None,
        "status": result.hold_status,
        "amount": result.hold_amount,
        "captured": result.hold_captured,
        "remaining": result.hold_remaining,
        "currency": order.asset_id,
        "summary": order.summary,
        "reference": order.reference,
        "metadata": order.metadata or {},
        "expires_at": result.hold_expires_at,
        "created_at": result.hold_created_at,
    }


def capture_result(order: Order, result: MovementResult) -> dict[str, Any]:
    """Return the hold after a capture, and what the company got."""
    return {
        **hold_result(order, result),
        "transaction": result.transaction_id,
        "wallet": order.target_id,
        "balance": result.target_balance,
        "fee": result.fee,
    }


def hold_answer(hold: Hold, caller: User) -> dict[str, Any]:
    """Return a hold as the caller may see it."""
    wallet = wallet_ref(hold.company_wallet_id)
    sees_all = caller.role == Role.OPERATOR or wallet.owner_id == caller.pk
    return {
        "hold": hold.id,
        "status": hold.status,
        "amount": to_decimal(hold.amount_minor, wallet.asset_id),
        "captured": to_decimal(hold.captured_minor, wallet.asset_id),
        "remaining": to_decimal(hold.remaining_minor, wallet.asset_id),
        "currency": wallet.asset_id,
        "summary": hold.summary,
        "reference": hold.reference if sees_all else None,
        "metadata": hold.metadata if sees_all else None,
        "expires_at": rfc3339(hold.expires_at),
        "created_at": rfc3339(hold.created_at),
    }
