"""`/api/v1/wallet/group`: a platform's trades, all of their movements or none."""

from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from api.credits.movements import A_CREDIT, KEY_FIELDS, REFUSALS, CreditAnswer, credit_answer
from api.examples import BAD_AMOUNT, GROUP, REFUSED_BETWEEN_TWO, SHORT
from api.http.authentication import caller_of
from api.http.client_address import client_address
from api.http.fields import AmountField, Body, IdField, KeyField, TextField
from api.http.idempotency import KeyedResult, respond_once
from api.http.movement_fields import description_field, made_id_field, without_keys
from api.http.movement_results import result_of
from api.http.movements import MoneyView
from api.http.permissions import IsOperator
from api.http.schema import operation
from api.http.views import parse_body
from commerce.trades import MOST_OPERATIONS, TRADED, Operation, Trade, trade
from core.dry_run import kept
from core.errors import InvalidInput
from ledger.kinds import Kind
from wallets.errors import NoWallet, SameWallet, WalletLimitReached

GOLD_FOR_DIAMONDS = [
    {
        "type": "transfer",
        "userId": A_CREDIT["userId"],
        "toUserId": "3d1c9b7a-52f4-4e0d-8a61-7c5e2b9f0d44",
        "assetSymbol": "GOLD",
        "amount": "100.00",
    },
    {
        "type": "transfer",
        "userId": "3d1c9b7a-52f4-4e0d-8a61-7c5e2b9f0d44",
        "toUserId": A_CREDIT["userId"],
        "assetSymbol": "DIAMOND",
        "amount": "5.00",
    },
]


class OperationBody(Body):
    type = serializers.ChoiceField(choices=[(kind.value, kind.label) for kind in TRADED])
    userId = IdField(source="user_id")
    toUserId = IdField(source="to_user_id", required=False, help_text="Of a transfer.")
    assetSymbol = TextField(max_length=12, source="symbol")
    amount = AmountField()
    description = description_field()

    def validate(self, attrs: Any) -> Any:
        kind = Kind(attrs.pop("type"))
        if (kind == Kind.TRANSFER) != ("to_user_id" in attrs):
            reason = "A transfer has one." if kind == Kind.TRANSFER else "Only a transfer has one."
            raise serializers.ValidationError({"toUserId": [reason]})
        return Operation(kind, **attrs)


class GroupBody(Body):
    operations = OperationBody(many=True)
    idempotencyKey = KeyField()

    def to_internal_value(self, data: Any) -> Any:
        # Counted before they are looked at.
        operations = data.get("operations")
        if isinstance(operations, list) and not 1 <= len(operations) <= MOST_OPERATIONS:
            reason = f"From 1 to {MOST_OPERATIONS} operations."
            raise serializers.ValidationError({"operations": [reason]})
        return super().to_internal_value(data)

    def validate(self, attrs: Any) -> Any:
        return without_keys(attrs)


class GroupAnswer(serializers.Serializer[Any]):
    groupId = made_id_field()
    operations = CreditAnswer(many=True)


class GroupView(MoneyView):
    tag = "credits of a platform"
    permission_classes = (IsOperator,)
    body = GroupBody()

    @operation(
        "credits_group",
        "Carry out several movements of credits, all of them or none (operators)",
        body=body,
        request_example={"operations": GOLD_FOR_DIAMONDS},
        answer=GroupAnswer,
        answer_example={
            "groupId": GROUP,
            "operations": [
                {**A_CREDIT, "type": "TRANSFER", "balance": Decimal("250.00")},
                {
                    **A_CREDIT,
                    "type": "TRANSFER",
                    "userId": GOLD_FOR_DIAMONDS[1]["userId"],
                    "assetSymbol": "DIAMOND",
                    "amount": Decimal("5.00"),
                    "balance": Decimal("2.00"),
                },
            ],
        },
        refusals=[
            InvalidInput({"operations": [f"From 1 to {MOST_OPERATIONS} operations."]}),
            *(refusal for refusal in REFUSALS if refusal is not BAD_AMOUNT),
            WalletLimitReached(limit=1),
            SHORT,
            NoWallet,
            SameWallet,
            *REFUSED_BETWEEN_TWO,
        ],
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        operations = parse_body(request, self.body)["operations"]
        caller = caller_of(request)

        def work() -> KeyedResult:
            traded = trade(caller, operations, address=client_address(request._request))
            _, _, first = traded.movements[0]
            return KeyedResult(group_answer(traded), first.transaction_id)

        return respond_once(request, work, key_fields=KEY_FIELDS)


def group_answer(traded: Trade) -> dict[str, Any]:
    """Return what each operation would have answered by itself."""
    return {
        "groupId": kept(traded.group_id),
        "operations": [
            credit_answer(each.user_id, order, result_of(order, outcome))
            for each, order, outcome in traded.movements
        ],
    }
