"""Requests of the endpoints `/wallets*` that move money."""

from typing import Any

from rest_framework import serializers

from api.http.fields import AmountField, Body, IdField, KeyField, TextField
from api.http.movement_fields import description_field, without_keys
from wallets.assets import DEFAULT_CURRENCY


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
