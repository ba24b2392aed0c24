"""How the doors `/wallet/*` answer a movement: with a wallet and its balance after it."""

from collections.abc import Callable
from typing import Any

import orjson
from django.http import HttpResponse
from rest_framework.request import Request

from commerce.movements import Movement, Proposal, move
from core.errors import Refusal
from core.http.renderer import render_json
from core.http.views import Moved, respond_once
from core.idempotency import Answer, Claim
from ledger.post_once import Told, post_once
from wallets.assets import get_asset, money
from wallets.models import Wallet

#: What `ledger.post_once` puts the balance and the transaction's id in the place of.
_BALANCE = orjson.Fragment("%1$s")
_TRANSACTION = "%2$s"


def respond_moved(
    request: Request,
    propose: Callable[[], Proposal],
    *,
    of_source: bool,
    tells_transaction: bool = False,
) -> HttpResponse:
    """Move money, at most once per idempotency key, and answer with a wallet's balance after it.

    `of_source`: the source's, else the target's. What succeeds takes one trip to the database;
    what is refused takes the long way, which puts it on record.
    """

    def at_once(claim: Claim | None) -> Answer | None:
        try:
            proposal = propose()
            order = proposal.order()
        except Refusal:
            return None
        wallet = proposal.source if of_source else proposal.target
        body = _payload(wallet, _BALANCE, _TRANSACTION if tells_transaction else None)
        decimals = get_asset(wallet.asset_id).decimals
        return post_once(order, Told(render_json(body).decode(), of_source, decimals), claim)

    def work() -> Moved:
        movement = move(propose())
        wallet = movement.source if of_source else movement.target
        transaction_id = movement.outcome.transaction_id
        return Moved(
            _payload(wallet, _balance(wallet), transaction_id if tells_transaction else None),
            transaction_id,
        )

    return respond_once(request, work, at_once=at_once)


def source_side(movement: Movement, **more: Any) -> Moved:
    """Answer with the source's token and its balance after the movement, and what else is told."""
    wallet = movement.source
    return Moved({**_payload(wallet, _balance(wallet)), **more}, movement.outcome.transaction_id)


def _balance(wallet: Wallet) -> Any:
    return money(wallet.balance_minor, wallet.asset_id)


def _payload(wallet: Wallet, balance: Any, transaction: Any = None) -> dict[str, Any]:
    told = {"wallet": wallet.id, "balance": balance}
    return told if transaction is None else {**told, "transaction": transaction}
