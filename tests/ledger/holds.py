"""Holds, placed and ended through the ledger as the service does it."""

import uuid

from core.unit_of_work import unit_of_work
from ledger.kinds import Kind
from ledger.models import Hold
from ledger.orders import REMAINING, Order, Outcome
from ledger.post import post_or_deny
from tests.factories import Holder
from wallets.models import Wallet


def place_hold(payer: Holder, company: Holder, amount_minor: int, seconds: int = 600) -> Hold:
    """Have the company set money of the payer's wallet aside, by the wallet's token."""
    hold_id = uuid.uuid4()
    order = Order(
        Kind.HOLD,
        payer.wallet_id,
        company.wallet_id,
        amount_minor,
        payer.wallet.asset_id,
        "Room 12",
        company.user.pk,
        hold_id=hold_id,
        hold_seconds=seconds,
    )
    _carry_out(order)
    return Hold.objects.get(pk=hold_id)


def increment_hold(hold: Hold, amount_minor: int) -> Outcome:
    """Hold so much more."""
    return _carry_out(_of(hold, Kind.HOLD, amount_minor))


def capture_hold(hold: Hold, amount_minor: int | None = None, final: bool = True) -> Outcome:
    """Take so much of the hold, by default all that remains; a final capture releases the rest."""
    return _carry_out(_of(hold, Kind.CAPTURE, amount_minor or REMAINING, is_final=final))


def void_hold(hold: Hold) -> Outcome:
    """Release what remains of the hold."""
    return _carry_out(_of(hold, Kind.RELEASE, REMAINING))


def _of(hold: Hold, kind: Kind, amount_minor: int, *, is_final: bool | None = None) -> Order:
    company = Wallet.objects.get(pk=hold.company_wallet_id)
    return Order(
        kind,
        hold.payer_wallet_id,
        company.pk,
        amount_minor,
        company.asset_id,
        hold.summary,
        company.owner_id,
        hold_id=hold.pk,
        is_final=is_final,
    )


def _carry_out(order: Order) -> Outcome:
    [outcome] = unit_of_work(lambda: post_or_deny([order]))
    assert isinstance(outcome, Outcome), outcome
    assert outcome.failure is None, outcome
    return outcome
