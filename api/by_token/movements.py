"""`/wallet/*`: clients and companies move money, and name their wallets by token."""

from decimal import Decimal

from django.http import HttpResponse
from rest_framework.request import Request

from api.by_token.bodies import (
    AmountBody,
    BalanceAnswer,
    ChargeAnswer,
    ChargeBody,
    RefundAnswer,
    RefundBody,
    TransferBody,
)
from api.by_token.rendering import charged_target, moved_source, moved_target
from api.examples import (
    A_PAYTOKEN,
    BAD_AMOUNT,
    OTHER_ADDRESS,
    OTHER_WALLET,
    REFUSED_BETWEEN_TWO,
    REFUSED_CHARGE,
    REFUSED_DEPOSIT,
    REFUSED_TRANSFER,
    REFUSED_WITHDRAWAL,
    SHORT,
    TRANSACTION,
    WALLET,
)
from api.http.authentication import caller_of
from api.http.idempotency import KeyedResult, respond_once
from api.http.movement_results import result_of
from api.http.movements import MoneyView, respond_with_movement
from api.http.permissions import IsCompany, IsHolder, MovesCash
from api.http.queued import RESPOND_ASYNC, respond_now_or_queued
from api.http.schema import operation
from api.http.views import parse_body
from commerce.cash import order_deposit, order_withdrawal
from commerce.charges import (
    ChargeFailed,
    ChargeNotFound,
    RefundExceedsCharge,
    order_charge,
    refund,
)
from commerce.transfers import order_transfer
from core.errors import PermissionDenied
from core.money import AmountNotPositive
from ledger.errors import SplitsExceedAmount
from wallets.assets import to_decimal


class DepositView(MoneyView):
    tag = "wallets by token"
    permission_classes = (MovesCash,)
    body = AmountBody()

    @operation(
        "wallet_deposit",
        "Deposit into an own wallet; where cash is for operators, into anybody's",
        body=body,
        request_example={"wallet": WALLET, "amount": "100.00"},
        answer=BalanceAnswer,
        answer_example={"wallet": WALLET, "balance": Decimal("100.00")},
        refusals=REFUSED_DEPOSIT,
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller = caller_of(request)
        return respond_with_movement(request, lambda: order_deposit(caller, **fields), moved_target)


class WithdrawView(MoneyView):
    tag = "wallets by token"
    permission_classes = (MovesCash,)
    body = AmountBody()

    @operation(
        "wallet_withdraw",
        "Withdraw from an own wallet; where cash is for operators, from anybody's",
        body=body,
        request_example={"wallet": WALLET, "amount": "20.00"},
        answer=BalanceAnswer,
        answer_example={"wallet": WALLET, "balance": Decimal("80.00")},
        refusals=REFUSED_WITHDRAWAL,
        takes_idempotency_key=True,
        respond_async=RESPOND_ASYNC,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller = caller_of(request)
        return respond_now_or_queued(
            request, lambda: order_withdrawal(caller, **fields), moved_source
        )


class TransferView(MoneyView):
    tag = "wallets by token"
    permission_classes = (IsHolder,)
    body = TransferBody()

    @operation(
        "wallet_transfer",
        "Transfer from an own wallet to another",
        body=body,
        request_example={
            "source": WALLET,
            "target": OTHER_ADDRESS,
            "amount": "15.00",
            "summary": "Lunch",
        },
        answer=BalanceAnswer,
        answer_example={"wallet": WALLET, "balance": Decimal("65.00")},
        refusals=REFUSED_TRANSFER,
        takes_idempotency_key=True,
        respond_async=RESPOND_ASYNC,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller = caller_of(request)
        return respond_now_or_queued(
            request, lambda: order_transfer(caller, **fields), moved_source
        )


class ChargeView(MoneyView):
    tag = "wallets by token"
    permission_classes = (IsCompany,)
    body = ChargeBody()

    @operation(
        "wallet_charge",
        "Charge a payer's wallet, by its token or by a pay token (companies)",
        body=body,
        request_example={"paytoken": A_PAYTOKEN, "amount": "12.50", "summary": "Order 1017"},
        answer=ChargeAnswer,
        answer_example={
            "wallet": WALLET,
            "balance": Decimal("12.10"),
            "transaction": TRANSACTION,
            "fee": Decimal("0.40"),
        },
        refusals=[*REFUSED_CHARGE, SplitsExceedAmount],
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller = caller_of(request)
        return respond_with_movement(
            request, lambda: order_charge(caller, **fields), charged_target
        )


class RefundView(MoneyView):
    tag = "wallets by token"
    permission_classes = (IsCompany,)
    body = RefundBody()

    @operation(
        "wallet_refund",
        "Refund a charge, in whole or in part (companies)",
        body=body,
        request_example={"transaction": TRANSACTION, "amount": "2.50", "summary": "One returned"},
        answer=RefundAnswer,
        answer_example={
            "wallet": WALLET,
            "balance": Decimal("10.00"),
            "transaction": OTHER_WALLET,
            "refunded": Decimal("2.50"),
            "fee_returned": Decimal("0.00"),
        },
        refusals=[
            BAD_AMOUNT,
            AmountNotPositive,
            SHORT,
            PermissionDenied,
            ChargeNotFound,
            ChargeFailed,
            RefundExceedsCharge,
            *REFUSED_BETWEEN_TWO,
        ],
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)

        def work() -> KeyedResult:
            refunded = refund(caller_of(request), **fields)
            order, outcome = refunded.order, refunded.outcome
            result = result_of(order, outcome)
            payload = {
                **moved_source(order, result),
                "transaction": result.transaction_id,
                "refunded": to_decimal(refunded.refunded_minor, order.asset_id),
                "fee_returned": to_decimal(refunded.fee_returned_minor, order.asset_id),
            }
            return KeyedResult(payload, outcome.transaction_id)

        return respond_once(request, work)
