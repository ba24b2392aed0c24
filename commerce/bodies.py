"""What the doors of commerce take and answer."""

from typing import Any

from rest_framework import serializers

from core.http.fields import AmountField, Body, IdField, KeyField, MoneyField, TextField
from wallets.assets import DEFAULT_CURRENCY

SUMMARY_CHARACTERS = 500


def summary_field(*, required: bool = False) -> TextField:
    """Return a field for the short description of a movement."""
    if required:
        return TextField(max_length=SUMMARY_CHARACTERS, allow_blank=True)
    return TextField(max_length=SUMMARY_CHARACTERS, allow_blank=True, default="")


def description_field() -> TextField:
    """Return the field that `/wallets*` and `/api/v1` call the summary by."""
    return TextField(max_length=SUMMARY_CHARACTERS, allow_blank=True, default="", source="summary")


def without_keys(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a body that say what to do."""
    keys = ("idempotencyKey", "clientTransactionId")
    return {name: value for name, value in fields.items() if name not in keys}


class AmountBody(Body):
    wallet = IdField(source="wallet_id")
    amount = AmountField()


class TransferBody(Body):
    source = IdField(source="source_id")  # type: ignore[assignment]  # a field of the body, not of the serializer
    target = IdField(source="target_id")
    amount = AmountField()
    summary = summary_field()


class ChargeBody(Body):
    wallet = IdField(source="wallet_id")
    amount = AmountField()
    summary = summary_field(required=True)


class RefundBody(Body):
    transaction = IdField(source="transaction_id")
    amount = AmountField(required=False)
    summary = summary_field()


class BalanceAnswer(serializers.Serializer[Any]):
    wallet = serializers.UUIDField()
    balance = MoneyField()


class ChargeAnswer(BalanceAnswer):
    transaction = serializers.UUIDField()


class RefundAnswer(ChargeAnswer):
    refunded = MoneyField()


class CreateWithBalanceBody(Body):
    currency = TextField(max_length=12, default=DEFAULT_CURRENCY)
    balance = AmountField(default="0")


class ResourceAmountBody(Body):
    amount = AmountField()
    description = description_field()


class FundBody(ResourceAmountBody):
    """The wallet is spelled `wallet_id` or `walletId`."""

    wallet_id = IdField(required=False)
    walletId = IdField(required=False)
    idempotencyKey = KeyField()

    def validate(self, attrs: Any) -> Any:
        spellings = [attrs.pop(name) for name in ("wallet_id", "walletId") if name in attrs]
        if not spellings:
            raise serializers.ValidationError({"wallet_id": ["This field is required."]})
        if len(set(spellings)) > 1:
            raise serializers.ValidationError({"walletId": ["Differs from `wallet_id`."]})
        return {**without_keys(attrs), "wallet_id": spellings[0]}


class ResourceTransferBody(ResourceAmountBody):
    senderWalletId = IdField(source="source_id")
    receiverWalletId = IdField(source="target_id")
    idempotencyKey = KeyField()
    clientTransactionId = KeyField()

    def validate(self, attrs: Any) -> Any:
        return without_keys(attrs)


class CreditBody(Body):
    userId = IdField(source="user_id")
    assetSymbol = TextField(max_length=12, source="symbol")
    amount = AmountField()
    idempotencyKey = KeyField()
    description = description_field()

    def validate(self, attrs: Any) -> Any:
        return without_keys(attrs)
