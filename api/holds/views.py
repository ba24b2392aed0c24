"""The endpoints `/holds`."""

from decimal import Decimal
from uuid import UUID

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request

from api.examples import A_PAYTOKEN, BAD_AMOUNT, REFUSED_BETWEEN_TWO, REFUSED_CHARGE
from api.holds.rendering import (
    A_CAPTURE,
    AN_ACTIVE_HOLD,
    CaptureAnswer,
    HoldAnswer,
    capture_result,
    hold_answer,
    hold_result,
)
from api.http.authentication import caller_of
from api.http.client_address import client_address
from api.http.fields import (
    AmountField,
    Body,
    BoolField,
    CountField,
    IdField,
    MetadataField,
    TextField,
)
from api.http.idempotency import KeyedResult, respond_once
from api.http.movement_fields import PayerBody, SplitsField, summary_field
from api.http.movement_results import result_of
from api.http.movements import MoneyView, respond_with_movement
from api.http.pagination import LimitField, with_next_page
from api.http.permissions import IsCompany, IsCompanyOrOperator
from api.http.renderer import json_response
from api.http.schema import operation
from api.http.token_cache import verify_token
from api.http.views import ApiView, parse_body, parse_query
from commerce.holds import (
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    find_hold,
    holds_of,
    order_capture,
    order_hold,
    order_increment,
    void_hold,
)
from core.errors import InvalidInput, PermissionDenied
from core.money import AmountNotPositive
from ledger.errors import (
    CaptureExceedsHold,
    HoldExpired,
    HoldLimitReached,
    HoldNotActive,
    InsufficientFunds,
    SplitsExceedAmount,
    TooManyFailedAttempts,
    WalletNotActive,
)
from ledger.holds import HoldNotFound
from ledger.models import REFERENCE_CHARACTERS, HoldStatus
from wallets.errors import (
    ApprovalExceeded,
    ChargeNotApproved,
    CurrencyMismatch,
    PayTokenExceeded,
    SameWallet,
)

TAG = "holds"
DEFAULT_SECONDS = 7 * 86_400
ENDED = (HoldNotActive(status="voided"), HoldExpired)


class HoldBody(PayerBody):
    amount = AmountField()
    summary = summary_field(required=True)
    reference = TextField(max_length=REFERENCE_CHARACTERS, allow_blank=True, required=False)
    metadata = MetadataField(required=False)
    expires_in = CountField(
        lowest=SHORTEST_SECONDS, highest=LONGEST_SECONDS, default=DEFAULT_SECONDS
    )


class CaptureBody(Body):
    amount = AmountField(required=False, help_text="Without it, what remains.")
    final = BoolField(
        source="is_final", default=True, help_text="Whether what then remains is released."
    )
    splits = SplitsField(required=False)


class IncrementBody(Body):
    amount = AmountField()


class HoldsQuery(Body):
    status = serializers.ChoiceField(choices=HoldStatus.choices, required=False)
    wallet = IdField(required=False)
    limit = LimitField(default=50)
    cursor = IdField(required=False)


class HoldsView(MoneyView):
    """Companies set money aside; they, payers and operators see what is held."""

    tag = TAG
    body = HoldBody()
    query = HoldsQuery()

    def get_permissions(self) -> list[BasePermission]:
        return [IsCompany() if self.request.method == "POST" else IsAuthenticated()]

    @operation(
        "hold_create",
        "Set money of a payer aside, by the wallet's token or by a pay token (companies)",
        body=body,
        request_example={
            "paytoken": A_PAYTOKEN,
            "amount": "250.00",
            "summary": AN_ACTIVE_HOLD["summary"],
            "reference": "booking-4711",
            "metadata": {"room": "12"},
        },
        status=201,
        answer=HoldAnswer,
        answer_example=AN_ACTIVE_HOLD,
        refusals=[*REFUSED_CHARGE, HoldLimitReached],
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller = caller_of(request)
        return respond_with_movement(
            request, lambda: order_hold(caller, **fields), hold_result, status=201
        )

    @operation(
        "hold_list",
        "The holds of the caller, as company and as payer, newest first; operators see all",
        query=HoldsQuery,
        answer=HoldAnswer(many=True),
        answer_example=[AN_ACTIVE_HOLD],
        refusals=[InvalidInput({"cursor": ["Not a cursor of this list."]})],
        link_header=True,
    )
    def get(self, request: Request) -> HttpResponse:
        fields = parse_query(request, self.query)
        verify_token(request)
        caller = caller_of(request)
        page, next_cursor = holds_of(caller, **fields)
        rows = [hold_answer(hold, caller) for hold in page]
        return with_next_page(json_response(rows), request, next_cursor)


class HoldView(ApiView):
    tag = TAG
    permission_classes = (IsAuthenticated,)

    @operation(
        "hold_get",
        "A hold, to its company, its payer and operators",
        answer=HoldAnswer,
        answer_example=AN_ACTIVE_HOLD,
        refusals=[HoldNotFound],
    )
    def get(self, request: Request, hold_id: UUID) -> HttpResponse:
        caller = caller_of(request)
        return json_response(hold_answer(find_hold(caller, hold_id), caller))


class CaptureView(MoneyView):
    tag = TAG
    permission_classes = (IsCompany,)
    body = CaptureBody()

    @operation(
        "hold_capture",
        "Take what is held, or a part of it (its company)",
        body=body,
        request_example={"amount": "240.00"},
        answer=CaptureAnswer,
        answer_example=A_CAPTURE,
        refusals=[
            BAD_AMOUNT,
            AmountNotPositive,
            CaptureExceedsHold(remaining=Decimal("200.00")),
            SplitsExceedAmount,
            SameWallet,
            CurrencyMismatch,
            PermissionDenied,
            HoldNotFound,
            *ENDED,
            *REFUSED_BETWEEN_TWO,
        ],
        takes_idempotency_key=True,
    )
    def post(self, request: Request, hold_id: UUID) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller = caller_of(request)
        return respond_with_movement(
            request, lambda: order_capture(caller, hold_id=hold_id, **fields), capture_result
        )


class IncrementView(MoneyView):
    tag = TAG
    permission_classes = (IsCompany,)
    body = IncrementBody()

    @operation(
        "hold_increment",
        "Set more aside by a hold (its company); it extends no time",
        body=body,
        request_example={"amount": "50.00"},
        answer=HoldAnswer,
        answer_example={
            **AN_ACTIVE_HOLD,
            "amount": Decimal("300.00"),
            "remaining": Decimal("300.00"),
        },
        refusals=[
            BAD_AMOUNT,
            AmountNotPositive,
            InsufficientFunds,
            PayTokenExceeded(max_amount=Decimal("250.00")),
            PermissionDenied,
            ChargeNotApproved,
            ApprovalExceeded,
            HoldNotFound,
            *ENDED,
            WalletNotActive,
            TooManyFailedAttempts(retry_after_seconds=1_200),
        ],
        takes_idempotency_key=True,
    )
    def post(self, request: Request, hold_id: UUID) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller = caller_of(request)
        return respond_with_movement(
            request, lambda: order_increment(caller, hold_id=hold_id, **fields), hold_result
        )


class VoidView(MoneyView):
    tag = TAG
    permission_classes = (IsCompanyOrOperator,)
    body = Body()

    @operation(
        "hold_void",
        "Release what remains of a hold (its company or an operator)",
        body=body,
        request_example={},
        answer=HoldAnswer,
        answer_example={
            **AN_ACTIVE_HOLD,
            "status": HoldStatus.VOIDED,
            "remaining": Decimal("0.00"),
        },
        refusals=[PermissionDenied, HoldNotFound, *ENDED],
        takes_idempotency_key=True,
    )
    def post(self, request: Request, hold_id: UUID) -> HttpResponse:
        parse_body(request, self.body)
        caller = caller_of(request)

        def work() -> KeyedResult:
            order, outcome = void_hold(
                caller, hold_id=hold_id, address=client_address(request._request)
            )
            return KeyedResult(
                hold_result(order, result_of(order, outcome)), outcome.transaction_id
            )

        return respond_once(request, work)
