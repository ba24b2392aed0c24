"""What happened to a wallet beside its transactions, as tables: freezes, and adjustments asked."""

from collections.abc import Iterable

from django.utils.html import format_html
from django.utils.safestring import SafeString

from commerce.models import AdjustmentRequest, Decision
from support.adjustment_records import waiting
from support.operator_admin import amount_text, label, link, time_text
from support.tables import Row, Table
from wallets.models import Status, StatusChange, Wallet

STATUS_COLOURS = {Status.ACTIVE: "success", Status.FROZEN: "warning", Status.CLOSED: "danger"}
DECISION_COLOURS = {
    Decision.PENDING: "warning",
    Decision.APPROVED: "success",
    Decision.REJECTED: "danger",
    Decision.FAILED: "danger",
    Decision.EXPIRED: "info",
}


def status_label(status: str) -> SafeString:
    """Return a wallet's status with its colour."""
    return label(status, STATUS_COLOURS[Status(status)])


def status_table(changes: Iterable[StatusChange]) -> Table:
    """Return who froze wallets and set them free. The changes have their `actor`."""
    headers = ("when", "wallet", "status", "reason", "by")
    return Table("Frozen and set free", headers, [_status_change(each) for each in changes])


def adjustment_table(title: str, requests: Iterable[AdjustmentRequest]) -> Table:
    """Return adjustments that two decide, and what became of them.

    The requests have their wallet's `owner`, `requester` and `decider`.
    """
    headers = ("asked", "what", "amount", "owner", "by", "reason", "state", "decision")
    return Table(title, headers, [_adjustment(each) for each in requests])


def verb_of(request: AdjustmentRequest) -> str:
    """Return what an adjustment does."""
    return "Put in" if request.is_credit else "Take out"


def waiting_notices(wallet: Wallet) -> list[SafeString]:
    """Return a sentence for each adjustment of the wallet that waits for a second operator."""
    return [
        format_html(
            "Not moved yet: {} {}, asked by {}: {}. It waits for a second operator. {}",
            verb_of(request).lower(),
            amount_text(request.amount_minor, wallet.asset_id),
            request.requester,
            request.reason.removesuffix("."),
            link("Look at it", "commerce_adjustmentrequest_change", request.pk),
        )
        for request in waiting().filter(wallet=wallet)
    ]


def _status_change(change: StatusChange) -> Row:
    return (
        time_text(change.created_at),
        link(change.wallet_id, "wallets_wallet_change", change.wallet_id),
        status_label(change.status),
        change.reason,
        change.actor or "the service",
    )


def _adjustment(request: AdjustmentRequest) -> Row:
    return (
        link(time_text(request.created_at), "commerce_adjustmentrequest_change", request.pk),
        verb_of(request),
        amount_text(request.amount_minor, request.wallet.asset_id),
        link(request.wallet.owner, "wallets_wallet_change", request.wallet_id),
        request.requester,
        request.reason,
        label(request.state.label, DECISION_COLOURS[request.state]),
        decision_text(request),
    )


def decision_text(request: AdjustmentRequest) -> str:
    """Return who decided about an adjustment, when and why; else until when somebody may."""
    if request.decided_at is None:
        return f"until {time_text(request.expires_at)}"
    failed = f" ({request.failure_code})" if request.failure_code else ""
    return f"{request.decider}, {time_text(request.decided_at)}: {request.decision_reason}{failed}"
