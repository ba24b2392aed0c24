"""The endpoints `/wallet/*` that create and show wallets."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from api.examples import WALLET
from api.http.authentication import caller_of
from api.http.fields import Body, MoneyField, TextField
from api.http.idempotency import respond_once
from api.http.own_wallets import own_wallet_of
from api.http.permissions import IsHolder
from api.http.renderer import json_response
from api.http.schema import operation
from api.http.token_cache import CachedCallerView
from api.http.views import ApiView, parse_body, replica_allowed
from core.errors import InvalidInput, PermissionDenied
from wallets.assets import DEFAULT_CURRENCY, to_decimal
from wallets.errors import NotCash, WalletLimitReached, WalletNotFound
from wallets.models import Status, Wallet
from wallets.selectors import wallets_of
from wallets.services import open_cash_wallet

A_WALLET = {
    "wallet": WALLET,
    "balance": Decimal("80.00"),
    "available": Decimal("80.00"),
    "currency": "USD",
    "status": "active",
}


class CreateBody(Body):
    currency = TextField(max_length=12, default=DEFAULT_CURRENCY)


class CreatedAnswer(serializers.Serializer[Any]):
    wallet = serializers.UUIDField()


class WalletAnswer(serializers.Serializer[Any]):
    wallet = serializers.UUIDField()
    balance = MoneyField()
    available = MoneyField()
    currency = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.choices)


class CreateWalletView(ApiView):
    tag = "wallets by token"
    permission_classes = (IsHolder,)
    body = CreateBody()

    @operation(
        "wallet_create",
        "Create a wallet",
        body=body,
        request_example={"currency": "USD"},
        status=201,
        answer=CreatedAnswer,
        answer_example={"wallet": A_WALLET["wallet"]},
        refusals=[
            InvalidInput({"currency": ["There is no such currency."]}),
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
            lambda: {"wallet": open_cash_wallet(caller_of(request), fields["currency"]).id},
            status=201,
        )


class WalletInfoView(CachedCallerView):
    tag = "wallets by token"

    @operation(
        "wallet_info",
        "An own wallet and its balance",
        answer=WalletAnswer,
        answer_example=A_WALLET,
        refusals=[WalletNotFound],
    )
    @replica_allowed
    def get(self, request: Request, token: UUID) -> HttpResponse:
        return json_response(wallet_answer(own_wallet_of(request, token)))


class WalletListView(ApiView):
    tag = "wallets by token"

    @operation(
        "wallet_list",
        "All own wallets, oldest first",
        answer=WalletAnswer(many=True),
        answer_example=[A_WALLET],
    )
    @replica_allowed
    def get(self, request: Request) -> HttpResponse:
        return json_response([wallet_answer(wallet) for wallet in wallets_of(caller_of(request))])


def wallet_answer(wallet: Wallet) -> dict[str, Any]:
    """Return the wallet as `/wallet/*` shows it."""
    return {
        "wallet": wallet.id,
        "balance": to_decimal(wallet.balance_minor, wallet.asset_id),
        "available": to_decimal(wallet.available_minor, wallet.asset_id),
        "currency": wallet.asset_id,
        "status": wallet.status,
    }
