"""`/paytokens`: what a payer shows a shop instead of the wallet's token."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.errors import CompanyNotFound
from api.examples import A_PAYTOKEN, APPROVAL, COMPANY, WALLET
from api.http.authentication import caller_of
from api.http.fields import AmountField, Body, CountField, IdField, MoneyField
from api.http.idempotency import respond_once
from api.http.permissions import IsHolder
from api.http.qr_codes import qr_code
from api.http.renderer import json_response, render_json
from api.http.schema import operation
from api.http.views import ApiView, parse_body
from core.errors import InvalidInput, PermissionDenied
from core.money import AmountNotPositive
from core.times import rfc3339
from core.unit_of_work import unit_of_work
from wallets.assets import to_decimal
from wallets.errors import (
    PayTokenLimitReached,
    PayTokenNotFound,
    WalletClosed,
    WalletNotFound,
)
from wallets.models import MAX_USES, PayToken
from wallets.paytokens import (
    MAX_USABLE,
    create_paytoken,
    revoke_paytoken,
    text_of,
    usable_paytokens,
)
from wallets.references import wallet_ref

SHORTEST_SECONDS, LONGEST_SECONDS, DEFAULT_SECONDS = 30, 86_400, 300
A_ROW = {
    "id": APPROVAL,
    "wallet": WALLET,
    "max_amount": Decimal("20.00"),
    "uses_left": 1,
    "company": COMPANY,
    "expires_at": "2026-01-31T12:05:00.000Z",
}


class PayTokenBody(Body):
    wallet = IdField(source="wallet_id")
    max_amount = AmountField(required=False)
    uses = CountField(highest=MAX_USES, default=1)
    company = IdField(source="company_id", required=False)
    expires_in = CountField(
        lowest=SHORTEST_SECONDS, highest=LONGEST_SECONDS, default=DEFAULT_SECONDS
    )


class PayTokenAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    wallet = serializers.UUIDField()
    max_amount = MoneyField(allow_null=True, help_text="The most that one use may take.")
    uses_left = serializers.IntegerField()
    company = serializers.UUIDField(allow_null=True, help_text="The only one that may use it.")
    expires_at = serializers.DateTimeField()


class CreatedPayTokenAnswer(PayTokenAnswer):
    paytoken = serializers.CharField(
        allow_null=True,
        help_text="Shown by this answer and its repeats only. Null when its secret key is gone.",
    )
    qr = serializers.CharField(
        allow_null=True, help_text="Its QR code: an SVG as a `data:` URI. Null as `paytoken` is."
    )


class PayTokensView(ApiView):
    tag = "paying safely"
    permission_classes = (IsHolder,)
    body = PayTokenBody()

    @operation(
        "paytoken_create",
        "Make a pay token for an own wallet",
        body=body,
        request_example={"wallet": WALLET, "max_amount": "20.00", "company": COMPANY},
        status=201,
        answer=CreatedPayTokenAnswer,
        answer_example={
            **A_ROW,
            "paytoken": A_PAYTOKEN,
            "qr": "data:image/svg+xml;charset=utf-8,%3Csvg…",
        },
        refusals=[
            InvalidInput({"max_amount": ["At most 2 decimals."]}),
            AmountNotPositive,
            PermissionDenied,
            WalletNotFound,
            CompanyNotFound,
            WalletClosed,
            PayTokenLimitReached(limit=MAX_USABLE),
        ],
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller = caller_of(request)
        return respond_once(
            request,
            lambda: paytoken_answer(create_paytoken(caller, **fields)),
            status=201,
            reveal=with_secret,
        )

    @operation(
        "paytoken_list",
        "The own pay tokens that can still be used, oldest first",
        answer=PayTokenAnswer(many=True),
        answer_example=[A_ROW],
        refusals=[PermissionDenied],
    )
    def get(self, request: Request) -> HttpResponse:
        return json_response(
            [paytoken_answer(each) for each in usable_paytokens(caller_of(request))]
        )


class PayTokenView(ApiView):
    tag = "paying safely"
    permission_classes = (IsHolder,)

    @operation(
        "paytoken_revoke",
        "Revoke an own pay token; no charge that begins later is made by it",
        status=204,
        refusals=[PermissionDenied, PayTokenNotFound],
    )
    def delete(self, request: Request, paytoken_id: UUID) -> HttpResponse:
        caller = caller_of(request)
        unit_of_work(lambda: revoke_paytoken(caller, paytoken_id))
        return Response(status=204)


def paytoken_answer(paytoken: PayToken) -> dict[str, Any]:
    """Return a pay token without what its owner shows."""
    asset = wallet_ref(paytoken.wallet_id).asset_id
    return {
        "id": paytoken.id,
        "wallet": paytoken.wallet_id,
        "max_amount": to_decimal(paytoken.max_amount_minor, asset),
        "uses_left": paytoken.uses_left,
        "company": paytoken.company_id,
        "expires_at": rfc3339(paytoken.expires_at),
    }


def with_secret(recorded: bytes) -> bytes:
    """Return the answer to a creation with the secret, which its record leaves out.

    The secret is null once it cannot be derived: the secret key was replaced, or the row is gone.
    """
    text = text_of(UUID(orjson.loads(recorded)["id"]))
    secret = {"paytoken": text, "qr": None if text is None else qr_code(text)}
    return recorded.removesuffix(b"}") + b"," + render_json(secret).removeprefix(b"{")
