"""From what somebody quotes to everything around it, at a bounded cost.

Whatever has an index is found however old it is. Where there is none (a request id that a client
made up, an idempotency key without its caller, the queue of a customer) only the newest rows are
looked at, and the trail says so.
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from accounts.models import SupportAction, User
from commerce.models import AdjustmentRequest
from core.models import IdempotencyRecord
from intake.models import QueuedTransaction
from ledger.history import first_id_at, transactions_of
from ledger.models import Transaction
from support.transaction_search import CLOCKS_DIFFER, LOOKED_AT, window_of
from wallets.models import StatusChange, Wallet

Row = TypeVar("Row", bound=Model)
#: How many rows of each kind a page shows, the newest ones.
SHOWN = 25
WALLETS = 50
#: How many rows of a table without an index are looked at.
SCANNED = 50_000
_TOKEN = re.compile(r"[0-9A-Fa-f]{64}")
#: The record of an idempotency key is dated by the start of the unit of work that moved the money.
_BEGAN_WITHIN = timedelta(seconds=30)
#: Of so many transactions the keys are looked for.
_KEYED = 5


class LooksLikeToken(Exception):
    """What was typed may be an API token, which is a secret: it is neither looked up nor kept."""


@dataclass(slots=True)
class RelatedRecords:
    """Everything around something, the newest first. `notes` say what was not looked at."""

    people: list[User] = field(default_factory=list)
    wallets: list[Wallet] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    queued: list[QueuedTransaction] = field(default_factory=list)
    records: list[IdempotencyRecord] = field(default_factory=list)
    changes: list[StatusChange] = field(default_factory=list)
    adjustments: list[AdjustmentRequest] = field(default_factory=list)
    actions: list[SupportAction] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        found = (self.people, self.wallets, self.transactions, self.queued, self.records)
        return not any((*found, self.actions))


def parse_query(text: str) -> tuple[str, str]:
    """Return what somebody typed: (person, wallet, transaction, queued or quoted, its id).

    `quoted` is any other text: a request id or an idempotency key. Raises `LooksLikeToken`.
    """
    text = text.strip()
    if _TOKEN.search(text):
        raise LooksLikeToken
    if "@" in text:
        user = User.objects.filter(email=text.lower()).first()
        return ("quoted", text) if user is None else ("person", str(user.pk))
    try:
        typed_id = uuid.UUID(text)
    except ValueError:
        return "quoted", text
    for kind, model in _MODELS.items():
        if model._default_manager.filter(pk=typed_id).exists():
            return kind, str(typed_id)
    return "quoted", text


_MODELS: dict[str, type[Model]] = {
    "person": User,
    "wallet": Wallet,
    "transaction": Transaction,
    "queued": QueuedTransaction,
}


def find_related(kind: str, quoted: str) -> RelatedRecords:
    """Return everything around a person, a wallet, a transaction, a queued one, or a quoted text.

    It is empty when there is no such thing.
    """
    if kind == "quoted":
        return _of_quoted(quoted)
    try:
        key = uuid.UUID(quoted)
    except ValueError:
        return RelatedRecords()
    return _FOLLOWERS[kind](key) if kind in _FOLLOWERS else RelatedRecords()


def _of_person(key: uuid.UUID) -> RelatedRecords:
    trail = RelatedRecords(people=list(User.objects.filter(pk=key)))
    wallets = Wallet.objects.filter(owner_id=key).order_by("-created_at")
    trail.wallets = list(wallets.select_related("owner")[: WALLETS + 1])
    if len(trail.wallets) > WALLETS:
        trail.wallets.pop()
        trail.notes.append(f"Of this customer's wallets, the newest {WALLETS} are looked at.")
    return _around_wallets(trail)


def _of_wallet(key: uuid.UUID) -> RelatedRecords:
    trail = RelatedRecords(wallets=list(Wallet.objects.filter(pk=key).select_related("owner")))
    trail.people = [wallet.owner for wallet in trail.wallets if wallet.owner]
    return _around_wallets(trail)


def _around_wallets(trail: RelatedRecords) -> RelatedRecords:
    ids = [wallet.pk for wallet in trail.wallets]
    people = [person.pk for person in trail.people]
    trail.transactions = transactions_of(ids, count=SHOWN) if ids else []
    queued = Q(customer_id__in=people) | Q(source_id__in=ids) | Q(target_id__in=ids)
    trail.queued = _scan_queue(trail, queued) if people or ids else []
    trail.changes = _newest(StatusChange.objects.filter(wallet__in=ids).select_related("actor"))
    trail.adjustments = _newest(
        AdjustmentRequest.objects.filter(wallet__in=ids).select_related("wallet", "requester")
    )
    trail.actions = _actions(Q(subject_id__in=[str(key) for key in (*people, *ids)]))
    return trail


def _of_transaction(key: uuid.UUID) -> RelatedRecords:
    trail = RelatedRecords(transactions=list(Transaction.objects.filter(pk=key)))
    for found in list(trail.transactions):
        if found.origin_id:
            trail.transactions += Transaction.objects.filter(pk=found.origin_id)
        # A refund is a credit of the payer's wallet, later than the charge: that has an index.
        refunds = Transaction.objects.filter(
            target_id=found.source_id, pk__gt=key, origin_id=key
        ).order_by("-pk")
        trail.transactions += refunds[:SHOWN]
        if not found.request_id:  # the processor's
            queued = Q(transaction_id=key)
            trail.queued = _scan_queue(trail, queued, below=first_id_at(found.created_at))
        _add_request(trail, found.request_id)
    return _complete(trail)


def _of_queued(key: uuid.UUID) -> RelatedRecords:
    trail = RelatedRecords(queued=list(QueuedTransaction.objects.filter(pk=key)))
    for found in trail.queued:
        if found.transaction_id:
            trail.transactions = list(Transaction.objects.filter(pk=found.transaction_id))
        _add_request(trail, found.request_id)
    return _complete(trail)


def _of_quoted(text: str) -> RelatedRecords:
    trail = RelatedRecords()
    _add_request(trail, text)
    newest = IdempotencyRecord.objects.order_by("-created_at").values("pk")[:SCANNED]
    records = IdempotencyRecord.objects.filter(pk__in=newest, key=text)
    trail.records = list(records.order_by("-created_at")[:SHOWN])
    if IdempotencyRecord.objects.order_by("-created_at")[SCANNED : SCANNED + 1].exists():
        trail.notes.append(f"Of the idempotency keys, the newest {SCANNED:,} were looked at.")
    keyed = [record.transaction_id for record in trail.records if record.transaction_id]
    known = {found.pk for found in trail.transactions}
    trail.transactions += Transaction.objects.filter(pk__in=keyed).exclude(pk__in=known)
    return _complete(trail)


def _add_request(trail: RelatedRecords, request_id: str) -> None:
    """Add the transactions and queued ones that a request has written."""
    if not request_id:
        return
    window = window_of(request_id)
    known = {found.pk for found in trail.transactions} | {found.pk for found in trail.queued}
    transactions = Transaction.objects.order_by("-pk")
    queued = QueuedTransaction.objects.order_by("-pk")
    if window is None:
        trail.notes.append(
            f"This request id does not tell when it was made: the newest {LOOKED_AT:,} transactions"
            f" and {SCANNED:,} queued ones were looked at. The list of transactions looks further"
            " back."
        )
        transactions = transactions.filter(**_since(transactions, LOOKED_AT))
        queued = queued.filter(**_since(queued, SCANNED))
    else:
        transactions, queued = transactions.filter(window), queued.filter(window)
    by_request = {"request_id": request_id}
    trail.transactions += transactions.filter(**by_request).exclude(pk__in=known)[:SHOWN]
    trail.queued += queued.filter(**by_request).exclude(pk__in=known)[:SHOWN]
    trail.actions = _actions(Q(request_id=request_id))


def _complete(trail: RelatedRecords) -> RelatedRecords:
    """Add the wallets, the people and the keys of the transactions that are in it."""
    ids = {key for found in trail.transactions for key in (found.source_id, found.target_id)}
    ids |= {key for each in trail.queued for key in (each.source_id, each.target_id) if key}
    wallets = Wallet.objects.filter(pk__in=ids, owner__isnull=False).select_related("owner")
    trail.wallets = list(wallets[:WALLETS])
    people = {each.customer_id for each in trail.queued}
    people |= {wallet.owner_id for wallet in trail.wallets if wallet.owner_id}
    trail.people = list(User.objects.filter(pk__in=people)[:WALLETS])
    known = {record.pk for record in trail.records}
    trail.records += [each for each in _records_of(trail.transactions) if each.pk not in known]
    wallet_ids = [wallet.pk for wallet in trail.wallets]
    trail.changes = _newest(
        StatusChange.objects.filter(wallet__in=wallet_ids).select_related("actor")
    )
    subjects = [str(found.pk) for found in trail.transactions]
    known = {done.pk for done in trail.actions}
    trail.actions += [each for each in _actions(Q(subject_id__in=subjects)) if each.pk not in known]
    return trail


def _records_of(transactions: Sequence[Transaction]) -> list[IdempotencyRecord]:
    """Return the idempotency keys of transactions: recorded in the same commit, so at that time."""
    near = Q()
    for found in transactions[:_KEYED]:
        moments = (found.created_at - _BEGAN_WITHIN, found.created_at + CLOCKS_DIFFER)
        near |= Q(created_at__range=moments, transaction_id=found.pk)
    records = IdempotencyRecord.objects.filter(near) if near else IdempotencyRecord.objects.none()
    return list(records.order_by("-created_at")[:SHOWN])


def _scan_queue(
    trail: RelatedRecords, meant: Q, *, below: uuid.UUID | None = None
) -> list[QueuedTransaction]:
    """Return those of the newest queued transactions that are meant."""
    queued = QueuedTransaction.objects.order_by("-pk")
    if below is not None:
        queued = queued.filter(pk__lt=below)
    since = _since(queued, SCANNED)
    if since:
        trail.notes.append(f"Of the queued transactions, the newest {SCANNED:,} were looked at.")
    return list(queued.filter(meant, **since)[:SHOWN])


def _since(newest_first: QuerySet[Row], count: int) -> dict[str, Any]:
    """Return the condition that leaves the first `count` rows; none when there are not so many."""
    last = newest_first.values_list("pk", flat=True)[count - 1 : count].first()
    return {} if last is None else {"pk__gte": last}


def _actions(meant: Q) -> list[SupportAction]:
    return _newest(SupportAction.objects.filter(meant))


def _newest(rows: QuerySet[Row]) -> list[Row]:
    return list(rows.order_by("-pk")[:SHOWN])


_FOLLOWERS = {
    "person": _of_person,
    "wallet": _of_wallet,
    "transaction": _of_transaction,
    "queued": _of_queued,
}
