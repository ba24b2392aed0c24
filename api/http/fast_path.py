"""The fast way of a movement beside the plain one: order, key, token and answer in one trip.

It takes what succeeds, and returns None for the rest, which goes the plain way. Without it (see
`settings.FAST_PATH`) nothing changes but the speed.
"""

import secrets
from collections.abc import Callable

from django.conf import settings
from rest_framework.request import Request

from api.http.movement_results import MovementResult, Render
from api.http.renderer import render_json
from api.http.token_cache import mark_verified, unverified_digest
from core.errors import Refusal
from core.idempotency import Answer, Claim
from core.unit_of_work import UnitOfWorkRequired
from ledger.orders import Order
from ledger.post_once import AnswerTemplate, post_once
from wallets.assets import get_asset

# They stand in the rendered answer for what only the database will know, until each is replaced by
# what `format` fills in post_once.sql. Nobody can guess them: no text that was sent contains one.
_MARK = secrets.token_hex(16)
_PLACES = MovementResult(
    source_balance=f"{_MARK}-1",
    target_balance=f"{_MARK}-2",
    transaction_id=f"{_MARK}-3",
    created_at=f"{_MARK}-4",
)
# A balance loses its quotes: amounts are JSON numbers.
_SPECIFIERS = {
    f'"{_MARK}-1"': "%1$s",
    f'"{_MARK}-2"': "%2$s",
    f"{_MARK}-3": "%3$s",
    f"{_MARK}-4": "%4$s",
}


def answer_in_one_trip(
    request: Request, order: Callable[[], Order], render: Render, claim: Claim | None
) -> Answer | None:
    """Carry the order out and return the answer, as `render` makes it, or None: nothing was done.

    Raises what `ledger.post_once.post_once` does.
    """
    if not settings.FAST_PATH:
        return None
    try:
        ordered = order()
        body = render_json(render(ordered, _PLACES)).decode()
    except (Refusal, UnitOfWorkRequired):
        # The plain way puts the refusal on record, and creates the wallet of a first credit.
        return None
    body = body.replace("%", "%%")
    for place, specifier in _SPECIFIERS.items():
        body = body.replace(place, specifier)
    template = AnswerTemplate(body, get_asset(ordered.asset_id).decimals)
    answer = post_once(ordered, template, claim, unverified_digest=unverified_digest(request))
    if answer is not None:
        mark_verified(request)
    return answer
