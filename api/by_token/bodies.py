"""Requests and answers of the endpoints `/wallet/*` that move money."""

from typing import Any

from rest_framework import serializers

from api.http.fields import AmountField, Body, IdField, MoneyField
from api.http.movement_fields import summary_field


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
