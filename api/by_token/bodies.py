"""Requests and answers of the endpoints `/wallet/*` that move money."""

from typing import Any

from rest_framework import serializers

from api.http.fields import AmountField, Body, IdField, MoneyField
from api.http.movement_fields import PayerBody, SplitsField, made_id_field, summary_field

#: Whether a refund's share of the fee stays with the platform.
FEE_CHOICES = [("keep", "Keep"), ("return", "Return")]


class AmountBody(Body):
    wallet = IdField(source="wallet_id")
    amount = AmountField()


class TransferBody(Body):
    source = IdField(source="source_id")  # type: ignore[assignment]  # a field of the body, not of the serializer
    target = IdField(source="target_id")
    amount = AmountField()
    summary = summary_field()


class ChargeBody(PayerBody):
    amount = AmountField()
    summary = summary_field(required=True)
    splits = SplitsField(required=False)


class RefundBody(Body):
    transaction = IdField(source="transaction_id")
    amount = AmountField(required=False)
    summary = summary_field()
    fee = serializers.ChoiceField(choices=FEE_CHOICES, default="keep")

    def validate(self, attrs: Any) -> Any:
        attrs["returns_fee"] = attrs.pop("fee") == "return"
        return attrs


class BalanceAnswer(serializers.Serializer[Any]):
    wallet = serializers.UUIDField()
    balance = MoneyField()


class ChargeAnswer(BalanceAnswer):
    transaction = made_id_field()
    fee = MoneyField(help_text="What the company paid for it: the balance is after it.")


class RefundAnswer(BalanceAnswer):
    transaction = made_id_field()
    refunded = MoneyField(help_text="In all, of the charge.")
    fee_returned = MoneyField(help_text="With this refund.")
