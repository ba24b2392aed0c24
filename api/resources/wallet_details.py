"""The endpoint `/wallets/<id>`, and transactions as resources."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from api.examples import OTHER_ADDRESS, TRANSACTION
from api.http.authentication import caller_of
from api.http.fields import MoneyField
from api.http.movement_fields import ENTRY_STATUSES
from api.http.renderer import json_response
from api.http.schema import operation
from api.http.views import ApiView, replica_allowed
from api.http.wallet_names import WalletNames
from api.resources.wallet_shape import A_WALLET, WalletResource, wallet_resource
from core.times import rfc3339
from core.unit_of_work import snapshot
from ledger.errors import REFUSAL_OF_FAILURE
from ledger.history import history
from ledger.kinds import RULES, FailureCode, Kind
from ledger.models import Direction, Entry
from wallets.assets import to_decimal
from wallets.errors import WalletNotFound
from wallets.selectors import own_wallet

NEWEST = 20
TRANSACTION_STATUSES = [
    ("pending", "Pending"),
    ("completed", "Completed"),
    ("failed", "Failed"),
]

AN_ENTRY = {
    "id": TRANSACTION,
    "walletId": A_WALLET["id"],
    "type": "FUND",
    "amount": Decimal("100.50"),
    "balanceBefore": Decimal("0.00"),
    "balanceAfter": Decimal("100.50"),
    "status": "COMPLETED",
    "description": "Initial funding",
    "createdAt": "2026-01-31T12:00:00.000Z",
    "group": None,
}
A_TRANSACTION = {
    "id": AN_ENTRY["id"],
    "type": "transfer",
    "amount": Decimal("50.25"),
    "status": "failed",
    "senderWallet": A_WALLET["id"],
    "receiverWallet": OTHER_ADDRESS,
    "errorMessage": "The wallet does not hold enough.",
    "description": "Payment for services",
    "timestamp": "2026-01-31T12:00:00.000Z",
    "group": None,
}


class EntryAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    walletId = serializers.UUIDField()
    type = serializers.CharField()
    amount = MoneyField()
    balanceBefore = MoneyField(allow_null=True)
    balanceAfter = MoneyField(allow_null=True)
    status = serializers.ChoiceField(choices=ENTRY_STATUSES)
    description = serializers.CharField()
    createdAt = serializers.DateTimeField()
    group = serializers.UUIDField(allow_null=True, help_text="What happened with it.")


class WalletDetail(WalletResource):
    transactions = EntryAnswer(many=True)


class TransactionAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    type = serializers.ChoiceField(choices=Kind.choices)
    amount = MoneyField()
    status = serializers.ChoiceField(choices=TRANSACTION_STATUSES)
    senderWallet = serializers.UUIDField(allow_null=True)
    receiverWallet = serializers.UUIDField(allow_null=True)
    errorMessage = serializers.CharField(allow_null=True)
    description = serializers.CharField()
    timestamp = serializers.DateTimeField()
    group = serializers.UUIDField(allow_null=True, help_text="What happened with it.")


class WalletView(ApiView):
    tag = "wallets as resources"

    @operation(
        "wallets_get",
        "An own wallet and its newest transactions",
        answer=WalletDetail,
        answer_example={**A_WALLET, "transactions": [AN_ENTRY]},
        refusals=[WalletNotFound],
    )
    @replica_allowed
    def get(self, request: Request, wallet_id: UUID) -> HttpResponse:
        # One snapshot: the balance shown is the balance after the newest entry.
        with snapshot():
            wallet = own_wallet(caller_of(request), wallet_id)
            page = history(wallet.id, limit=NEWEST)
        rows = [entry_answer(entry) for entry in page.entries]
        return json_response({**wallet_resource(wallet), "transactions": rows})


def entry_answer(entry: Entry) -> dict[str, Any]:
    """Return an entry as `/wallets/<id>` shows it."""
    after_minor = entry.balance_after_minor
    before_minor = None if after_minor is None else after_minor - entry.moved_minor
    return {
        "id": entry.transaction_id,
        "walletId": entry.wallet_id,
        "type": _type_of(entry),
        "amount": to_decimal(entry.amount_minor, entry.asset_id),
        "balanceBefore": to_decimal(before_minor, entry.asset_id),
        "balanceAfter": to_decimal(after_minor, entry.asset_id),
        "status": "COMPLETED" if entry.failure_code is None else "FAILED",
        "description": entry.summary,
        "createdAt": rfc3339(entry.created_at),
        "group": entry.group_id,
    }


def transaction_answer(entry: Entry, names: WalletNames) -> dict[str, Any]:
    """Return an entry's transaction as `/wallets/<id>/transactions` shows it."""
    failure = FailureCode(entry.failure_code) if entry.failure_code else None
    return {
        "id": entry.transaction_id,
        "type": entry.kind,
        "amount": to_decimal(entry.amount_minor, entry.asset_id),
        "status": "failed" if failure else "completed",
        "senderWallet": names.source(entry),
        "receiverWallet": names.target(entry),
        "errorMessage": REFUSAL_OF_FAILURE[failure].message if failure else None,
        "description": entry.summary,
        "timestamp": rfc3339(entry.created_at),
        "group": entry.group_id,
    }


def _type_of(entry: Entry) -> str:
    as_source, as_target = RULES[Kind(entry.kind)].resource_types
    return as_source if entry.direction == Direction.DEBIT else as_target
