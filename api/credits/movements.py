"""`/api/v1/wallet/*`: the credits of a platform's users."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request

from accounts.models import Role, User
from api.credits.bodies import CreditBody
from api.examples import APPROVAL_NEEDED, BAD_AMOUNT, REFUSED_BY_POST, SHORT, TRANSACTION
from api.http.authentication import caller_of
from api.http.fields import MoneyField
from api.http.movement_fields import ENTRY_STATUSES, made_id_field
from api.http.movement_results import MovementResult
from api.http.movements import MoneyView, respond_with_movement
from api.http.pagination import PAGINATION, PageQuery, Pagination, page_answer
from api.http.permissions import IsOperator
from api.http.renderer import json_response
from api.http.schema import operation
from api.http.views import ApiView, parse_body, parse_query, replica_allowed
from commerce.credits import credited_user, order_bonus, order_spend, order_top_up
from commerce.errors import UnknownAsset, UnknownUser
from core.errors import InvalidInput, NotFound, PermissionDenied
from core.money import AmountNotPositive
from core.times import rfc3339
from ledger.history import MAX_ID, transactions_of
from ledger.kinds import Kind
from ledger.models import Transaction
from ledger.orders import Order
from wallets.assets import find_asset, is_system_wallet, to_decimal
from wallets.errors import NoWallet, WalletLimitReached
from wallets.models import Asset, Wallet
from wallets.selectors import default_wallet, wallets_of

#: What `/api/v1` calls the kinds.
CREDIT_TYPES = [(kind.upper(), kind.label) for kind in Kind]
KEY_FIELDS = ("idempotencyKey",)
A_CREDIT = {
    "transactionId": TRANSACTION,
    "userId": "9b2f5c1e-3a53-4c0e-9a0e-0d6c8f5b1a77",
    "assetSymbol": "GOLD",
    "type": "TOPUP",
    "amount": Decimal("100.00"),
    "balance": Decimal("350.00"),
    "status": "COMPLETED",
    "createdAt": "2026-01-31T12:00:00.000Z",
}
A_BALANCE = {
    "assetSymbol": "GOLD",
    "balance": Decimal("350.00"),
    "locked": Decimal("0.00"),
    "available": Decimal("350.00"),
}
SENT = {
    "userId": A_CREDIT["userId"],
    "assetSymbol": "GOLD",
    "amount": "100.00",
}
REFUSALS = (
    BAD_AMOUNT,
    AmountNotPositive,
    UnknownUser,
    UnknownAsset,
    PermissionDenied,
    APPROVAL_NEEDED,
)


class CreditAnswer(serializers.Serializer[Any]):
    transactionId = made_id_field()
    userId = serializers.UUIDField()
    assetSymbol = serializers.CharField()
    type = serializers.ChoiceField(choices=CREDIT_TYPES)
    amount = MoneyField()
    balance = MoneyField(allow_null=True)
    status = serializers.ChoiceField(choices=ENTRY_STATUSES)
    createdAt = serializers.DateTimeField()


class CreditsAnswer(serializers.Serializer[Any]):
    data = CreditAnswer(many=True)  # type: ignore[assignment]
    pagination = Pagination()


class AssetBalance(serializers.Serializer[Any]):
    assetSymbol = serializers.CharField()
    balance = MoneyField()
    locked = MoneyField()
    available = MoneyField()


class UserBalance(AssetBalance):
    userId = serializers.UUIDField()


class NamedAssetBalance(AssetBalance):
    assetName = serializers.CharField()


class BalancesAnswer(serializers.Serializer[Any]):
    userId = serializers.UUIDField()
    balances = NamedAssetBalance(many=True)


class CreditView(MoneyView):
    """A credit or a spend, by the domain function that orders it."""

    tag = "credits of a platform"
    body = CreditBody()
    order: ClassVar[Callable[..., Order]]

    def move(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller = caller_of(request)

        def order() -> Order:
            return type(self).order(
                caller,
                user=the_user(caller, fields["user_id"]),
                asset=the_asset(fields["symbol"]),
                amount=fields["amount"],
                summary=fields["summary"],
            )

        render = partial(credit_answer, fields["user_id"])
        return respond_with_movement(request, order, render, key_fields=KEY_FIELDS)


class TopUpView(CreditView):
    permission_classes = (IsOperator,)
    order = staticmethod(order_top_up)

    @operation(
        "credits_topup",
        "Credit what a user bought (operators)",
        body=CreditView.body,
        request_example=SENT,
        answer=CreditAnswer,
        answer_example=A_CREDIT,
        refusals=[*REFUSALS, WalletLimitReached(limit=1), *REFUSED_BY_POST],
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        return self.move(request)


class BonusView(CreditView):
    permission_classes = (IsOperator,)
    order = staticmethod(order_bonus)

    @operation(
        "credits_bonus",
        "Give a user credits (operators)",
        body=CreditView.body,
        request_example=SENT,
        answer=CreditAnswer,
        answer_example={**A_CREDIT, "type": "BONUS"},
        refusals=[*REFUSALS, WalletLimitReached(limit=1), *REFUSED_BY_POST],
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        return self.move(request)


class SpendView(CreditView):
    permission_classes = (IsAuthenticated,)
    order = staticmethod(order_spend)

    @operation(
        "credits_spend",
        "Spend a user's credits (operators, or the user)",
        body=CreditView.body,
        request_example=SENT,
        answer=CreditAnswer,
        answer_example={**A_CREDIT, "type": "SPEND", "balance": Decimal("250.00")},
        refusals=[*REFUSALS, SHORT, NoWallet, *REFUSED_BY_POST],
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        return self.move(request)


class BalanceView(ApiView):
    tag = "credits of a platform"

    @operation(
        "credits_balance",
        "What a user holds of an asset (operators, or the user)",
        answer=UserBalance,
        answer_example={"userId": A_CREDIT["userId"], **A_BALANCE},
        refusals=[UnknownUser, UnknownAsset, PermissionDenied, NotFound],
    )
    @replica_allowed
    def get(self, request: Request, user_id: UUID, symbol: str) -> HttpResponse:
        user = the_user(caller_of(request), user_id)
        asset = the_asset(symbol)
        return json_response(
            {"userId": user.pk, **balance_answer(asset, default_wallet(user, asset))}
        )


class BalancesView(ApiView):
    tag = "credits of a platform"

    @operation(
        "credits_balances",
        "What a user holds of every asset (operators, or the user)",
        answer=BalancesAnswer,
        answer_example={
            "userId": A_CREDIT["userId"],
            "balances": [{**A_BALANCE, "assetName": "Gold"}],
        },
        refusals=[UnknownUser, PermissionDenied, NotFound],
    )
    @replica_allowed
    def get(self, request: Request, user_id: UUID) -> HttpResponse:
        user = the_user(caller_of(request), user_id)
        symbols = dict.fromkeys(wallet.asset_id for wallet in wallets_of(user))
        # From the database: a name may have changed.
        assets = Asset.objects.in_bulk(list(symbols))
        balances = [
            {"assetName": asset.name, **balance_answer(asset, default_wallet(user, asset))}
            for asset in (assets[symbol] for symbol in symbols)
        ]
        return json_response({"userId": user.pk, "balances": balances})


class TransactionsView(ApiView):
    tag = "credits of a platform"
    query = PageQuery()

    @operation(
        "credits_transactions",
        "A user's transactions, newest first (operators, or the user)",
        query=PageQuery,
        answer=CreditsAnswer,
        answer_example={"data": [A_CREDIT], "pagination": PAGINATION},
        refusals=[
            UnknownUser,
            PermissionDenied,
            NotFound,
            InvalidInput({"limit": ["A whole number from 1 to 200."]}),
        ],
    )
    @replica_allowed
    def get(self, request: Request, user_id: UUID) -> HttpResponse:
        query = parse_query(request, self.query)
        user = the_user(caller_of(request), user_id)
        own = [wallet.id for wallet in wallets_of(user)]
        skipped, limit = query.get("offset", 0), query["limit"]
        found = transactions_of(own, count=skipped + limit + 1, before=query.get("cursor", MAX_ID))[
            skipped:
        ]
        rows = [transaction_answer(user, transaction, own) for transaction in found[:limit]]
        cursor = found[limit - 1].id if len(found) > limit else None
        return json_response(page_answer(rows, query, cursor))


def the_user(caller: User, user_id: UUID) -> User:
    """Return the user that is named. Raises `PermissionDenied` for anybody else's, `UnknownUser`.

    Operators may name anyone who can hold wallets; others themselves.
    """
    if caller.pk == user_id and caller.role != Role.OPERATOR:
        return caller
    if caller.role != Role.OPERATOR:
        raise PermissionDenied
    return credited_user(user_id)


def the_asset(symbol: str) -> Asset:
    """Return the asset that is named. Raises `UnknownAsset`."""
    asset = find_asset(symbol)
    if asset is None:
        raise UnknownAsset
    return asset


def balance_answer(asset: Asset, wallet: Wallet | None) -> dict[str, Any]:
    """Return what a wallet holds; no wallet holds nothing."""
    balance_minor = wallet.balance_minor if wallet else 0
    return {
        "assetSymbol": asset.symbol,
        "balance": to_decimal(balance_minor, asset.symbol),
        "locked": to_decimal(wallet.held_minor if wallet else 0, asset.symbol),
        "available": to_decimal(wallet.available_minor if wallet else 0, asset.symbol),
    }


def credit_answer(user_id: UUID, order: Order, result: MovementResult) -> dict[str, Any]:
    """Answer with a movement of the user's credits; the balance is the user's after it."""
    is_credit = is_system_wallet(order.source_id, order.asset_id)
    return {
        "transactionId": result.transaction_id,
        "userId": user_id,
        "assetSymbol": order.asset_id,
        "type": order.kind.upper(),
        "amount": to_decimal(order.amount_minor, order.asset_id),
        "balance": result.target_balance if is_credit else result.source_balance,
        "status": "COMPLETED",
        "createdAt": result.created_at,
    }


def transaction_answer(
    user: User, transaction: Transaction, own_wallets: list[UUID]
) -> dict[str, Any]:
    """Return a transaction of the user's as its POST answered; a failed one has no balance."""
    is_credit = transaction.target_id in own_wallets
    balance_minor = (
        transaction.target_balance_minor if is_credit else transaction.source_balance_minor
    )
    return {
        "transactionId": transaction.id,
        "userId": user.pk,
        "assetSymbol": transaction.asset_id,
        "type": transaction.kind.upper(),
        "amount": to_decimal(transaction.amount_minor, transaction.asset_id),
        "balance": to_decimal(balance_minor, transaction.asset_id),
        "status": "COMPLETED" if transaction.is_completed else "FAILED",
        "createdAt": rfc3339(transaction.created_at),
    }
