"""Requests and answers of the endpoints `/wallet/*` that move money."""

from typing import Any

from rest_framework import serializers

from api.http.fields import AmountField, Body, IdField, MoneyField, TextField
from api.http.movement_fields import made_id_field, summary_field


class AmountBody(Body):
    wallet = IdField(source="wallet_id")
    amount = AmountField()


class TransferBody(Body):
    source = IdField(source="source_id")  # type: ignore[assignment]  # a field of the body, not of the serializer
    target = IdField(source="target_id")
    amount = AmountField()
    summary = summary_field()


class PayerBody(Body):
    """The payer is named by a `wallet`'s token or by a `paytoken`, one of the two."""

    wallet = IdField(required=False)
    paytoken = TextField(required=False, max_length=100)

    def validate(self, attrs: Any) -> Any:
        payers = [attrs.pop(name) for name in ("wallet", "paytoken") if name in attrs]
        if not payers:
            raise serializers.ValidationError({"wallet": ["Give a `wallet` or a `paytoken`."]})
        if len(payers) > 1:
            raise serializers.ValidationError({"paytoken": ["Not beside a `wallet`."]})
        return {**attrs, "payer": payers[0]}


class ChargeBody(PayerBody):
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
    transaction = made_id_field()


class RefundAnswer(ChargeAnswer):
    refunded = MoneyField()
