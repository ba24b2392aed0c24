"""The endpoint `/wallets/<id>/transactions`: transactions of the ledger and of the queue."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from api.http.authentication import caller_of
from api.http.pagination import PAGINATION, PageQuery, Pagination, page_answer
from api.http.renderer import json_response
from api.http.schema import operation
from api.http.views import ApiView, parse_query, replica_allowed
from api.http.wallet_names import WalletNames
from api.resources.wallet_details import A_TRANSACTION, TransactionAnswer, transaction_answer
from core.errors import InvalidInput
from core.times import rfc3339
from intake.models import QueuedTransaction, QueueStatus
from ledger.history import MAX_ID, history
from ledger.models import Entry
from wallets.assets import to_decimal
from wallets.errors import WalletNotFound
from wallets.selectors import own_wallet


class TransactionsAnswer(serializers.Serializer[Any]):
    data = TransactionAnswer(many=True)  # type: ignore[assignment]
    pagination = Pagination()


class WalletTransactionsView(ApiView):
    tag = "wallets as resources"
    query = PageQuery()

    @operation(
        "wallets_transactions",
        "The transactions of an own wallet, newest first, queued ones as pending",
        query=PageQuery,
        answer=TransactionsAnswer,
        answer_example={"data": [A_TRANSACTION], "pagination": PAGINATION},
        refusals=[WalletNotFound, InvalidInput({"limit": ["A whole number from 1 to 200."]})],
    )
    @replica_allowed
    def get(self, request: Request, wallet_id: UUID) -> HttpResponse:
        query = parse_query(request, self.query)
        caller = caller_of(request)
        wallet = own_wallet(caller, wallet_id)
        skipped, limit = query.get("offset", 0), query["limit"]
        before = query.get("cursor", MAX_ID)
        row_count = skipped + limit + 1
        # Queued and posted transactions share one order of ids: both are read from the same cursor
        # on, then merged.
        queued = QueuedTransaction.objects.filter(
            source_id=wallet.id, id__lt=before, status=QueueStatus.PENDING
        ).order_by("-id")[:row_count]
        posted = history(wallet.id, limit=row_count, cursor=before).entries
        found: list[QueuedTransaction | Entry] = [*queued, *posted]
        found.sort(key=lambda each: each.pk, reverse=True)
        page = found[skipped : skipped + limit]
        cursor = page[-1].pk if len(found) > skipped + limit else None
        names = WalletNames(caller, (token for each in page for token in _tokens_of(each)))
        rows = [
            pending_answer(each, names)
            if isinstance(each, QueuedTransaction)
            else transaction_answer(each, names)
            for each in page
        ]
        return json_response(page_answer(rows, query, cursor))


def _tokens_of(row: QueuedTransaction | Entry) -> Iterator[UUID]:
    sides = (
        (row.source_id, row.target_id)
        if isinstance(row, QueuedTransaction)
        else (row.source_token, row.target_token)
    )
    return (side for side in sides if side is not None)


def pending_answer(queued: QueuedTransaction, names: WalletNames) -> dict[str, Any]:
    """Return a queued transaction in the shape of a posted one, with the status `pending`."""
    return {
        "id": queued.id,
        "type": queued.kind,
        "amount": to_decimal(queued.amount_minor, queued.asset_id),
        "status": "pending",
        "senderWallet": queued.source_id,
        "receiverWallet": queued.target_id and names.of(queued.target_id),
        "errorMessage": None,
        "description": queued.summary,
        "timestamp": rfc3339(queued.created_at),
        "group": None,
    }
