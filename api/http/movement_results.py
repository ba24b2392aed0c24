"""What an answer shows of a movement, whatever the audience."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from core.dry_run import kept
from core.times import rfc3339
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


#: Makes the answer to a movement, as JSON values.
Render = Callable[[Order, MovementResult], Any]


def result_of(order: Order, outcome: Outcome, *, shows_wallets: bool = False) -> MovementResult:
    """Return what the answer to a completed order may show."""
    result = MovementResult(
        source_balance=to_decimal(outcome.source_balance_minor, order.asset_id),
        target_balance=to_decimal(outcome.target_balance_minor, order.asset_id),
        transaction_id=kept(outcome.transaction_id),
        created_at=rfc3339(outcome.created_at),
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
