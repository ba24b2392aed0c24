"""The endpoint `/wallets/<id>/statement`: streamed, as JSON or as CSV."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from api.examples import OTHER_ADDRESS, TRANSACTION
from api.http.authentication import caller_of
from api.http.csv_lines import csv_line
from api.http.fields import Body, MoneyField, TimestampField
from api.http.renderer import ExactJSONRenderer, render_json
from api.http.schema import operation
from api.http.views import ApiView, parse_query, replica_allowed
from api.http.wallet_names import WalletNames, with_names
from api.resources.wallet_shape import A_WALLET
from core.errors import InvalidInput
from core.times import rfc3339
from ledger import statements
from ledger.models import Direction, Entry
from ledger.statements import Statement
from wallets.assets import to_decimal
from wallets.errors import WalletNotFound
from wallets.selectors import own_wallet

CSV_COLUMNS = ("date", "transaction", "type", "amount", "balance", "counterparty", "summary")

AN_ENTRY = {
    "transaction": TRANSACTION,
    "date": "2026-01-31T12:00:00.000Z",
    "type": "charge",
    "direction": "DEBIT",
    "amount": Decimal("12.50"),
    "balance": Decimal("87.50"),
    "counterparty": OTHER_ADDRESS,
    "summary": "Order 1017",
    "group": None,
}


class CsvRenderer(BaseRenderer):
    """Allows `Accept: text/csv`; the view itself writes the rows."""

    media_type = "text/csv"
    format = "csv"


class StatementQuery(Body):
    format = serializers.ChoiceField(choices=["json", "csv"], required=False)

    def get_fields(self) -> dict[str, Any]:
        # `from` is a Python keyword: it cannot be declared as an attribute.
        return {
            **super().get_fields(),
            "from": TimestampField(required=False, source="since"),
            "to": TimestampField(required=False, source="until"),
        }


class StatementEntry(serializers.Serializer[Any]):
    transaction = serializers.UUIDField()
    date = serializers.DateTimeField()
    type = serializers.CharField()
    direction = serializers.ChoiceField(choices=Direction.choices)
    amount = MoneyField()
    balance = MoneyField()
    counterparty = serializers.UUIDField(allow_null=True)
    summary = serializers.CharField()
    group = serializers.UUIDField(allow_null=True, help_text="What happened with it.")


class StatementAnswer(serializers.Serializer[Any]):
    wallet = serializers.UUIDField()
    currency = serializers.CharField()
    openingBalance = MoneyField()
    closingBalance = MoneyField()
    entries = StatementEntry(many=True)

    def get_fields(self) -> dict[str, Any]:
        moments = {"from": serializers.DateTimeField(), "to": serializers.DateTimeField()}
        return {**super().get_fields(), **moments}


class StatementView(ApiView):
    tag = "wallets as resources"
    renderer_classes = (ExactJSONRenderer, CsvRenderer)
    query = StatementQuery()

    @operation(
        "wallets_statement",
        "Opening balance, entries and closing balance of an own wallet",
        query=StatementQuery,
        answer=StatementAnswer,
        answer_example={
            "wallet": A_WALLET["id"],
            "currency": "USD",
            "from": "2026-01-01T00:00:00.000Z",
            "to": "2026-02-01T00:00:00.000Z",
            "openingBalance": Decimal("100.00"),
            "entries": [AN_ENTRY],
            "closingBalance": Decimal("87.50"),
        },
        refusals=[WalletNotFound, InvalidInput({"from": ["Must not be after `to`."]})],
    )
    @replica_allowed
    def get(self, request: Request, wallet_id: UUID) -> StreamingHttpResponse:
        fields = parse_query(request, self.query)
        caller = caller_of(request)
        wallet = own_wallet(caller, wallet_id)
        since, until = fields.get("since"), fields.get("until")
        if since is not None and until is not None and since > until:
            raise InvalidInput({"from": ["Must not be after `to`."]})
        statement = statements.statement(wallet, since=since, until=until)
        entries = with_names(caller, statement.entries())
        if fields.get("format", request.accepted_renderer.format) == "csv":
            return StreamingHttpResponse(
                as_csv(statement, entries),
                content_type="text/csv; charset=utf-8",
                # Files are passed on: the name is the address, not the token.
                headers={"Content-Disposition": f'attachment; filename="{wallet.address}.csv"'},
            )
        return StreamingHttpResponse(as_json(statement, entries), content_type="application/json")


NamedEntries = Iterator[tuple[Entry, WalletNames]]


def as_json(statement: Statement, entries: NamedEntries) -> Iterator[bytes]:
    """Yield the statement as one JSON object, an entry at a time."""
    head = {
        "wallet": statement.wallet.id,
        "currency": statement.wallet.asset_id,
        "from": rfc3339(statement.since),
        "to": rfc3339(statement.until),
        "openingBalance": to_decimal(statement.opening_minor, statement.wallet.asset_id),
    }
    yield render_json(head).removesuffix(b"}") + b',"entries":['
    for number, named in enumerate(entries):
        yield (b"," if number else b"") + render_json(_entry_answer(*named))
    yield b"]," + render_json(
        {"closingBalance": to_decimal(statement.closing_minor, statement.wallet.asset_id)}
    ).removeprefix(b"{")


def as_csv(statement: Statement, entries: NamedEntries) -> Iterator[str]:
    """Yield the statement as CSV lines: the opening balance, the entries, the closing balance.

    Amounts are in major units; those of debits are negative.
    """
    currency = statement.wallet.asset_id
    opening, closing = (
        to_decimal(statement.opening_minor, currency),
        to_decimal(statement.closing_minor, currency),
    )
    yield csv_line(CSV_COLUMNS)
    since, until = rfc3339(statement.since), rfc3339(statement.until)
    yield csv_line([since, None, "opening balance", None, opening, None, None])
    for entry, names in entries:
        row = _entry_answer(entry, names)
        is_debit = entry.direction == Direction.DEBIT
        yield csv_line(
            [
                row["date"],
                str(row["transaction"]),
                row["type"],
                -row["amount"] if is_debit else row["amount"],
                row["balance"],
                row["counterparty"] and str(row["counterparty"]),
                entry.summary,
            ]
        )
    yield csv_line([until, None, "closing balance", None, closing, None, None])


def _entry_answer(entry: Entry, names: WalletNames) -> dict[str, Any]:
    is_debit = entry.direction == Direction.DEBIT
    return {
        "transaction": entry.transaction_id,
        "date": rfc3339(entry.created_at),
        "type": entry.kind,
        "direction": entry.direction,
        "amount": to_decimal(entry.amount_minor, entry.asset_id),
        "balance": to_decimal(entry.balance_after_minor, entry.asset_id),
        "counterparty": names.target(entry) if is_debit else names.source(entry),
        "summary": entry.summary,
        "group": entry.group_id,
    }
