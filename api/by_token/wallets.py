"""The endpoints `/wallet/*` that create and show wallets."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from api.examples import ADDRESS, WALLET
from api.http.authentication import caller_of
from api.http.fields import Body, IdField, MoneyField, TextField, WordField
from api.http.idempotency import respond_once
from api.http.own_wallets import own_wallet_of
from api.http.permissions import IsHolder
from api.http.renderer import json_response
from api.http.schema import operation
from api.http.token_cache import CachedCallerView, verify_token
from api.http.views import ApiView, parse_body, replica_allowed
from core.errors import InvalidInput, PermissionDenied
from core.unit_of_work import unit_of_work
from wallets.assets import DEFAULT_CURRENCY, to_decimal
from wallets.errors import NotCash, WalletClosed, WalletLimitReached, WalletNotFound
from wallets.models import LABEL_CHARACTERS, ChargePolicy, Status, Wallet
from wallets.selectors import wallets_of
from wallets.services import change_wallet, freeze_own, open_cash_wallet

CREATED = {"wallet": WALLET, "address": ADDRESS, "charges": ChargePolicy.OPEN, "label": ""}
A_WALLET = {
    **CREATED,
    "balance": Decimal("80.00"),
    "available": Decimal("80.00"),
    "currency": "USD",
    "status": "active",
}


class CreateBody(Body):
    currency = TextField(max_length=12, default=DEFAULT_CURRENCY)


class ChangeBody(Body):
    charges = WordField(choices=ChargePolicy.choices, required=False)
    label = TextField(max_length=LABEL_CHARACTERS, allow_blank=True, required=False)  # type: ignore[assignment]  # of the body


class FreezeBody(Body):
    wallet = IdField(source="wallet_id")
    reason = TextField(max_length=500, allow_blank=True, default="")


class CreatedAnswer(serializers.Serializer[Any]):
    wallet = serializers.UUIDField()
    address = serializers.UUIDField(help_text="Can only be paid into; give it to others.")
    charges = serializers.ChoiceField(choices=ChargePolicy.choices)
    label = serializers.CharField()  # type: ignore[assignment]  # a field of the answer


class WalletAnswer(CreatedAnswer):
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
        answer_example=CREATED,
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
            lambda: created_answer(open_cash_wallet(caller_of(request), fields["currency"])),
            status=201,
        )


class WalletInfoView(CachedCallerView):
    tag = "wallets by token"
    body = ChangeBody()

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

    @operation(
        "wallet_change",
        "Change who may charge an own wallet by its token, or its label",
        body=body,
        request_example={"charges": "approved", "label": "Household"},
        answer=WalletAnswer,
        answer_example={**A_WALLET, "charges": "approved", "label": "Household"},
        refusals=[WalletNotFound],
    )
    def patch(self, request: Request, token: UUID) -> HttpResponse:
        fields = parse_body(request, self.body)
        verify_token(request)
        changed = unit_of_work(lambda: change_wallet(caller_of(request), token, **fields))
        return json_response(wallet_answer(changed))


class FreezeView(ApiView):
    tag = "wallets by token"
    permission_classes = (IsHolder,)
    body = FreezeBody()

    @operation(
        "wallet_freeze",
        "Freeze an own wallet; support alone sets it free",
        body=body,
        request_example={"wallet": WALLET, "reason": "I lost my phone"},
        answer=WalletAnswer,
        answer_example={**A_WALLET, "status": "frozen"},
        refusals=[PermissionDenied, WalletNotFound, WalletClosed],
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        return respond_once(
            request, lambda: wallet_answer(freeze_own(caller_of(request), **fields))
        )


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


def created_answer(wallet: Wallet) -> dict[str, Any]:
    """Return what a new wallet is called, and who may charge it."""
    return {
        "wallet": wallet.id,
        "address": wallet.address,
        "charges": wallet.charges,
        "label": wallet.label,
    }


def wallet_answer(wallet: Wallet) -> dict[str, Any]:
    """Return the wallet as `/wallet/*` shows it to its owner."""
    return {
        **created_answer(wallet),
        "balance": to_decimal(wallet.balance_minor, wallet.asset_id),
        "available": to_decimal(wallet.available_minor, wallet.asset_id),
        "currency": wallet.asset_id,
        "status": wallet.status,
    }
