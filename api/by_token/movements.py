"""The doors `/wallet/*` through which money moves (seed 3)."""

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
from api.by_token.respond import MovingView, respond_moved, source_side
from api.examples import BAD_AMOUNT, OTHER_WALLET, REFUSED_BY_POST, SHORT, TRANSACTION, WALLET
from api.http.authentication import caller_of
from api.http.permissions import HasRole, IsCompany, IsHolder
from api.http.queued import ACCEPTED, PREFER, AcceptedAnswer, respond_queued, wants_async
from api.http.schema import operation
from api.http.views import ApiView, KeyedResult, parse_body, respond_once
from commerce.cash import propose_deposit, propose_withdrawal
from commerce.charges import (
    ChargeFailed,
    ChargeNotFound,
    RefundExceedsCharge,
    propose_charge,
    refund,
)
from commerce.transfers import propose_transfer
from core.errors import PermissionDenied
from core.money import AmountNotPositive
from intake.accept import queue_transfer, queue_withdrawal
from ledger.errors import InsufficientFunds
from wallets.assets import to_decimal
from wallets.errors import CurrencyMismatch, NotCash, NoWallet, SameWallet, WalletNotFound


class MoneyView(ApiView):
    """A door through which the owner of a wallet moves money."""

    tag = "wallets by token"
    permission_classes: tuple[type[HasRole], ...] = (IsHolder,)


class DepositView(MovingView, MoneyView):
    body = AmountBody()

    @operation(
        "wallet_deposit",
        "Deposit into an own wallet",
        body=body,
        request_example={"wallet": WALLET, "amount": "100.00"},
        answer=BalanceAnswer,
        answer_example={"wallet": WALLET, "balance": Decimal("100.00")},
        refusals=[BAD_AMOUNT, AmountNotPositive, NotCash, WalletNotFound, *REFUSED_BY_POST],
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller = caller_of(request)
        return respond_moved(request, lambda _: propose_deposit(caller, **fields), of_source=False)


class WithdrawView(MovingView, MoneyView):
    body = AmountBody()

    @operation(
        "wallet_withdraw",
        "Withdraw from an own wallet",
        body=body,
        request_example={"wallet": WALLET, "amount": "20.00"},
        answer=BalanceAnswer,
        answer_example={"wallet": WALLET, "balance": Decimal("80.00")},
        refusals=[BAD_AMOUNT, AmountNotPositive, SHORT, NotCash, WalletNotFound, *REFUSED_BY_POST],
        takes_idempotency_key=True,
        respond_async=(PREFER, AcceptedAnswer, ACCEPTED),
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller = caller_of(request)
        if wants_async(request):
            return respond_queued(request, lambda: queue_withdrawal(caller, **fields))
        return respond_moved(
            request, lambda _: propose_withdrawal(caller, **fields), of_source=True
        )


class TransferView(MovingView, MoneyView):
    body = TransferBody()

    @operation(
        "wallet_transfer",
        "Transfer from an own wallet to another",
        body=body,
        request_example={
            "source": WALLET,
            "target": OTHER_WALLET,
            "amount": "15.00",
            "summary": "Lunch",
        },
        answer=BalanceAnswer,
        answer_example={"wallet": WALLET, "balance": Decimal("65.00")},
        refusals=[
            BAD_AMOUNT,
            AmountNotPositive,
            SHORT,
            SameWallet,
            CurrencyMismatch,
            PermissionDenied,
            WalletNotFound,
            *REFUSED_BY_POST,
        ],
        takes_idempotency_key=True,
        respond_async=(PREFER, AcceptedAnswer, ACCEPTED),
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller = caller_of(request)
        if wants_async(request):
            return respond_queued(request, lambda: queue_transfer(caller, **fields))
        return respond_moved(
            request,
            lambda unchecked: propose_transfer(caller, **fields, unchecked=unchecked),
            of_source=True,
        )


class ChargeView(MovingView, MoneyView):
    permission_classes = (IsCompany,)
    body = ChargeBody()

    @operation(
        "wallet_charge",
        "Charge a payer's wallet by its token (companies)",
        body=body,
        request_example={"wallet": OTHER_WALLET, "amount": 12.5, "summary": "Order 1017"},
        answer=ChargeAnswer,
        answer_example={"wallet": WALLET, "balance": Decimal("12.50"), "transaction": TRANSACTION},
        refusals=[
            BAD_AMOUNT,
            AmountNotPositive,
            InsufficientFunds,
            SameWallet,
            CurrencyMismatch,
            PermissionDenied,
            WalletNotFound,
            NoWallet,
            *REFUSED_BY_POST,
        ],
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller = caller_of(request)
        return respond_moved(
            request,
            lambda unchecked: propose_charge(caller, **fields, unchecked=unchecked),
            of_source=False,
            tells_transaction=True,
        )


class RefundView(MoneyView):
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
        },
        refusals=[
            BAD_AMOUNT,
            AmountNotPositive,
            SHORT,
            PermissionDenied,
            ChargeNotFound,
            ChargeFailed,
            RefundExceedsCharge,
            *REFUSED_BY_POST,
        ],
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)

        def work() -> KeyedResult:
            given_back = refund(caller_of(request), **fields)
            movement = given_back.movement
            return source_side(
                movement,
                transaction=movement.outcome.transaction_id,
                refunded=to_decimal(given_back.refunded_minor, movement.source.asset_id),
            )

        return respond_once(request, work)
