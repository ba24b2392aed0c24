"""The endpoint `/api/v1/wallet/ledger/<userId>`: both entries of each completed transaction."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from accounts.models import Role
from api.credits.movements import A_CREDIT, the_user
from api.examples import WALLET
from api.http.authentication import caller_of
from api.http.fields import MoneyField
from api.http.pagination import PAGINATION, PageQuery, Pagination, page_answer
from api.http.renderer import json_response
from api.http.schema import operation
from api.http.views import ApiView, parse_query, replica_allowed
from api.http.wallet_names import WalletNames, was_charged
from commerce.errors import UnknownUser
from core.errors import InvalidInput, NotFound, PermissionDenied
from core.times import rfc3339
from ledger.history import MAX_ID, transactions_of
from ledger.models import Direction, Transaction
from wallets.assets import system_wallet_name, to_decimal
from wallets.selectors import wallets_of

A_DEBIT = {
    "transactionId": A_CREDIT["transactionId"],
    "account": "SYSTEM:funding",
    "assetSymbol": "GOLD",
    "direction": "DEBIT",
    "amount": Decimal("100.00"),
    "balanceAfter": None,
    "createdAt": A_CREDIT["createdAt"],
}
A_CREDIT_SIDE = {
    **A_DEBIT,
    "account": WALLET,
    "direction": "CREDIT",
    "balanceAfter": Decimal("350.00"),
}
ROWS_PER_TRANSACTION = 2


@extend_schema_field({"type": "string"})
class RowCursorField(serializers.Field[tuple[UUID, int], Any, Any, Any]):
    """A transaction's id, and how many of its two rows the pages before have shown."""

    default_error_messages = {"invalid": "Not a cursor of this list."}

    def to_internal_value(self, data: Any) -> tuple[UUID, int]:
        match = re.fullmatch(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([12])", str(data))
        if match is None:
            self.fail("invalid")
        return UUID(match[1]), int(match[2])

    def to_representation(self, value: Any) -> Any:
        return value


class LedgerQuery(PageQuery):
    cursor = RowCursorField(required=False)  # type: ignore[assignment]


class LedgerRow(serializers.Serializer[Any]):
    transactionId = serializers.UUIDField()
    account = serializers.CharField()
    assetSymbol = serializers.CharField()
    direction = serializers.ChoiceField(choices=Direction.choices)
    amount = MoneyField()
    balanceAfter = MoneyField(allow_null=True)
    createdAt = serializers.DateTimeField()


class LedgerAnswer(serializers.Serializer[Any]):
    data = LedgerRow(many=True)  # type: ignore[assignment]
    pagination = Pagination()


class LedgerView(ApiView):
    tag = "credits of a platform"
    query = LedgerQuery()

    @operation(
        "credits_ledger",
        "Both sides of a user's completed transactions, newest first (operators, or the user)",
        query=LedgerQuery,
        answer=LedgerAnswer,
        answer_example={"data": [A_DEBIT, A_CREDIT_SIDE], "pagination": PAGINATION},
        refusals=[
            UnknownUser,
            PermissionDenied,
            NotFound,
            InvalidInput({"cursor": ["Not a cursor of this list."]}),
        ],
    )
    @replica_allowed
    def get(self, request: Request, user_id: UUID) -> HttpResponse:
        query = parse_query(request, self.query)
        caller = caller_of(request)
        user = the_user(caller, user_id)
        own = {wallet.id for wallet in wallets_of(user)}
        last_id, rows_shown = query.get("cursor", (MAX_ID, ROWS_PER_TRANSACTION))
        is_shown_in_part = rows_shown < ROWS_PER_TRANSACTION
        skipped = query.get("offset", 0) + (rows_shown if is_shown_in_part else 0)
        row_count = skipped + query["limit"] + 1
        transactions = transactions_of(
            list(own),
            count=row_count // ROWS_PER_TRANSACTION + 1,
            # A transaction with one row still to show must be among the transactions found.
            before=UUID(int=min(last_id.int + 1, MAX_ID.int)) if is_shown_in_part else last_id,
            moved_only=True,
        )
        names = WalletNames(caller, _owned_wallets(transactions))
        visible = None if caller.role == Role.OPERATOR else own
        rows = [
            row
            for transaction in transactions
            for row in ledger_rows(transaction, names, visible=visible)
        ][skipped:row_count]
        page = rows[: query["limit"]]
        return json_response(
            page_answer(page, query, _cursor_after(page) if rows[len(page) :] else None)
        )


def _owned_wallets(transactions: Iterable[Transaction]) -> Iterator[UUID]:
    for each in transactions:
        if not each.source_is_system:
            yield each.source_id
        if not each.target_is_system:
            yield each.target_id


def ledger_rows(
    transaction: Transaction, names: WalletNames, *, visible: set[UUID] | None
) -> Iterator[dict[str, Any]]:
    """Yield the debit, then the credit. `visible`: wallets whose balance is shown (None: all)."""
    sides = (
        (
            Direction.DEBIT,
            transaction.source_id,
            transaction.source_is_system,
            transaction.source_balance_minor,
        ),
        (
            Direction.CREDIT,
            transaction.target_id,
            transaction.target_is_system,
            transaction.target_balance_minor,
        ),
    )
    symbol = transaction.asset_id
    for direction, wallet_id, is_system, balance_minor in sides:
        shows_balance = visible is None or wallet_id in visible
        side, other = (
            ("source", transaction.target_id)
            if direction == Direction.DEBIT
            else ("target", transaction.source_id)
        )
        yield {
            "transactionId": transaction.id,
            "account": system_wallet_name(wallet_id, symbol)
            if is_system
            else names.of(wallet_id, charged_by=other if was_charged(transaction, side) else None),
            "assetSymbol": symbol,
            "direction": direction,
            "amount": to_decimal(transaction.amount_minor, symbol),
            "balanceAfter": to_decimal(balance_minor, symbol) if shows_balance else None,
            "createdAt": rfc3339(transaction.created_at),
        }


def _cursor_after(page: list[dict[str, Any]]) -> str:
    last = page[-1]
    rows_shown = ROWS_PER_TRANSACTION if last["direction"] == Direction.CREDIT else 1
    return f"{last['transactionId']}.{rows_shown}"
