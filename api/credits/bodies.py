"""Requests of the endpoints `/api/v1/wallet/*` that move credits."""

from typing import Any

from api.http.fields import AmountField, Body, IdField, KeyField, TextField
from api.http.movement_fields import description_field, without_keys


class CreditBody(Body):
    userId = IdField(source="user_id")
    assetSymbol = TextField(max_length=12, source="symbol")
    amount = AmountField()
    idempotencyKey = KeyField()
    description = description_field()

    def validate(self, attrs: Any) -> Any:
        return without_keys(attrs)
