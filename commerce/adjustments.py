"""Adjustments: how support puts a balance right, with a reason and an author.

Above what one of the staff may move alone (`commerce.staff_limit`), one asks for it and another
decides.
"""

import uuid
from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from commerce.models import AdjustmentRequest, Decision
from commerce.staff_limit import lock_allowance, move_alone
from core import context
from core.errors import NotFound, StateConflict
from core.unit_of_work import requires_unit_of_work
from ledger.kinds import Kind
from ledger.orders import Order, Outcome, order_into, order_out_of
from ledger.post import post
from wallets.assets import amount_minor
from wallets.references import WalletRef, wallet_ref

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
    allowance = lock_allowance(operator, wallet.asset_id)
    if not allowance.covers(adjusted_minor, wallet.asset_id):
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
    return order, move_alone(order, operator)


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
