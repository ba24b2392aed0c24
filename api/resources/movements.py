"""The doors `/wallets*` through which money moves (seeds 1 and 2)."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from api.examples import BAD_AMOUNT, REFUSED_BY_POST, SHORT
from api.http.authentication import caller_of
from api.http.permissions import IsHolder
from api.http.queued import ACCEPTED, PREFER, AcceptedAnswer, respond_queued, wants_async
from api.http.schema import operation
from api.http.views import ApiView, KeyedResult, parse_body, respond_once
from api.resources.bodies import (
    CreateWithBalanceBody,
    FundBody,
    ResourceAmountBody,
    ResourceTransferBody,
)
from api.resources.wallet_shape import A_WALLET, WalletResource, wallet_resource
from commerce.cash import deposit, open_wallet, withdraw
from commerce.movements import Movement, move
from commerce.transfers import propose_transfer
from core.errors import InvalidInput, PermissionDenied
from core.idempotency import DuplicateIdempotencyKey
from core.money import AmountNotPositive
from intake.accept import queue_transfer, queue_withdrawal
from wallets.errors import (
    CurrencyMismatch,
    NotCash,
    SameWallet,
    WalletLimitReached,
    WalletNotFound,
)

FUND_KEYS = ("idempotencyKey",)
TRANSFER_KEYS = ("idempotencyKey", "clientTransactionId")
OTHER_WALLET = {**A_WALLET, "id": "4d2f7c61-1f0f-4c7e-8a53-8b7e5f6a2c22", "balance": None}
REPEATED = DuplicateIdempotencyKey(transactionId="019a2b3c-4d5e-7f60-8a91-b2c3d4e5f607")


class TransferAnswer(serializers.Serializer[Any]):
    sender = WalletResource()
    receiver = WalletResource()


class ResourceView(ApiView):
    tag = "wallets as resources"
    permission_classes = (IsHolder,)


class CreateView(ResourceView):
    body = CreateWithBalanceBody()

    @operation(
        "wallets_create",
        "Create a wallet, with a first deposit if there is a balance",
        body=body,
        request_example={"currency": "USD", "balance": "100.50"},
        status=201,
        answer=WalletResource,
        answer_example=A_WALLET,
        refusals=[
            InvalidInput({"currency": ["There is no such currency."]}),
            AmountNotPositive,
            PermissionDenied,
            NotCash,
            WalletLimitReached(limit=1),
        ],
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        return respond_once(
            request,
            lambda: wallet_resource(open_wallet(caller_of(request), **fields)),
            status=201,
        )


class FundView(ResourceView):
    body = FundBody()

    @operation(
        "wallets_fund",
        "Deposit into an own wallet",
        body=body,
        request_example={"wallet_id": A_WALLET["id"], "amount": "100.50"},
        answer=WalletResource,
        answer_example=A_WALLET,
        refusals=[
            BAD_AMOUNT,
            AmountNotPositive,
            NotCash,
            WalletNotFound,
            REPEATED,
            *REFUSED_BY_POST,
        ],
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        return respond_once(
            request,
            lambda: target_resource(deposit(caller_of(request), **fields)),
            key_fields=FUND_KEYS,
            repeat_conflicts=True,
        )


class TransferView(ResourceView):
    body = ResourceTransferBody()

    @operation(
        "wallets_transfer",
        "Transfer from an own wallet to another",
        body=body,
        request_example={
            "senderWalletId": A_WALLET["id"],
            "receiverWalletId": OTHER_WALLET["id"],
            "amount": "50.25",
        },
        answer=TransferAnswer,
        answer_example={"sender": A_WALLET, "receiver": OTHER_WALLET},
        refusals=[
            BAD_AMOUNT,
            AmountNotPositive,
            SHORT,
            SameWallet,
            CurrencyMismatch,
            PermissionDenied,
            WalletNotFound,
            REPEATED,
            *REFUSED_BY_POST,
        ],
        takes_idempotency_key=True,
        respond_async=(PREFER, AcceptedAnswer, ACCEPTED),
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller = caller_of(request)
        if wants_async(request):
            return respond_queued(
                request,
                lambda: queue_transfer(caller, **fields),
                key_fields=TRANSFER_KEYS,
                repeat_conflicts=True,
            )

        def work() -> KeyedResult:
            movement = move(propose_transfer(caller, **fields))
            is_own = movement.target.owner_id == caller.pk
            payload = {
                "sender": wallet_resource(movement.source),
                "receiver": wallet_resource(movement.target, is_own=is_own),
            }
            return KeyedResult(payload, movement.outcome.transaction_id)

        return respond_once(request, work, key_fields=TRANSFER_KEYS, repeat_conflicts=True)


class DepositView(ResourceView):
    body = ResourceAmountBody()

    @operation(
        "wallets_deposit",
        "Deposit into an own wallet",
        body=body,
        request_example={"amount": "100.50", "description": "Savings"},
        answer=WalletResource,
        answer_example=A_WALLET,
        refusals=[BAD_AMOUNT, AmountNotPositive, NotCash, WalletNotFound, *REFUSED_BY_POST],
        takes_idempotency_key=True,
    )
    def post(self, request: Request, wallet_id: UUID) -> HttpResponse:
        fields = parse_body(request, self.body)
        return respond_once(
            request,
            lambda: target_resource(deposit(caller_of(request), wallet_id=wallet_id, **fields)),
        )


class WithdrawView(ResourceView):
    body = ResourceAmountBody()

    @operation(
        "wallets_withdraw",
        "Withdraw from an own wallet",
        body=body,
        request_example={"amount": "20.00"},
        answer=WalletResource,
        answer_example=A_WALLET,
        refusals=[BAD_AMOUNT, AmountNotPositive, SHORT, NotCash, WalletNotFound, *REFUSED_BY_POST],
        takes_idempotency_key=True,
        respond_async=(PREFER, AcceptedAnswer, ACCEPTED),
    )
    def post(self, request: Request, wallet_id: UUID) -> HttpResponse:
        fields = parse_body(request, self.body)

        caller = caller_of(request)
        if wants_async(request):
            return respond_queued(
                request, lambda: queue_withdrawal(caller, wallet_id=wallet_id, **fields)
            )

        def work() -> KeyedResult:
            movement = withdraw(caller, wallet_id=wallet_id, **fields)
            return KeyedResult(wallet_resource(movement.source), movement.outcome.transaction_id)

        return respond_once(request, work)


def target_resource(movement: Movement) -> KeyedResult:
    """Answer with the wallet that the money went into."""
    return KeyedResult(wallet_resource(movement.target), movement.outcome.transaction_id)
