"""The endpoint `/wallet/history/<token>`."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from api.examples import OTHER_ADDRESS, TRANSACTION, WALLET
from api.http.authentication import caller_of
from api.http.fields import Body, FlagField, IdField, MoneyField, TimestampField
from api.http.own_wallets import own_wallet_of
from api.http.pagination import LimitField, with_next_page
from api.http.renderer import json_response
from api.http.schema import operation
from api.http.token_cache import CachedCallerView
from api.http.views import parse_query, replica_allowed
from api.http.wallet_names import WalletNames, with_names
from core.times import rfc3339
from ledger.history import history
from ledger.kinds import Kind
from ledger.models import Entry
from wallets.assets import to_decimal
from wallets.errors import WalletNotFound

A_CHARGE = {
    "summary": "Order 1017",
    "source__token": WALLET,
    "target__token": OTHER_ADDRESS,
    "amount": Decimal("12.50"),
    "success": True,
    "date": "2026-01-31T12:00:00.000Z",
    "transaction": TRANSACTION,
    "type": "charge",
    "balance": Decimal("87.50"),
    "error": None,
    "group": None,
    "hold": None,
}
A_REFUSED_CHARGE = {
    **A_CHARGE,
    "transaction": "019a2b3c-5f60-7a18-92b3-c4d5e6f70819",
    "amount": Decimal("500.00"),
    "success": False,
    "balance": None,
    "error": "insufficient_funds",
}


class HistoryQuery(Body):
    limit = LimitField(default=50)
    cursor = IdField(required=False)
    success = FlagField(required=False)
    type = serializers.ChoiceField(choices=Kind.choices, required=False)

    def get_fields(self) -> dict[str, Any]:
        # `from` is a Python keyword: it cannot be declared as an attribute.
        return {
            **super().get_fields(),
            "from": TimestampField(required=False, source="since"),
            "to": TimestampField(required=False, source="until"),
        }

    def validate(self, attrs: Any) -> Any:
        if "since" in attrs and "until" in attrs and attrs["since"] > attrs["until"]:
            raise serializers.ValidationError({"from": ["Must not be after `to`."]})
        return attrs


class HistoryAnswer(serializers.Serializer[Any]):
    summary = serializers.CharField()
    source__token = serializers.UUIDField(allow_null=True)
    target__token = serializers.UUIDField(allow_null=True)
    amount = MoneyField()
    success = serializers.BooleanField()
    date = serializers.DateTimeField()
    transaction = serializers.UUIDField()
    type = serializers.ChoiceField(choices=Kind.choices)
    balance = MoneyField(allow_null=True)
    error = serializers.CharField(allow_null=True)
    group = serializers.UUIDField(allow_null=True, help_text="What happened with it.")
    hold = serializers.UUIDField(
        allow_null=True, help_text="Of a hold, a capture and a release: which hold."
    )


class WalletHistoryView(CachedCallerView):
    tag = "wallets by token"
    query = HistoryQuery()

    @operation(
        "wallet_history",
        "All that happened to an own wallet, newest first",
        query=HistoryQuery,
        answer=HistoryAnswer(many=True),
        answer_example=[A_REFUSED_CHARGE, A_CHARGE],
        refusals=[WalletNotFound],
        link_header=True,
    )
    @replica_allowed
    def get(self, request: Request, token: UUID) -> HttpResponse:
        fields = parse_query(request, self.query)
        kind = fields.pop("type", None)
        wallet = own_wallet_of(request, token)
        page = history(wallet.id, kind=kind, **fields)
        rows = [
            history_answer(entry, names)
            for entry, names in with_names(caller_of(request), page.entries)
        ]
        return with_next_page(json_response(rows), request, page.next_cursor)


def history_answer(entry: Entry, names: WalletNames) -> dict[str, Any]:
    """Return an entry as `/wallet/history` shows it; a system wallet has no name."""
    return {
        "summary": entry.summary,
        "source__token": names.source(entry),
        "target__token": names.target(entry),
        "amount": to_decimal(entry.amount_minor, entry.asset_id),
        "success": entry.failure_code is None,
        "date": rfc3339(entry.created_at),
        "transaction": entry.transaction_id,
        "type": entry.kind,
        "balance": to_decimal(entry.balance_after_minor, entry.asset_id),
        "error": entry.failure_code,
        "group": entry.group_id,
        "hold": entry.hold_id,
    }
