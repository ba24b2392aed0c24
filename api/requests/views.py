"""The endpoints `/payment-requests`."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from api.examples import BAD_AMOUNT, REFUSED_BETWEEN_TWO, SHORT, TRANSACTION, WALLET
from api.http.authentication import caller_of
from api.http.fields import (
    AmountField,
    Body,
    BoolField,
    CountField,
    IdField,
    MetadataField,
    MoneyField,
    TextField,
)
from api.http.idempotency import respond_once
from api.http.movement_fields import SplitsField, made_id_field, summary_field
from api.http.movement_results import MovementResult
from api.http.movements import MoneyView, respond_with_movement
from api.http.pagination import LimitField, with_next_page
from api.http.permissions import IsHolder
from api.http.renderer import json_response
from api.http.schema import operation
from api.http.views import ApiView, parse_body, parse_query
from api.requests.rendering import (
    A_PAID_REQUEST,
    AN_OPEN_REQUEST,
    PaymentRequestAnswer,
    listed_request,
    request_answer,
)
from commerce.models import RequestStatus
from commerce.payment_requests import (
    LONGEST_SECONDS,
    Payment,
    PaymentRequestCancelled,
    PaymentRequestExpired,
    PaymentRequestNotFound,
    PaymentRequestPaid,
    cancel_payment_request,
    create_payment_request,
    find_payment_request,
    requests_of,
)
from core.errors import InvalidInput, PermissionDenied
from core.money import AmountNotPositive
from ledger.errors import SplitsExceedAmount
from ledger.models import REFERENCE_CHARACTERS
from ledger.orders import Order
from wallets.errors import (
    CurrencyMismatch,
    NotCash,
    NoWallet,
    SameWallet,
    WalletClosed,
    WalletNotFound,
)

TAG = "payment requests"
SHORTEST_SECONDS, DEFAULT_SECONDS = 60, 900
ENDED = (PaymentRequestPaid, PaymentRequestExpired, PaymentRequestCancelled)


class PaymentRequestBody(Body):
    summary = summary_field(required=True)
    amount = AmountField(required=False)
    wallet = IdField(source="wallet_id", required=False)
    reference = TextField(max_length=REFERENCE_CHARACTERS, allow_blank=True, required=False)
    metadata = MetadataField(required=False)
    expires_in = CountField(
        lowest=SHORTEST_SECONDS, highest=LONGEST_SECONDS, default=DEFAULT_SECONDS
    )
    tips = BoolField(source="takes_tips", default=False)
    splits = SplitsField(required=False)


class PaymentBody(Body):
    wallet = IdField(source="wallet_id")
    amount = AmountField(required=False)
    tip = AmountField(required=False)


class RequestsQuery(Body):
    status = serializers.ChoiceField(choices=RequestStatus.choices, required=False)
    limit = LimitField(default=50)
    cursor = IdField(required=False)


class PaymentAnswer(serializers.Serializer[Any]):
    wallet = serializers.UUIDField()
    balance = MoneyField()
    transaction = made_id_field()


class PaymentRequestsView(ApiView):
    tag = TAG
    permission_classes = (IsHolder,)
    body = PaymentRequestBody()
    query = RequestsQuery()

    @operation(
        "payment_request_create",
        "Ask for money; whoever has the id, the link or the QR code may pay",
        body=body,
        request_example={
            "summary": AN_OPEN_REQUEST["summary"],
            "amount": "12.50",
            "reference": "order-1017",
            "metadata": {"table": "4"},
            "tips": True,
        },
        status=201,
        answer=PaymentRequestAnswer,
        answer_example=AN_OPEN_REQUEST,
        refusals=[
            BAD_AMOUNT,
            AmountNotPositive,
            SameWallet,
            CurrencyMismatch,
            SplitsExceedAmount,
            PermissionDenied,
            NotCash,
            WalletNotFound,
            NoWallet,
            WalletClosed,
        ],
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller = caller_of(request)
        return respond_once(
            request,
            lambda: request_answer(create_payment_request(caller, **fields), request),
            status=201,
        )

    @operation(
        "payment_request_list",
        "The own payment requests, newest first",
        query=RequestsQuery,
        answer=PaymentRequestAnswer(many=True),
        answer_example=[{**A_PAID_REQUEST, "qr": None}],
        refusals=[InvalidInput({"cursor": ["Not a cursor of this list."]}), PermissionDenied],
        link_header=True,
    )
    def get(self, request: Request) -> HttpResponse:
        fields = parse_query(request, self.query)
        page, next_cursor = requests_of(caller_of(request), **fields)
        rows = [listed_request(each, request) for each in page]
        return with_next_page(json_response(rows), request, next_cursor)


class PaymentRequestView(ApiView):
    """Who has the id sees what is asked; only payee and payer see the rest."""

    tag = TAG
    permission_classes = (AllowAny,)

    @operation(
        "payment_request_get",
        "A payment request, to anybody who has its id",
        answer=PaymentRequestAnswer,
        answer_example=A_PAID_REQUEST,
        refusals=[PaymentRequestNotFound],
        optional_token=True,
    )
    def get(self, request: Request, request_id: UUID) -> HttpResponse:
        return json_response(request_answer(find_payment_request(request_id), request))


class PayView(MoneyView):
    tag = TAG
    permission_classes = (IsHolder,)
    body = PaymentBody()

    @operation(
        "payment_request_pay",
        "Pay a payment request from an own wallet, with a tip where it takes one",
        body=body,
        request_example={"wallet": WALLET, "tip": "1.50"},
        answer=PaymentAnswer,
        answer_example={"wallet": WALLET, "balance": Decimal("86.00"), "transaction": TRANSACTION},
        refusals=[
            InvalidInput({"amount": ["The payment request names its amount."]}),
            AmountNotPositive,
            SHORT,
            SameWallet,
            CurrencyMismatch,
            SplitsExceedAmount,
            PermissionDenied,
            PaymentRequestNotFound,
            WalletNotFound,
            *ENDED,
            *REFUSED_BETWEEN_TWO,
        ],
        takes_idempotency_key=True,
    )
    def post(self, request: Request, request_id: UUID) -> HttpResponse:
        fields = parse_body(request, self.body)
        payment = Payment(caller_of(request), request_id, **fields)
        return respond_with_movement(
            request, payment.order, payer_answer, move=payment.move, post=payment.post_once
        )


class CancelView(ApiView):
    tag = TAG
    permission_classes = (IsHolder,)
    body = Body()

    @operation(
        "payment_request_cancel",
        "Cancel an own payment request that is open",
        body=body,
        request_example={},
        answer=PaymentRequestAnswer,
        answer_example={**AN_OPEN_REQUEST, "status": RequestStatus.CANCELLED},
        refusals=[PermissionDenied, PaymentRequestNotFound, *ENDED],
        takes_idempotency_key=True,
    )
    def post(self, request: Request, request_id: UUID) -> HttpResponse:
        parse_body(request, self.body)
        caller = caller_of(request)
        return respond_once(
            request, lambda: request_answer(cancel_payment_request(caller, request_id), request)
        )


def payer_answer(order: Order, result: MovementResult) -> dict[str, Any]:
    """Return the payer's wallet after the payment, and the transaction."""
    return {
        "wallet": order.source_id,
        "balance": result.source_balance,
        "transaction": result.transaction_id,
    }
