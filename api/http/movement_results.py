"""What an answer shows of a movement, whatever the audience."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.times import rfc3339
from ledger.orders import Order, Outcome
from wallets.assets import to_decimal


@dataclass(frozen=True, slots=True)
class MovementResult:
    """JSON values of a completed movement; balances are after it, null for a system wallet."""

    source_balance: Any
    target_balance: Any
    transaction_id: Any
    created_at: Any


#: Makes the answer to a movement, as JSON values.
Render = Callable[[Order, MovementResult], Any]


def result_of(order: Order, outcome: Outcome) -> MovementResult:
    """Return what the answer to a completed order may show."""
    return MovementResult(
        source_balance=to_decimal(outcome.source_balance_minor, order.asset_id),
        target_balance=to_decimal(outcome.target_balance_minor, order.asset_id),
        transaction_id=outcome.transaction_id,
        created_at=rfc3339(outcome.created_at),
    )
