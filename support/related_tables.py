"""A trail as tables, in the order in which support asks: who, what with, what happened, who did."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString

from accounts.models import Role, SupportAction, User
from commerce.models import AdjustmentRequest
from core.models import IdempotencyRecord
from intake.models import QueuedTransaction
from ledger.models import Transaction
from support.operator_admin import label, link
from support.related_records import RelatedRecords
from support.wallets import STATUS_COLOURS, amount_text
from wallets.assets import system_wallet_name
from wallets.models import Status, StatusChange, Wallet

Table = dict[str, Any]
Row = list[object]


def related_tables(trail: RelatedRecords) -> list[tuple[str, Table]]:
    """Return a title and unfold's table for each kind of thing that was found."""
    owners = _owners(trail.transactions)
    emails = _emails(trail)
    tables = [
        _table("People", "email, role, name, since", map(_person, trail.people)),
        _table("Wallets", "token, owner, balance, status", map(_wallet, trail.wallets)),
        _table(
            "Transactions",
            "when, what, amount, source, target, outcome",
            (_transaction(each, owners) for each in trail.transactions),
        ),
        _table(
            "Queued transactions",
            "accepted, id, kind, amount, customer, status, attempts, error",
            (_queued(each, emails) for each in trail.queued),
        ),
        _table("Idempotency keys", "when, key, request, answer", map(_record, trail.records)),
        _table(
            "Frozen and set free", "when, wallet, status, reason, by", map(_change, trail.changes)
        ),
        _table(
            "Adjustments for two",
            "when, what, state, asked by, reason",
            map(_adjustment, trail.adjustments),
        ),
        _table(
            "Support actions",
            "when, who, action, reason, result",
            (_support_action(each, emails) for each in trail.actions),
        ),
    ]
    return [(title, table) for title, table in tables if table["rows"]]


def moment(at: datetime) -> str:
    """Return a time as tables have it, in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _table(title: str, headers: str, rows: Iterable[Row]) -> tuple[str, Table]:
    return title, {"headers": headers.split(", "), "rows": list(rows)}


def _person(user: User) -> Row:
    profile = None if user.role == Role.OPERATOR else getattr(user, user.role, None)
    email = link(user.email, "accounts_user_change", user.pk)
    return [email, user.role, profile or "", moment(user.created_at)]


def _wallet(wallet: Wallet) -> Row:
    token = link(wallet.pk, "wallets_wallet_change", wallet.pk)
    balance = amount_text(wallet.balance_minor, wallet.asset_id)
    return [token, wallet.owner or f"SYSTEM:{wallet.purpose}", balance, _status(wallet.status)]


def _status(status: str) -> SafeString:
    return label(status, STATUS_COLOURS[Status(status)])


def _transaction(found: Transaction, owners: dict[uuid.UUID, str]) -> Row:
    def side(wallet_id: uuid.UUID) -> object:
        if wallet_id not in owners:
            return system_wallet_name(wallet_id, found.asset_id)
        return link(owners[wallet_id], "found", "wallet", wallet_id)

    return [
        link(moment(found.created_at), "ledger_transaction_change", found.pk),
        f"{found.kind}: {found.summary}" if found.summary else found.kind,
        amount_text(found.amount_minor, found.asset_id),
        side(found.source_id),
        side(found.target_id),
        label(found.failure_code or "completed", "danger" if found.failure_code else "success"),
    ]


def _queued(queued: QueuedTransaction, emails: dict[uuid.UUID, str]) -> Row:
    return [
        moment(queued.created_at),
        link(queued.pk, "found", "queued", queued.pk),
        queued.kind,
        amount_text(queued.amount_minor, queued.asset_id),
        emails.get(queued.customer_id, queued.customer_id),
        queued.status,
        f"{queued.attempts} of {queued.max_attempts}",
        queued.error_code or "",
    ]


def _record(record: IdempotencyRecord) -> Row:
    return [moment(record.created_at), record.key, record.operation, record.status_code]


def _change(change: StatusChange) -> Row:
    wallet = link(change.wallet_id, "wallets_wallet_change", change.wallet_id)
    by = change.actor or "the service"
    return [moment(change.created_at), wallet, _status(change.status), change.reason, by]


def _adjustment(asked: AdjustmentRequest) -> Row:
    what = f"{'put in' if asked.is_credit else 'take out'} "
    what += amount_text(asked.amount_minor, asked.wallet.asset_id)
    when = link(moment(asked.created_at), "commerce_adjustmentrequest_change", asked.pk)
    return [when, what, asked.state.label, asked.requester, asked.reason]


def _support_action(done: SupportAction, emails: dict[uuid.UUID, str]) -> Row:
    who = "" if done.actor_id is None else emails.get(done.actor_id, done.actor_id)
    return [moment(done.created_at), who, done.get_action_display(), done.reason, done.result]


def _emails(trail: RelatedRecords) -> dict[uuid.UUID, str]:
    ids = {done.actor_id for done in trail.actions if done.actor_id}
    ids |= {queued.customer_id for queued in trail.queued}
    return dict(User.objects.filter(pk__in=ids).values_list("pk", "email"))


def _owners(transactions: Sequence[Transaction]) -> dict[uuid.UUID, str]:
    """Return the owner's email of each wallet of the transactions; system wallets have none."""
    ids = {key for found in transactions for key in (found.source_id, found.target_id)}
    owned = Wallet.objects.filter(pk__in=ids, owner__isnull=False)
    return dict(owned.values_list("pk", "owner__email"))
