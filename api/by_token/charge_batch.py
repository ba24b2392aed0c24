"""`/wallet/charges`: a company's many charges as one batch."""

from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from api.examples import A_PAYTOKEN, OTHER_WALLET, TRANSACTION
from api.http.authentication import caller_of
from api.http.fields import AmountField, Body, MoneyField, TextField
from api.http.idempotency import respond_once
from api.http.movement_fields import PayerBody
from api.http.movements import MoneyView
from api.http.permissions import IsCompany
from api.http.rate_limits import count_items
from api.http.schema import operation
from api.http.views import parse_body
from commerce.charges import ChargeItem, ChargeResult, charge_many
from core.errors import InvalidInput, PermissionDenied, Refusal
from ledger.models import SUMMARY_CHARACTERS
from wallets.errors import NoWallet, PayTokenUsed

MAX_CHARGES = 1_000


class ChargeItemBody(PayerBody):
    amount = AmountField()
    summary = TextField(max_length=SUMMARY_CHARACTERS, allow_blank=True)
    reference = TextField(max_length=255, allow_blank=True, required=False)

    def validate(self, attrs: Any) -> Any:
        return ChargeItem(**super().validate(attrs))


class ChargesBody(Body):
    charges = ChargeItemBody(many=True)

    def to_internal_value(self, data: Any) -> Any:
        # Counted before they are looked at: half a million wrong ones would be a long look.
        charges = data.get("charges")
        if isinstance(charges, list) and not 1 <= len(charges) <= MAX_CHARGES:
            raise serializers.ValidationError({"charges": [f"From 1 to {MAX_CHARGES} charges."]})
        return super().to_internal_value(data)


class ChargeResultAnswer(serializers.Serializer[Any]):
    reference = serializers.CharField(allow_null=True)
    success = serializers.BooleanField()
    transaction = serializers.UUIDField(allow_null=True)
    fee = MoneyField(allow_null=True, help_text="Null when it was refused.")
    code = serializers.CharField(allow_null=True)
    message = serializers.CharField(allow_null=True)


class ChargesAnswer(serializers.Serializer[Any]):
    results = ChargeResultAnswer(many=True)
    balance = MoneyField()


class ChargesView(MoneyView):
    tag = "wallets by token"
    permission_classes = (IsCompany,)
    body = ChargesBody()

    @operation(
        "wallet_charges",
        "Charge up to 1,000 payers, each for itself (companies)",
        body=body,
        request_example={
            "charges": [
                {"wallet": OTHER_WALLET, "amount": "12.50", "summary": "May", "reference": "a-1"},
                {"paytoken": A_PAYTOKEN, "amount": "3.00", "summary": "Tea", "reference": "a-2"},
            ]
        },
        answer=ChargesAnswer,
        answer_example={
            "results": [
                {
                    "reference": "a-1",
                    "success": True,
                    "transaction": TRANSACTION,
                    "fee": Decimal("0.00"),
                    "code": None,
                    "message": None,
                },
                {
                    "reference": "a-2",
                    "success": False,
                    "transaction": None,
                    "fee": None,
                    "code": PayTokenUsed.code,
                    "message": PayTokenUsed.message,
                },
            ],
            "balance": Decimal("12.50"),
        },
        refusals=[
            InvalidInput({"charges": [f"From 1 to {MAX_CHARGES} charges."]}),
            PermissionDenied,
            NoWallet,
        ],
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        items = parse_body(request, self.body)["charges"]
        count_items(request, len(items))

        def work() -> dict[str, Any]:
            results, balance = charge_many(caller_of(request), items)
            return {"results": [result_answer(result) for result in results], "balance": balance}

        return respond_once(request, work)


def result_answer(result: ChargeResult) -> dict[str, Any]:
    """Return what became of one charge of the batch."""
    refusal = result.refusal
    return {
        "reference": result.item.reference,
        "success": refusal is None,
        "transaction": result.transaction_id,
        "fee": result.fee,
        "code": refusal and refusal.code,
        "message": refusal and _message_of(refusal),
    }


def _message_of(refusal: Refusal) -> str:
    """Return what is wrong with the item: it has no `details` for its fields."""
    if not isinstance(refusal, InvalidInput):
        return str(refusal)
    return " ".join(f"{field}: {' '.join(why)}" for field, why in refusal.details.items())
