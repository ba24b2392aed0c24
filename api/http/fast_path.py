"""The fast way of a movement beside the plain one: order, key, token and answer in one trip.

It takes what succeeds, and returns None for the rest, which goes the plain way. Without it (see
`settings.FAST_PATH`) nothing changes but the speed.
"""

import re
import secrets
from collections.abc import Callable
from typing import Protocol

from django.conf import settings
from rest_framework.request import Request

from api.http.movement_results import MovementResult, Render
from api.http.renderer import render_json
from api.http.token_cache import mark_verified, unverified_digest
from core.errors import Refusal
from core.idempotency import Answer, Claim
from core.unit_of_work import UnitOfWorkRequired
from ledger.orders import Order
from ledger.post_once import AnswerTemplate
from wallets.assets import get_asset

# They stand in the rendered answer for what only the database will know, until each is replaced by
# what `format` fills in post_once.sql. Nobody can guess them: no text that was sent contains one.
_MARK = secrets.token_hex(16)
_PLACES = MovementResult(
    source_balance=f"{_MARK}-1",
    target_balance=f"{_MARK}-2",
    transaction_id=f"{_MARK}-3",
    created_at=f"{_MARK}-4",
    source_charges=f"{_MARK}-5",
    source_label=f"{_MARK}-6",
    target_charges=f"{_MARK}-7",
    target_label=f"{_MARK}-8",
    fee=f"{_MARK}-9",
    hold_status=f"{_MARK}-10",
    hold_amount=f"{_MARK}-11",
    hold_captured=f"{_MARK}-12",
    hold_remaining=f"{_MARK}-13",
    hold_expires_at=f"{_MARK}-14",
    hold_created_at=f"{_MARK}-15",
)
# An amount loses its quotes: amounts are JSON numbers. A label's are its own, with its escapes.
_UNQUOTED = frozenset((1, 2, 6, 8, 9, 11, 12, 13))
_PLACE = re.compile(rf'("?){_MARK}-([0-9]+)("?)')


def _specifier(place: re.Match[str]) -> str:
    quote, number, end = place.groups()
    specifier = f"%{number}$s"
    return specifier if int(number) in _UNQUOTED else f"{quote}{specifier}{end}"


class PostOnce(Protocol):
    """`ledger.post_once.post_once`, or what a flow puts in its place."""

    def __call__(
        self,
        order: Order,
        template: AnswerTemplate,
        claim: Claim | None,
        *,
        unverified_digest: str | None,
    ) -> Answer | None: ...


def answer_in_one_trip(
    request: Request,
    order: Callable[[], Order],
    render: Render,
    post: PostOnce,
    claim: Claim | None,
    *,
    shows_wallets: bool = False,
    status: int = 200,
) -> Answer | None:
    """Carry the order out and return the answer, as `render` makes it, or None: nothing was done.

    Raises what `post` does.
    """
    if not settings.FAST_PATH:
        return None
    try:
        ordered = order()
        body = render_json(render(ordered, _PLACES)).decode()
    except (Refusal, UnitOfWorkRequired):
        # The plain way puts the refusal on record, and creates the wallet of a first credit.
        return None
    body = _PLACE.sub(_specifier, body.replace("%", "%%"))
    decimals = get_asset(ordered.asset_id).decimals
    template = AnswerTemplate(body, decimals, status, shows_wallets)
    answer = post(ordered, template, claim, unverified_digest=unverified_digest(request))
    if answer is not None:
        mark_verified(request)
    return answer
