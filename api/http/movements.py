"""Calls that move money: the plain way, with the fast way tried before it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from accounts.models import User
from api.http.authentication import caller_of
from api.http.client_address import client_address
from api.http.fast_path import PostOnce, answer_in_one_trip
from api.http.idempotency import KeyedResult, respond_once
from api.http.movement_results import Render, result_of
from api.http.token_cache import CachedCallerView
from commerce.movements import move as move_order
from commerce.staff_limit import move_by_api
from ledger.orders import Order, Outcome
from ledger.post_once import post_once


class MoneyView(CachedCallerView):
    """The base of every view that moves money. It ends in `respond_once`, or in what does."""

    can_be_tried = True


def respond_with_movement(
    request: Request,
    order: Callable[[], Order],
    render: Render,
    *,
    shows_wallets: bool = False,
    status: int = 200,
    move: Callable[[Order, User], Outcome] = move_order,
    post: PostOnce = post_once,
    **keyed: Any,
) -> HttpResponse:
    """Move money, at most once per idempotency key, and answer with what `render` makes of it.

    `order` may be called twice: what does not succeed in the fast way is decided anew in the plain
    one. `shows_wallets`: the answer shows who may charge the wallets, and their labels. A flow that
    writes something beside the money has a `move` and a `post` of its own. What staff order is a
    support action, within what they may move alone, which only the plain way counts. `keyed` is
    passed on to `respond_once`.
    """
    caller = caller_of(request)
    if caller.is_staff:
        if move is not move_order:
            raise TypeError("What staff order has nothing else to write beside the money.")
        move = partial(move_by_api, address=client_address(request._request))

    def work() -> KeyedResult:
        ordered = order()
        outcome = move(ordered, caller)
        result = result_of(ordered, outcome, shows_wallets=shows_wallets)
        return KeyedResult(render(ordered, result), outcome.transaction_id)

    fast_path = (
        None
        if caller.is_staff
        else partial(
            answer_in_one_trip,
            request,
            order,
            render,
            post,
            shows_wallets=shows_wallets,
            status=status,
        )
    )
    return respond_once(request, work, status=status, fast_path=fast_path, **keyed)
