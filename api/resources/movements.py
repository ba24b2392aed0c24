"""`/wallets*`: money moves between wallets as resources."""

from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from accounts.models import User
from api.examples import (
    OTHER_ADDRESS,
    REFUSED_DEPOSIT,
    REFUSED_TRANSFER,
    REFUSED_WITHDRAWAL,
    TRANSACTION,
)
from api.http.authentication import caller_of
from api.http.dry_runs import NoDryRun, is_dry_run
from api.http.idempotency import respond_once
from api.http.movement_fields import made_id_field
from api.http.movement_results import MovementResult
from api.http.movements import MoneyView, respond_with_movement
from api.http.permissions import IsHolder, MovesCash
from api.http.queued import RESPOND_ASYNC, respond_now_or_queued
from api.http.schema import operation
from api.http.views import parse_body
from api.resources.bodies import (
    CreateWithBalanceBody,
    FundBody,
    ResourceAmountBody,
    ResourceTransferBody,
)
from api.resources.wallet_shape import (
    A_WALLET,
    WalletResource,
    moved_source,
    moved_target,
    stranger_resource,
    wallet_resource,
)
from commerce.cash import CashByOperators, open_wallet, order_deposit, order_withdrawal
from commerce.transfers import order_transfer
from core.dry_run import kept
from core.errors import InvalidInput, PermissionDenied
from core.idempotency import DuplicateIdempotencyKey
from core.money import AmountNotPositive
from ledger.orders import Order
from wallets.errors import (
    NotCash,
    WalletLimitReached,
)
from wallets.references import wallet_ref

FUND_KEYS = ("idempotencyKey",)
TRANSFER_KEYS = ("idempotencyKey", "clientTransactionId")
ANOTHER_WALLET = {
    **A_WALLET,
    "id": OTHER_ADDRESS,
    "address": None,
    "charges": None,
    "label": None,
    "balance": None,
}
REPEATED = DuplicateIdempotencyKey(transactionId=TRANSACTION)


class Wallet(WalletResource):
    """What was opened. The fuzz tests find by this name the calls that take its id."""

    id = made_id_field()


class TransferAnswer(serializers.Serializer[Any]):
    sender = WalletResource()
    receiver = WalletResource()


class CreateView(MoneyView):
    tag = "wallets as resources"
    permission_classes = (IsHolder,)
    body = CreateWithBalanceBody()

    @operation(
        "wallets_create",
        "Create a wallet, with a first deposit if there is a balance",
        body=body,
        request_example={"currency": "USD", "balance": "100.50"},
        status=201,
        answer=Wallet,
        answer_example=A_WALLET,
        refusals=[
            InvalidInput({"currency": ["There is no such currency."]}),
            AmountNotPositive,
            PermissionDenied,
            CashByOperators,
            NotCash,
            WalletLimitReached(limit=1),
        ],
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        if is_dry_run(request) and not Decimal(fields["balance"]):
            raise NoDryRun("There is nothing to try: without a balance no money moves.")

        def work() -> dict[str, Any]:
            wallet = open_wallet(caller_of(request), **fields)
            ids = {"id": kept(wallet.id), "address": kept(wallet.address)}
            return {**wallet_resource(wallet), **ids}

        return respond_once(request, work, status=201)


class FundView(MoneyView):
    tag = "wallets as resources"
    permission_classes = (MovesCash,)
    body = FundBody()

    @operation(
        "wallets_fund",
        "Deposit into an own wallet; where cash is for operators, into anybody's",
        body=body,
        request_example={"wallet_id": A_WALLET["id"], "amount": "100.50"},
        answer=WalletResource,
        answer_example=A_WALLET,
        refusals=[REPEATED, *REFUSED_DEPOSIT],
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller = caller_of(request)
        return respond_with_movement(
            request,
            lambda: order_deposit(caller, **fields),
            moved_target,
            shows_wallets=True,
            key_fields=FUND_KEYS,
            repeat_conflicts=True,
        )


class TransferView(MoneyView):
    tag = "wallets as resources"
    permission_classes = (IsHolder,)
    body = ResourceTransferBody()

    @operation(
        "wallets_transfer",
        "Transfer from an own wallet to another",
        body=body,
        request_example={
            "senderWalletId": A_WALLET["id"],
            "receiverWalletId": ANOTHER_WALLET["id"],
            "amount": "50.25",
        },
        answer=TransferAnswer,
        answer_example={"sender": A_WALLET, "receiver": ANOTHER_WALLET},
        refusals=[REPEATED, *REFUSED_TRANSFER],
        takes_idempotency_key=True,
        respond_async=RESPOND_ASYNC,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller = caller_of(request)
        return respond_now_or_queued(
            request,
            lambda: order_transfer(caller, **fields),
            partial(moved_both, caller, fields["target_id"]),
            shows_wallets=True,
            key_fields=TRANSFER_KEYS,
            repeat_conflicts=True,
        )


class DepositView(MoneyView):
    tag = "wallets as resources"
    permission_classes = (MovesCash,)
    body = ResourceAmountBody()

    @operation(
        "wallets_deposit",
        "Deposit into an own wallet; where cash is for operators, into anybody's",
        body=body,
        request_example={"amount": "100.50", "description": "Savings"},
        answer=WalletResource,
        answer_example=A_WALLET,
        refusals=REFUSED_DEPOSIT,
        takes_idempotency_key=True,
    )
    def post(self, request: Request, wallet_id: UUID) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller = caller_of(request)
        return respond_with_movement(
            request,
            lambda: order_deposit(caller, wallet_id=wallet_id, **fields),
            moved_target,
            shows_wallets=True,
        )


class WithdrawView(MoneyView):
    tag = "wallets as resources"
    permission_classes = (MovesCash,)
    body = ResourceAmountBody()

    @operation(
        "wallets_withdraw",
        "Withdraw from an own wallet; where cash is for operators, from anybody's",
        body=body,
        request_example={"amount": "20.00"},
        answer=WalletResource,
        answer_example=A_WALLET,
        refusals=REFUSED_WITHDRAWAL,
        takes_idempotency_key=True,
        respond_async=RESPOND_ASYNC,
    )
    def post(self, request: Request, wallet_id: UUID) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller = caller_of(request)
        return respond_now_or_queued(
            request,
            lambda: order_withdrawal(caller, wallet_id=wallet_id, **fields),
            moved_source,
            shows_wallets=True,
        )


def moved_both(
    caller: User, receiver: UUID, order: Order, result: MovementResult
) -> dict[str, Any]:
    """Answer with both wallets of a transfer; another's is only what the caller named it."""
    is_own = wallet_ref(order.target_id).owner_id == caller.pk
    return {
        "sender": moved_source(order, result),
        "receiver": moved_target(order, result)
        if is_own
        else stranger_resource(receiver, order, result),
    }
