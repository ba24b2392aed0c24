"""Holds as they are at the moment, and what they refuse."""

import uuid
from datetime import datetime

from core.connections.fixed_query import FixedQuery
from core.errors import NotFound, Refusal
from ledger.errors import CaptureExceedsHold, HoldNotActive
from ledger.models import Hold, HoldStatus
from wallets.assets import to_decimal
from wallets.errors import PayTokenExceeded

_BY_ID = FixedQuery(Hold, "WHERE id = %s", extra=["current_moment()"])


class HoldNotFound(NotFound):
    message = "There is no such hold."


def get_hold(hold_id: uuid.UUID) -> Hold:
    """Return a hold; one whose time is over is `EXPIRED`. Raises `HoldNotFound`."""
    found = _BY_ID.first_with_extra(hold_id)
    if found is None:
        raise HoldNotFound
    hold, [moment] = found
    show_expired(hold, moment)
    return hold


def show_expired(hold: Hold, moment: datetime) -> None:
    """Show an active hold whose time was over at that moment as it is: nothing is held any more."""
    if hold.status == HoldStatus.ACTIVE and hold.expires_at <= moment:
        hold.status = HoldStatus.EXPIRED
        hold.released_minor += hold.remaining_minor


def refusal_with_details(refusal: type[Refusal], hold_id: uuid.UUID, asset_id: str) -> Refusal:
    """Return what was refused of a hold just now, with what its details tell."""
    if refusal is HoldNotActive:
        return HoldNotActive(status=get_hold(hold_id).status)
    if refusal is CaptureExceedsHold:
        remaining_minor = get_hold(hold_id).remaining_minor
        return CaptureExceedsHold(remaining=to_decimal(remaining_minor, asset_id))
    if refusal is PayTokenExceeded:
        cap_minor = get_hold(hold_id).paytoken_cap_minor
        return PayTokenExceeded(max_amount=to_decimal(cap_minor, asset_id))
    return refusal()
