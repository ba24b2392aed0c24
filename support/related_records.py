"""The records related to a user, a wallet, a transaction or a text, at a bounded cost.

Records with an index are found whatever their age. Where there is no index (a request id that the
client chose, an idempotency key without its caller, the queue of a customer) only the newest rows
are searched, and `RelatedRecords.notes` reports the limit.
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from accounts.models import SupportAction, User
from commerce.models import AdjustmentRequest, PaymentRequest
from core.models import IdempotencyRecord
from intake.models import QueuedTransaction
from ledger.history import MAX_ID, first_id_at, transactions_of
from ledger.models import Hold, Transaction
from support.adjustment_records import of_wallets
from support.payment_records import (
    ROWS_SHOWN,
    PaymentRecords,
    approvals,
    payment_requests,
    payments_of,
    paytokens,
)
from support.transaction_search import (
    CLOCK_SKEW,
    MAX_REQUEST_DURATION,
    TRANSACTIONS_SCANNED,
    TransactionQuery,
    find_transactions,
    request_id_range,
)
from wallets.models import Approval, PayToken, StatusChange, Wallet

Row = TypeVar("Row", bound=Model)
MAX_WALLETS = 50
#: How many rows of a table without an index are searched.
ROWS_SCANNED = 50_000
#: An API token, or a pay token. An idempotency key may end in `pt_` and go on: `receipt_1017`.
_SECRET = re.compile(r"[0-9A-Fa-f]{64}|(?<![0-9A-Za-z_-])pt_[0-9A-Za-z_-]{43}")
#: An idempotency record has the start of its unit of work as its time, the transaction the moment
#: of its insertion: they are at most this far apart.
_MAX_UNIT_OF_WORK = timedelta(seconds=30)
#: For how many transactions the idempotency keys are searched.
_MAX_KEY_LOOKUPS = 5


class PossibleSecret(Exception):
    """The text may hold an API token or a pay token: it is neither searched for nor stored."""


@dataclass(slots=True)
class RelatedRecords:
    """Related records of each kind, the newest first. `notes` report the limits of the search."""

    users: list[User] = field(default_factory=list)
    wallets: list[Wallet] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    payments: PaymentRecords = field(default_factory=PaymentRecords)
    queued: list[QueuedTransaction] = field(default_factory=list)
    idempotency_records: list[IdempotencyRecord] = field(default_factory=list)
    status_changes: list[StatusChange] = field(default_factory=list)
    adjustment_requests: list[AdjustmentRequest] = field(default_factory=list)
    support_actions: list[SupportAction] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        rows = (self.users, self.wallets, self.transactions, self.queued)
        others = (self.idempotency_records, self.support_actions)
        return self.payments.is_empty and not any((*rows, *others))


def identify(text: str) -> tuple[str, str]:
    """Return the kind, as in `_MODELS`, and the id; or `text` and the text itself.

    A wallet's address returns its id. `text` is any other query: a request id or an idempotency
    key. Raises `PossibleSecret`.
    """
    text = text.strip()
    if _SECRET.search(text):
        raise PossibleSecret
    if "@" in text:
        user = User.objects.with_email(text).first()
        return ("text", text) if user is None else ("person", str(user.pk))
    try:
        typed_id = uuid.UUID(text)
    except ValueError:
        return "text", text
    for kind, model in _MODELS.items():
        if model._default_manager.filter(pk=typed_id).exists():
            return kind, str(typed_id)
    wallet_id = Wallet.objects.filter(address=typed_id).values_list("pk", flat=True).first()
    return ("text", text) if wallet_id is None else ("wallet", str(wallet_id))


def is_unknown_email(text: str) -> bool:
    """Whether the text looks like an email address, and no account has it."""
    return "@" in text and not _SECRET.search(text) and identify(text)[0] == "text"


_MODELS: dict[str, type[Model]] = {
    "person": User,
    "wallet": Wallet,
    "transaction": Transaction,
    "queued": QueuedTransaction,
    "approval": Approval,
    "paytoken": PayToken,
    "payment_request": PaymentRequest,
    "hold": Hold,
}


def find_related(kind: str, query: str) -> RelatedRecords:
    """Return the records related to the object of this kind and id, or to a text.

    Empty when there is no such object.
    """
    if kind == "text":
        return _find_by_text(query)
    try:
        key = uuid.UUID(query)
    except ValueError:
        return RelatedRecords()
    return _FINDERS[kind](key) if kind in _FINDERS else RelatedRecords()


def _find_by_user(key: uuid.UUID) -> RelatedRecords:
    related = RelatedRecords(users=list(User.objects.filter(pk=key)))
    wallets = Wallet.objects.filter(owner_id=key).order_by("-created_at")
    related.wallets = list(wallets.select_related("owner")[: MAX_WALLETS + 1])
    if len(related.wallets) > MAX_WALLETS:
        related.wallets.pop()
        related.notes.append(
            f"Only the newest {MAX_WALLETS} wallets of this customer are searched."
        )
    return _add_records_of_wallets(related)


def _find_by_wallet(key: uuid.UUID) -> RelatedRecords:
    related = RelatedRecords(wallets=list(Wallet.objects.filter(pk=key).select_related("owner")))
    related.users = [wallet.owner for wallet in related.wallets if wallet.owner]
    return _add_records_of_wallets(related)


def _add_records_of_wallets(related: RelatedRecords) -> RelatedRecords:
    wallet_ids = [wallet.pk for wallet in related.wallets]
    user_ids = [user.pk for user in related.users]
    related.transactions = transactions_of(wallet_ids, count=ROWS_SHOWN) if wallet_ids else []
    related.payments = payments_of(related.wallets, related.users)
    queued = Q(customer_id__in=user_ids) | Q(source_id__in=wallet_ids) | Q(target_id__in=wallet_ids)
    related.queued = _search_queue(related, queued) if user_ids or wallet_ids else []
    related.status_changes = _newest(
        StatusChange.objects.filter(wallet__in=wallet_ids).select_related("actor")
    )
    related.adjustment_requests = list(of_wallets(wallet_ids))
    subject_ids = [str(key) for key in (*user_ids, *wallet_ids)]
    related.support_actions = _support_actions(Q(subject_id__in=subject_ids))
    return related


def _find_by_transaction(key: uuid.UUID) -> RelatedRecords:
    related = RelatedRecords(transactions=list(Transaction.objects.filter(pk=key)))
    for transaction in list(related.transactions):
        if transaction.paytoken_id:
            related.payments.paytokens = list(paytokens().filter(pk=transaction.paytoken_id))
        if transaction.payment_request_id:
            asked = payment_requests().filter(pk=transaction.payment_request_id)
            related.payments.asked = list(asked)
        if transaction.hold_id:
            related.payments.holds = list(Hold.objects.filter(pk=transaction.hold_id))
        if transaction.origin_id:
            related.transactions += Transaction.objects.filter(pk=transaction.origin_id)
        # A refund credits the payer's wallet after the charge: the index of targets finds it.
        refunds = Transaction.objects.filter(
            target_id=transaction.source_id, pk__gt=key, origin_id=key
        ).order_by("-pk")
        related.transactions += refunds[:ROWS_SHOWN]
        if not transaction.request_id:  # written by the processor
            below = first_id_at(transaction.created_at)
            related.queued = _search_queue(related, Q(transaction_id=key), below=below)
        _add_records_of_request(related, transaction.request_id)
    return _add_owners_and_keys(related)


def _find_by_queued_transaction(key: uuid.UUID) -> RelatedRecords:
    related = RelatedRecords(queued=list(QueuedTransaction.objects.filter(pk=key)))
    for queued in related.queued:
        if queued.transaction_id:
            related.transactions = list(Transaction.objects.filter(pk=queued.transaction_id))
        _add_records_of_request(related, queued.request_id)
    return _add_owners_and_keys(related)


def _find_by_approval(key: uuid.UUID) -> RelatedRecords:
    found = PaymentRecords(approvals=list(approvals().filter(pk=key)))
    return _add_owners_and_keys(RelatedRecords(payments=found))


def _find_by_paytoken(key: uuid.UUID) -> RelatedRecords:
    related = RelatedRecords(payments=PaymentRecords(paytokens=list(paytokens().filter(pk=key))))
    for row in related.payments.paytokens:
        _add_attempts(related, row, row.expires_at, Q(source_id=row.wallet_id), Q(paytoken_id=key))
    return _add_owners_and_keys(related)


def _find_by_payment_request(key: uuid.UUID) -> RelatedRecords:
    asked = list(payment_requests().filter(pk=key))
    related = RelatedRecords(payments=PaymentRecords(asked=asked))
    for row in asked:
        _add_attempts(
            related, row, row.expires_at, Q(target_id=row.wallet_id), Q(payment_request_id=key)
        )
    return _add_owners_and_keys(related)


def _find_by_hold(key: uuid.UUID) -> RelatedRecords:
    related = RelatedRecords(payments=PaymentRecords(holds=list(Hold.objects.filter(pk=key))))
    for row in related.payments.holds:
        # The release of what has expired is written later than that.
        until = max(row.expires_at, row.ended_at or row.expires_at)
        _add_attempts(related, row, until, Q(source_id=row.payer_wallet_id), Q(hold_id=key))
        if row.paytoken_id:
            related.payments.paytokens = list(paytokens().filter(pk=row.paytoken_id))
    return _add_owners_and_keys(related)


def _add_attempts(
    related: RelatedRecords,
    row: PayToken | PaymentRequest | Hold,
    until: datetime,
    side: Q,
    by_row: Q,
) -> None:
    """Add what was paid by this row, and what failed: the wallet's transactions of its lifetime."""
    earliest, latest = row.created_at - CLOCK_SKEW, until + MAX_REQUEST_DURATION
    lifetime = side & Q(pk__gte=first_id_at(earliest), pk__lt=first_id_at(latest))
    page = find_transactions(
        Transaction.objects.all(),
        TransactionQuery((lifetime,), filter=by_row),
        before=MAX_ID,
        count=ROWS_SHOWN,
        is_filtered=True,
    )
    if page.is_truncated:
        related.notes.append(
            f"Only the newest {TRANSACTIONS_SCANNED:,} transactions of its lifetime were searched."
        )
    related.transactions = _newest(Transaction.objects.filter(pk__in=page.ids))


def _find_by_text(text: str) -> RelatedRecords:
    related = RelatedRecords()
    _add_records_of_request(related, text)
    newest = IdempotencyRecord.objects.order_by("-created_at").values("pk")[:ROWS_SCANNED]
    records = IdempotencyRecord.objects.filter(pk__in=newest, key=text)
    related.idempotency_records = list(records.order_by("-created_at")[:ROWS_SHOWN])
    older = IdempotencyRecord.objects.order_by("-created_at")[ROWS_SCANNED : ROWS_SCANNED + 1]
    if older.exists():
        related.notes.append(f"Only the newest {ROWS_SCANNED:,} idempotency keys were searched.")
    transaction_ids = [
        record.transaction_id for record in related.idempotency_records if record.transaction_id
    ]
    known = {transaction.pk for transaction in related.transactions}
    related.transactions += Transaction.objects.filter(pk__in=transaction_ids).exclude(pk__in=known)
    return _add_owners_and_keys(related)


def _add_records_of_request(related: RelatedRecords, request_id: str) -> None:
    """Add the transactions, the queued transactions and the support actions of a request."""
    if not request_id:
        return
    id_range = request_id_range(request_id)
    known = {row.pk for row in (*related.transactions, *related.queued)}
    transactions = Transaction.objects.order_by("-pk")
    queued = QueuedTransaction.objects.order_by("-pk")
    if id_range is None:
        newest = _newest_only(transactions, TRANSACTIONS_SCANNED)
        newest_queued = _newest_only(queued, ROWS_SCANNED)
        transactions, queued = transactions.filter(**newest), queued.filter(**newest_queued)
        if newest or newest_queued:
            related.notes.append(
                f"As a request id it contains no time: only the newest {TRANSACTIONS_SCANNED:,}"
                f" transactions and {ROWS_SCANNED:,} queued transactions were searched for it. The"
                " list of transactions can search older ones."
            )
    else:
        transactions, queued = transactions.filter(id_range), queued.filter(id_range)
    by_request = {"request_id": request_id}
    related.transactions += transactions.filter(**by_request).exclude(pk__in=known)[:ROWS_SHOWN]
    related.queued += queued.filter(**by_request).exclude(pk__in=known)[:ROWS_SHOWN]
    related.support_actions = _support_actions(Q(request_id=request_id))


def _add_owners_and_keys(related: RelatedRecords) -> RelatedRecords:
    """Add the wallets, users and idempotency keys of the transactions and payments found so far."""
    ids = {key for each in related.transactions for key in (each.source_id, each.target_id)}
    ids |= {key for each in related.queued for key in (each.source_id, each.target_id) if key}
    ids |= related.payments.wallet_ids
    wallets = Wallet.objects.filter(pk__in=ids, owner__isnull=False).select_related("owner")
    related.wallets = list(wallets[:MAX_WALLETS])
    user_ids = {queued.customer_id for queued in related.queued}
    user_ids |= {wallet.owner_id for wallet in related.wallets if wallet.owner_id}
    user_ids |= related.payments.company_ids
    related.users = list(User.objects.filter(pk__in=user_ids)[:MAX_WALLETS])
    known = {record.pk for record in related.idempotency_records}
    keys = _idempotency_records_of(related.transactions)
    related.idempotency_records += [record for record in keys if record.pk not in known]
    wallet_ids = [wallet.pk for wallet in related.wallets]
    related.status_changes = _newest(
        StatusChange.objects.filter(wallet__in=wallet_ids).select_related("actor")
    )
    known = {action.pk for action in related.support_actions}
    subject_ids = [str(transaction.pk) for transaction in related.transactions]
    actions = _support_actions(Q(subject_id__in=subject_ids))
    related.support_actions += [action for action in actions if action.pk not in known]
    return related


def _idempotency_records_of(transactions: Sequence[Transaction]) -> list[IdempotencyRecord]:
    """Return the idempotency records of transactions.

    Record and transaction are committed together, so the index of times finds the record.
    """
    condition = Q()
    for transaction in transactions[:_MAX_KEY_LOOKUPS]:
        earliest = transaction.created_at - _MAX_UNIT_OF_WORK
        latest = transaction.created_at + CLOCK_SKEW
        condition |= Q(created_at__range=(earliest, latest), transaction_id=transaction.pk)
    if not condition:
        return []
    records = IdempotencyRecord.objects.filter(condition)
    return list(records.order_by("-created_at")[:ROWS_SHOWN])


def _search_queue(
    related: RelatedRecords, condition: Q, *, below: uuid.UUID | None = None
) -> list[QueuedTransaction]:
    """Return the rows that meet the condition among the newest queued transactions."""
    queued = QueuedTransaction.objects.order_by("-pk")
    if below is not None:
        queued = queued.filter(pk__lt=below)
    newest_only = _newest_only(queued, ROWS_SCANNED)
    if newest_only:
        related.notes.append(f"Only the newest {ROWS_SCANNED:,} queued transactions were searched.")
    return list(queued.filter(condition, **newest_only)[:ROWS_SHOWN])


def _newest_only(newest_first: QuerySet[Row], count: int) -> dict[str, Any]:
    """Return the filter that keeps the first `count` rows; empty when there are fewer rows."""
    last = newest_first.values_list("pk", flat=True)[count - 1 : count].first()
    return {} if last is None else {"pk__gte": last}


def _support_actions(condition: Q) -> list[SupportAction]:
    return _newest(SupportAction.objects.filter(condition))


def _newest(rows: QuerySet[Row]) -> list[Row]:
    return list(rows.order_by("-pk")[:ROWS_SHOWN])


_FINDERS = {
    "person": _find_by_user,
    "wallet": _find_by_wallet,
    "transaction": _find_by_transaction,
    "queued": _find_by_queued_transaction,
    "approval": _find_by_approval,
    "paytoken": _find_by_paytoken,
    "payment_request": _find_by_payment_request,
    "hold": _find_by_hold,
}
