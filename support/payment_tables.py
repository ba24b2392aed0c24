"""Approvals, pay tokens, holds and payment requests as tables: no secret and no digest in them."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.utils.safestring import SafeString

from accounts.models import User
from commerce.models import PaymentRequest, RequestStatus
from commerce.payment_requests import show_expired
from core.database_time import current_moment
from ledger.holds import show_expired as show_expired_hold
from ledger.models import Hold, HoldStatus
from support.operator_admin import amount_text, label, link, time_text
from support.payment_records import PaymentRecords, approval_state, paytoken_state
from support.tables import Table
from wallets.assets import to_decimal
from wallets.models import Approval, PayToken, Wallet

#: Headers, and what a record shows under each.
Columns = Mapping[str, Callable[[Any], object]]

STATE_COLOURS: dict[str, str] = {
    "active": "success",
    "usable": "success",
    "used": "info",
    "revoked": "danger",
    "ended": "danger",
    RequestStatus.OPEN: "info",
    RequestStatus.PAID: "success",
    RequestStatus.EXPIRED: "warning",
    RequestStatus.CANCELLED: "danger",
    HoldStatus.CAPTURED: "success",
    HoldStatus.VOIDED: "danger",
}


def payment_tables(payments: PaymentRecords, *, of_one_wallet: bool = False) -> list[Table]:
    """Return a table for each kind of record that was found.

    `of_one_wallet`: for the page of a wallet, which no row names again.
    """
    if payments.is_empty:
        return []
    moment = current_moment()
    for request in (*payments.asked, *payments.paid):
        show_expired(request, moment)
    for hold in payments.holds:
        show_expired_hold(hold, moment)
    owners = _owners(payments)
    requests = _request_columns(owners)
    kinds: list[tuple[str, Columns, Sequence[object], str]] = [
        ("Approvals", _approval_columns(moment), payments.approvals, "wallet"),
        ("Pay tokens", _paytoken_columns(moment), payments.paytokens, "wallet"),
        ("Holds", _hold_columns(owners), payments.holds, ""),
        ("Payment requests", requests, payments.asked, "payee"),
        ("Paid requests", requests, payments.paid, "paid by"),
    ]
    if not of_one_wallet:
        every = (*payments.asked, *payments.paid)
        parts = [part for each in every for part in _parts(each, owners)]
        kinds.append(("Splits and fees", _PART_COLUMNS, parts, ""))
    return [
        _table(title, columns, rows).without(repeated if of_one_wallet else "")
        for title, columns, rows, repeated in kinds
        if rows
    ]


def _table(title: str, columns: Columns, rows: Sequence[object]) -> Table:
    return Table(title, list(columns), [[cell(row) for cell in columns.values()] for row in rows])


def _approval_columns(moment: datetime) -> Columns:
    return {
        "made": lambda row: _record_link("approval", row),
        "wallet": _wallet,
        "company": lambda row: _company(row.company),
        "per charge": lambda row: _limit(row.max_amount_minor, row),
        "per day": lambda row: _limit(row.max_per_day_minor, row),
        "expires": lambda row: time_text(row.expires_at) if row.expires_at else "never",
        "state": lambda row: _state(approval_state(row, moment)),
    }


def _paytoken_columns(moment: datetime) -> Columns:
    return {
        "made": lambda row: _record_link("paytoken", row),
        "wallet": _wallet,
        "company": lambda row: "any" if row.company is None else _company(row.company),
        "per use": lambda row: _limit(row.max_amount_minor, row),
        "uses left": lambda row: f"{row.uses_left} of {row.uses}",
        "expires": lambda row: time_text(row.expires_at),
        "state": lambda row: _state(paytoken_state(row, moment)),
    }


def _hold_columns(owners: "Owners") -> Columns:
    def side(wallet_id: uuid.UUID) -> SafeString:
        return link(owners[wallet_id].email, "wallets_wallet_change", wallet_id)

    def amount(minor: int, row: Hold) -> str:
        return amount_text(minor, owners[row.payer_wallet_id].asset_id)

    return {
        "made": lambda row: link(time_text(row.created_at), "ledger_hold_change", row.pk),
        "payer": lambda row: side(row.payer_wallet_id),
        "company": lambda row: side(row.company_wallet_id),
        "amount": lambda row: amount(row.amount_minor, row),
        "captured": lambda row: amount(row.captured_minor, row),
        "remaining": lambda row: amount(row.remaining_minor, row),
        "expires": lambda row: time_text(row.expires_at),
        "state": lambda row: _state(row.status),
    }


def _request_columns(owners: "Owners") -> Columns:
    return {
        "asked": lambda row: _record_link("payment_request", row),
        "payee": lambda row: link(row.payee.email, "wallets_wallet_change", row.wallet_id),
        "amount": _amount,
        "what for": lambda row: (
            f"{row.summary} ({row.reference})" if row.reference else row.summary
        ),
        "state": lambda row: _state(row.status),
        "paid or until": _end,
        "paid by": lambda row: (
            (
                row.payer_wallet_id
                and link(
                    owners[row.payer_wallet_id].email, "wallets_wallet_change", row.payer_wallet_id
                )
            )
            or ""
        ),
    }


def _record_link(kind: str, row: Approval | PayToken | PaymentRequest) -> SafeString:
    """Return the time of a record, linked to the page of everything around it."""
    return link(time_text(row.created_at), "related", kind, row.pk)


def _wallet(row: Approval | PayToken) -> SafeString:
    return link(row.wallet_id, "wallets_wallet_change", row.wallet_id)


def _company(user: User) -> SafeString:
    """Return the company's name; its email once it has left and its profile is gone."""
    name = getattr(user, "company", None) or user.email
    return link(name, "accounts_user_change", user.pk)


def _limit(limit_minor: int | None, row: Approval | PayToken) -> str:
    return amount_text(limit_minor, row.wallet.asset_id) or "no limit"


def _amount(request: PaymentRequest) -> str:
    """Return what was paid, and else what was asked for."""
    asset = request.wallet.asset_id
    if request.paid_minor is None:
        return amount_text(request.amount_minor, asset) or "the payer's choice"
    tip = f" (tip {to_decimal(request.tip_minor, asset):,f})" if request.tip_minor else ""
    return amount_text(request.paid_minor, asset) + tip


def _end(request: PaymentRequest) -> SafeString | str:
    """Return when it was paid, linked to the transaction; else when it was or will be over."""
    if request.paid_at is None:
        return time_text(request.cancelled_at or request.expires_at)
    return link(time_text(request.paid_at), "ledger_transaction_change", request.transaction_id)


def _state(state: str) -> SafeString:
    return label(state, STATE_COLOURS[state])


class Owner(NamedTuple):
    """Whose a wallet is, and what it holds."""

    email: str
    asset_id: str


Owners = Mapping[uuid.UUID, Owner]


def _owners(payments: PaymentRecords) -> Owners:
    """Return the owner of each wallet that paid, that a hold names or that gets a split."""
    requests = (*payments.asked, *payments.paid)
    keys: set[Any] = {row.payer_wallet_id for row in requests if row.payer_wallet_id}
    keys |= {wallet_id for row in requests for wallet_id, _ in row.splits}
    keys |= {key for row in payments.holds for key in (row.payer_wallet_id, row.company_wallet_id)}
    wallets = Wallet.objects.filter(pk__in=keys)
    rows = wallets.values_list("pk", "owner__email", "asset_id")
    return {key: Owner(email, asset_id) for key, email, asset_id in rows}


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a payment request that does not stay with its payee."""

    request: PaymentRequest
    what: str
    amount_minor: int
    goes_to: object


_PART_COLUMNS: Columns = {
    "of": lambda part: link(part.request.summary, "related", "payment_request", part.request.pk),
    "what": lambda part: part.what,
    "amount": lambda part: amount_text(part.amount_minor, part.request.wallet.asset_id),
    "target": lambda part: part.goes_to,
}


def _parts(request: PaymentRequest, owners: Owners) -> Iterable[_Part]:
    """Yield the splits of a request, paid or not, and the fee that its payee has paid."""
    for text, split_minor in request.splits:
        wallet_id = uuid.UUID(text)
        to = link(owners[wallet_id].email, "wallets_wallet_change", wallet_id)
        yield _Part(request, "split", split_minor, to)
    if request.fee_minor:
        yield _Part(request, "fee", request.fee_minor, "SYSTEM:fees")
