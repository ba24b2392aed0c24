"""What an answer shows of a movement, whatever the audience."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from core.dry_run import kept
from core.times import rfc3339
from ledger.holds import get_hold
from ledger.orders import Order, Outcome
from wallets.assets import to_decimal
from wallets.models import Wallet


@dataclass(frozen=True, slots=True)
class MovementResult:
    """JSON values of a completed movement; balances are after it, null for a system wallet.

    The transaction's id is null in a dry run.
    Who may charge the two wallets and their labels are there for answers that show wallets.
    """

    source_balance: Any
    target_balance: Any
    transaction_id: Any
    created_at: Any
    source_charges: Any = None
    source_label: Any = None
    target_charges: Any = None
    target_label: Any = None
    #: What the company of a charge or a capture paid for it.
    fee: Any = None
    #: Of the hold that the order is about, as it is after it.
    hold_status: Any = None
    hold_amount: Any = None
    hold_captured: Any = None
    hold_remaining: Any = None
    hold_expires_at: Any = None
    hold_created_at: Any = None


#: Makes the answer to a movement, as JSON values.
Render = Callable[[Order, MovementResult], Any]


def result_of(order: Order, outcome: Outcome, *, shows_wallets: bool = False) -> MovementResult:
    """Return what the answer to a completed order may show."""
    result = MovementResult(
        source_balance=to_decimal(outcome.source_balance_minor, order.asset_id),
        target_balance=to_decimal(outcome.target_balance_minor, order.asset_id),
        transaction_id=kept(outcome.transaction_id),
        created_at=rfc3339(outcome.created_at),
        fee=to_decimal(outcome.fee_minor or 0, order.asset_id),
    )
    if order.hold_id is not None:
        hold = get_hold(order.hold_id)
        return replace(
            result,
            hold_status=hold.status,
            hold_amount=to_decimal(hold.amount_minor, order.asset_id),
            hold_captured=to_decimal(hold.captured_minor, order.asset_id),
            hold_remaining=to_decimal(hold.remaining_minor, order.asset_id),
            hold_expires_at=rfc3339(hold.expires_at),
            hold_created_at=rfc3339(hold.created_at),
        )
    if not shows_wallets:
        return result
    wallets = Wallet.objects.in_bulk([order.source_id, order.target_id])
    source, target = wallets[order.source_id], wallets[order.target_id]
    return replace(
        result,
        source_charges=source.charges,
        source_label=source.label,
        target_charges=target.charges,
        target_label=target.label,
    )
