"""How `/wallet/*` answers a movement: a wallet's token and its balance after it."""

from typing import Any

from api.http.movement_results import MovementResult
from ledger.orders import Order


def moved_source(order: Order, result: MovementResult) -> dict[str, Any]:
    """Return the wallet that the money left."""
    return {"wallet": order.source_id, "balance": result.source_balance}


def moved_target(order: Order, result: MovementResult) -> dict[str, Any]:
    """Return the wallet that the money entered."""
    return {"wallet": order.target_id, "balance": result.target_balance}


def charged_target(order: Order, result: MovementResult) -> dict[str, Any]:
    """Return the company's wallet, the transaction that it may refund, and what it paid for it."""
    return {
        **moved_target(order, result),
        "transaction": result.transaction_id,
        "fee": result.fee,
    }
