"""What the doors `/wallet/*` of commerce take and answer."""

from typing import Any

from rest_framework import serializers

from core.http.fields import AmountField, Body, IdField, MoneyField, TextField

SUMMARY_CHARACTERS = 500


def summary_field(*, required: bool = False) -> TextField:
    """Return a field for the short description of a movement."""
    if required:
        return TextField(max_length=SUMMARY_CHARACTERS, allow_blank=True)
    return TextField(max_length=SUMMARY_CHARACTERS, allow_blank=True, default="")


class AmountBody(Body):
    wallet = IdField()
    amount = AmountField()


class TransferBody(Body):
    source = IdField()  # type: ignore[assignment]  # a field of the body, not of the serializer
    target = IdField()
    amount = AmountField()
    summary = summary_field()


class ChargeBody(Body):
    wallet = IdField()
    amount = AmountField()
    summary = summary_field(required=True)


class RefundBody(Body):
    transaction = IdField()
    amount = AmountField(required=False)
    summary = summary_field()


class BalanceAnswer(serializers.Serializer[Any]):
    wallet = serializers.UUIDField()
    balance = MoneyField()


class ChargeAnswer(BalanceAnswer):
    transaction = serializers.UUIDField()


class RefundAnswer(ChargeAnswer):
    refunded = MoneyField()
