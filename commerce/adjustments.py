"""Adjustments: how support puts a balance right, with a reason and an author.

Above `WALLET_SERVICE_ADJUSTMENT_LIMIT` one operator asks for it and another one decides.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from accounts.models import User
from commerce.models import AdjustmentRequest, Decision, LoneAdjustment
from commerce.movements import move
from core import context
from core.errors import NotFound, StateConflict
from core.money import to_major
from core.unit_of_work import requires_unit_of_work
from ledger.history import first_id_at
from ledger.kinds import Kind
from ledger.orders import Order, Outcome, order_into, order_out_of
from ledger.post import post
from wallets.assets import amount_minor, get_asset
from wallets.references import WalletRef, wallet_ref

#: How far back what an operator adjusted alone counts towards the limit.
COUNTED = timedelta(hours=24)
#: How long somebody may decide; afterwards it takes a new request.
DECIDED_WITHIN = timedelta(days=3)


class NoSuchRequest(NotFound):
    message = "There is no such adjustment to decide about."


class OwnRequest(StateConflict):
    recorded = False
    code = "own_adjustment"
    message = "Whoever asked for an adjustment does not decide about it."


class AlreadyDecided(StateConflict):
    recorded = False
    code = "adjustment_decided"
    message = "Somebody has decided about this adjustment already."


class RequestExpired(StateConflict):
    recorded = False
    code = "adjustment_expired"
    message = "Nobody decided about this adjustment in time: ask for it anew."


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an operator may adjust alone of an asset in `COUNTED`, in its major units."""

    limit: Decimal
    left: Decimal


def _order(
    wallet: WalletRef, amount_minor: int, *, is_credit: bool, reason: str, actor_id: uuid.UUID
) -> Order:
    """Order money put into a wallet or taken out of it; the other side is a system wallet."""
    order_to = order_into if is_credit else order_out_of
    return order_to(Kind.ADJUSTMENT, wallet, amount_minor, summary=reason, actor_id=actor_id)


@requires_unit_of_work
def adjust(
    operator: User, *, wallet_id: uuid.UUID, amount: str, is_credit: bool, reason: str
) -> tuple[Order, Outcome] | AdjustmentRequest:
    """Put money into a wallet, or take it out; above the limit, ask for that instead.

    `amount` is a plain decimal, greater than zero. Raises `WalletNotFound`, `InvalidInput`,
    `AmountNotPositive` and what `move` does.
    """
    wallet = wallet_ref(wallet_id)
    adjusted_minor = amount_minor(amount, wallet.asset_id)
    # Two at once that are under the limit each, and above it together, follow each other here,
    # whichever wallets they are of. The user before the wallets: the order of locks.
    User.objects.select_for_update(no_key=True).get(pk=operator.pk)
    left = allowance_of(operator, wallet.asset_id).left
    if to_major(adjusted_minor, decimals=get_asset(wallet.asset_id).decimals) > left:
        return AdjustmentRequest.objects.create(
            wallet_id=wallet.id,
            is_credit=is_credit,
            amount_minor=adjusted_minor,
            reason=reason,
            requester=operator,
            request_id=context.request_id.get(),
            expires_at=timezone.now() + DECIDED_WITHIN,
        )
    order = _order(wallet, adjusted_minor, is_credit=is_credit, reason=reason, actor_id=operator.pk)
    outcome = move(order, operator)
    LoneAdjustment.objects.create(
        transaction_id=outcome.transaction_id,
        operator=operator,
        asset_id=wallet.asset_id,
        amount_minor=adjusted_minor,
    )
    return order, outcome


@requires_unit_of_work
def approve(operator: User, number: int, *, reason: str) -> AdjustmentRequest:
    """Carry out what another operator asked for, once, and return the request as it is then.

    The ledger decides on the wallet as it is now: one that was frozen or emptied meanwhile makes
    it a failed attempt, on record, which closes the request. Raises `NoSuchRequest`, `OwnRequest`,
    `AlreadyDecided` and `RequestExpired`.
    """
    asked = _open_request(operator, number)
    order = _order(
        wallet_ref(asked.wallet_id),
        asked.amount_minor,
        is_credit=asked.is_credit,
        reason=asked.reason,
        actor_id=asked.requester_id,
    )
    [outcome] = post([order])
    asked.transaction_id = outcome.transaction_id
    asked.failure_code = outcome.failure
    status = Decision.APPROVED if outcome.failure is None else Decision.FAILED
    return _decide(asked, operator, status, reason)


@requires_unit_of_work
def reject(operator: User, number: int, *, reason: str) -> AdjustmentRequest:
    """Decide against what another operator asked for. Raises as `approve` does."""
    return _decide(_open_request(operator, number), operator, Decision.REJECTED, reason)


def allowance_of(operator: User, symbol: str) -> Allowance:
    """Return what the operator may adjust without a second one, after what they did of late.

    It counts over all wallets of the asset, in and out alike. Only under the lock of the operator
    is it still so a moment later.
    """
    of_late = LoneAdjustment.objects.filter(
        operator=operator,
        asset_id=symbol,
        transaction_id__gte=first_id_at(timezone.now() - COUNTED),
    )
    adjusted_minor = int(of_late.aggregate(sum=Sum("amount_minor"))["sum"] or 0)
    nothing = to_major(0, decimals=get_asset(symbol).decimals)
    limit = settings.ADJUSTMENT_LIMIT + nothing  # with the decimals of the asset at least
    adjusted = to_major(adjusted_minor, decimals=get_asset(symbol).decimals)
    return Allowance(limit, max(limit - adjusted, nothing))


def _open_request(operator: User, number: int) -> AdjustmentRequest:
    """Return the request, locked, when this operator may decide about it now."""
    asked = (
        AdjustmentRequest.objects.select_for_update(no_key=True, of=("self",))
        .select_related("wallet")
        .filter(pk=number)
        .first()
    )
    if asked is None:
        raise NoSuchRequest
    if asked.status != Decision.PENDING:
        raise AlreadyDecided
    if asked.state == Decision.EXPIRED:
        raise RequestExpired
    if asked.requester_id == operator.pk:
        raise OwnRequest
    return asked


def _decide(
    asked: AdjustmentRequest, operator: User, status: Decision, reason: str
) -> AdjustmentRequest:
    asked.status = status
    asked.decider = operator
    asked.decision_reason = reason
    asked.decided_at = timezone.now()
    asked.save(
        update_fields=[
            "status",
            "decider",
            "decision_reason",
            "decided_at",
            "transaction_id",
            "failure_code",
        ]
    )
    return asked
