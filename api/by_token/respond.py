"""The doors `/wallet/*` that take one trip to the database, and what they answer."""

from collections.abc import Callable
from typing import Any

import orjson
from django.db import DatabaseError, InterfaceError
from django.http import HttpResponse
from rest_framework.request import Request

from api.http.renderer import render_json
from api.http.token_cache import cache_caller, unverified_digest, use_cached_caller, verify_token
from api.http.views import ApiView, KeyedResult, respond_once
from commerce.movements import Movement, Proposal, move
from core.errors import Refusal, Unavailable
from core.idempotency import Answer, Claim
from ledger.post_once import ResponseTemplate, post_once
from wallets.assets import get_asset, to_decimal
from wallets.models import Wallet

#: What `ledger.post_once` puts the balance and the transaction's id in the place of.
_BALANCE = orjson.Fragment("%1$s")
_TRANSACTION = "%2$s"


class MovingView(ApiView):
    """A view that recalls its callers.

    It ends in `respond_moved` or `respond_queued`, which ask about the token; else it must do so.

    Whoever is refused, for whatever reason, is told first that the token has died, if it has.
    """

    def perform_authentication(self, request: Request) -> None:
        use_cached_caller(request)
        super().perform_authentication(request)
        cache_caller(request)

    def handle_exception(self, exc: Exception) -> Any:
        # Not when the database is away, nor when it is not known what became of the money.
        if not isinstance(exc, Unavailable | DatabaseError | InterfaceError):
            try:
                verify_token(self.request)
            except (Refusal, DatabaseError, InterfaceError) as refusal:
                exc = refusal
        return super().handle_exception(exc)


def respond_moved(
    request: Request,
    propose: Callable[[bool], Proposal],
    *,
    of_source: bool,
    tells_transaction: bool = False,
) -> HttpResponse:
    """Move money, at most once per idempotency key, and answer with a wallet's balance after it.

    `propose` is told whether the other end goes unchecked
    (`wallets.references.counterparty_ref`). `of_source`: the
    source's balance, else the target's. What succeeds takes one trip to the database; what does not
    takes the long way, which asks about the token and the wallets and puts a refusal on record.
    """

    def fast_path(claim: Claim | None) -> Answer | None:
        answer = in_one_trip(claim)
        if answer is None:
            verify_token(request)
        return answer

    def in_one_trip(claim: Claim | None) -> Answer | None:
        try:
            proposal = propose(True)
            order = proposal.order()
        except Refusal:
            return None
        wallet = proposal.source if of_source else proposal.target
        body = _payload(wallet, _BALANCE, _TRANSACTION if tells_transaction else None)
        decimals = get_asset(wallet.asset_id).decimals
        told = ResponseTemplate(render_json(body).decode(), of_source, decimals)
        return post_once(order, told, claim, token_digest=unverified_digest(request))

    def work() -> KeyedResult:
        movement = move(propose(False))
        wallet = movement.source if of_source else movement.target
        transaction_id = movement.outcome.transaction_id
        return KeyedResult(
            _payload(wallet, _balance(wallet), transaction_id if tells_transaction else None),
            transaction_id,
        )

    return respond_once(request, work, fast_path=fast_path)


def source_side(movement: Movement, **more: Any) -> KeyedResult:
    """Answer with the source's token and its balance after the movement, and what else is told."""
    wallet = movement.source
    return KeyedResult(
        {**_payload(wallet, _balance(wallet)), **more}, movement.outcome.transaction_id
    )


def _balance(wallet: Wallet) -> Any:
    return to_decimal(wallet.balance_minor, wallet.asset_id)


def _payload(wallet: Wallet, balance: Any, transaction: Any = None) -> dict[str, Any]:
    told = {"wallet": wallet.id, "balance": balance}
    return told if transaction is None else {**told, "transaction": transaction}
