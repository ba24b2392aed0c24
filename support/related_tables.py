"""The related records as tables: users, wallets, transactions, payments, then support actions."""

import uuid
from collections.abc import Iterable, Sequence

from accounts.models import Role, SupportAction, User
from core.models import IdempotencyRecord
from intake.models import QueuedTransaction
from ledger.models import Transaction
from support.operator_admin import amount_text, label, link, time_text
from support.payment_tables import payment_tables
from support.related_records import RelatedRecords
from support.tables import Row, Table
from support.wallet_tables import adjustment_table, status_label, status_table
from wallets.assets import system_wallet_name
from wallets.models import Wallet


def related_tables(related: RelatedRecords) -> list[Table]:
    """Return a table for each kind of record that was found."""
    emails = _emails(related)
    tables = [
        _table("People", "email, role, name, since", map(_person, related.users)),
        _table("Wallets", "token, owner, balance, status", map(_wallet, related.wallets)),
        transaction_table("Transactions", related.transactions),
        *payment_tables(related.payments),
        _table(
            "Queued transactions",
            "accepted, id, kind, amount, customer, status, attempts, error",
            (_queued(each, emails) for each in related.queued),
        ),
        _table(
            "Idempotency keys",
            "when, key, request, answer",
            map(_idempotency_record, related.idempotency_records),
        ),
        status_table(related.status_changes),
        adjustment_table("Adjustments", related.adjustment_requests),
        _table(
            "Support actions",
            "when, who, action, reason, result",
            (_support_action(each, emails) for each in related.support_actions),
        ),
    ]
    return [table for table in tables if table.rows]


def transaction_table(title: str, transactions: Sequence[Transaction]) -> Table:
    """Return transactions with their sides, each with a link to its page."""
    owners = _owners(transactions)
    rows = (_transaction(each, owners) for each in transactions)
    return _table(title, "when, what, amount, source, target, outcome", rows)


def customer_table(users: Iterable[User]) -> Table:
    """Return the customers, each with a link to everything around it. They have their profiles."""
    rows = ([link(user.email, "related", "person", user.pk), *_person(user)[1:]] for user in users)
    return _table("Customers", "email, role, name, since", rows)


def _table(title: str, headers: str, rows: Iterable[Row]) -> Table:
    return Table(title, headers.split(", "), list(rows))


def _person(user: User) -> Row:
    profile = None if user.role == Role.OPERATOR else getattr(user, user.role, None)
    email = link(user.email, "accounts_user_change", user.pk)
    return [email, user.operator_kind or user.role, profile or "", time_text(user.created_at)]


def _wallet(wallet: Wallet) -> Row:
    token = link(wallet.pk, "wallets_wallet_change", wallet.pk)
    balance = amount_text(wallet.balance_minor, wallet.asset_id)
    return [token, wallet.owner or f"SYSTEM:{wallet.purpose}", balance, status_label(wallet.status)]


def _transaction(transaction: Transaction, owners: dict[uuid.UUID, str]) -> Row:
    def side(wallet_id: uuid.UUID) -> object:
        if wallet_id not in owners:
            return system_wallet_name(wallet_id, transaction.asset_id)
        return link(owners[wallet_id], "related", "wallet", wallet_id)

    return [
        link(time_text(transaction.created_at), "ledger_transaction_change", transaction.pk),
        f"{transaction.kind}: {transaction.summary}" if transaction.summary else transaction.kind,
        amount_text(transaction.amount_minor, transaction.asset_id),
        side(transaction.source_id),
        side(transaction.target_id),
        label(
            transaction.failure_code or "completed",
            "danger" if transaction.failure_code else "success",
        ),
    ]


def _queued(queued: QueuedTransaction, emails: dict[uuid.UUID, str]) -> Row:
    return [
        time_text(queued.created_at),
        link(queued.pk, "related", "queued", queued.pk),
        queued.kind,
        amount_text(queued.amount_minor, queued.asset_id),
        emails.get(queued.customer_id, queued.customer_id),
        queued.status,
        f"{queued.attempts} of {queued.max_attempts}",
        queued.error_code or "",
    ]


def _idempotency_record(record: IdempotencyRecord) -> Row:
    return [time_text(record.created_at), record.key, record.operation, record.status_code]


def _support_action(action: SupportAction, emails: dict[uuid.UUID, str]) -> Row:
    who = "" if action.actor_id is None else emails.get(action.actor_id, action.actor_id)
    return [
        time_text(action.created_at),
        who,
        action.get_action_display(),
        action.reason,
        action.result,
    ]


def _emails(related: RelatedRecords) -> dict[uuid.UUID, str]:
    ids = {action.actor_id for action in related.support_actions if action.actor_id}
    ids |= {queued.customer_id for queued in related.queued}
    return dict(User.objects.filter(pk__in=ids).values_list("pk", "email"))


def _owners(transactions: Sequence[Transaction]) -> dict[uuid.UUID, str]:
    """Return the owner's email of each wallet of the transactions; system wallets have none."""
    ids = {
        key
        for transaction in transactions
        for key in (transaction.source_id, transaction.target_id)
    }
    owned = Wallet.objects.filter(pk__in=ids, owner__isnull=False)
    return dict(owned.values_list("pk", "owner__email"))
