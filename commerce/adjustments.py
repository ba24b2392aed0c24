"""Adjustments: how support puts a balance right, with a reason and an author.

Above `WALLET_SERVICE_ADJUSTMENT_LIMIT` one operator asks for it and another one decides.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from accounts.models import User
from commerce.models import AdjustmentRequest, Decision, LoneAdjustment
from commerce.movements import Movement, Proposal, move
from core import context
from core.errors import NotFound, StateConflict
from core.money import to_major
from core.unit_of_work import require_unit_of_work
from ledger.history import first_id_at
from ledger.kinds import Kind
from ledger.post import Order, post
from wallets.assets import amount_minor, get_asset, system_wallet
from wallets.models import Purpose, Wallet
from wallets.selectors import get_wallet

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
class _Adjustment:
    """Some money, put into a wallet or taken out of it."""

    wallet: Wallet
    amount_minor: int
    is_credit: bool

    @property
    def sides(self) -> tuple[Wallet, Wallet]:
        """Source and target: the other side is the funding system wallet."""
        world = system_wallet(self.wallet.asset_id, Purpose.FUNDING)
        return (world, self.wallet) if self.is_credit else (self.wallet, world)


def adjust(
    operator: User, *, wallet_id: uuid.UUID, amount: str, is_credit: bool, reason: str
) -> Movement | AdjustmentRequest:
    """Put money into a wallet, or take it out; above the limit, ask for that instead.

    `amount` is a plain decimal, greater than zero. Requires a unit of work. Raises
    `WalletNotFound`, `InvalidInput`, `AmountNotPositive` and what `move` does.
    """
    require_unit_of_work()
    wallet = get_wallet(wallet_id)
    adjustment = _Adjustment(wallet, amount_minor(amount, wallet.asset_id), is_credit)
    # Two at once that are under the limit each, and above it together, follow each other here,
    # whichever wallets they are of. The user before the wallets: the order of locks.
    User.objects.select_for_update(no_key=True).get(pk=operator.pk)
    if _is_above_limit(operator, adjustment):
        return AdjustmentRequest.objects.create(
            wallet=wallet,
            is_credit=is_credit,
            amount_minor=adjustment.amount_minor,
            reason=reason,
            requester=operator,
            request_id=context.request_id.get(),
            expires_at=timezone.now() + DECIDED_WITHIN,
        )
    source, target = adjustment.sides
    movement = move(
        Proposal(
            kind=Kind.ADJUSTMENT,
            source=source,
            target=target,
            amount_minor=adjustment.amount_minor,
            actor=operator,
            summary=reason,
        )
    )
    LoneAdjustment.objects.create(
        transaction_id=movement.outcome.transaction_id,
        operator=operator,
        asset_id=wallet.asset_id,
        amount_minor=movement.amount_minor,
    )
    return movement


def approve(operator: User, number: int, *, reason: str) -> AdjustmentRequest:
    """Carry out what another operator asked for, once, and return the request as it is then.

    The ledger decides on the wallet as it is now: one that was frozen or emptied meanwhile makes
    it a failed attempt, on record, which closes the request. Requires a unit of work. Raises
    `NoSuchRequest`, `OwnRequest`, `AlreadyDecided` and `RequestExpired`.
    """
    asked = _open_request(operator, number)
    source, target = _Adjustment(asked.wallet, asked.amount_minor, asked.is_credit).sides
    order = Order(
        Kind.ADJUSTMENT,
        source.id,
        target.id,
        asked.amount_minor,
        asset_id=asked.wallet.asset_id,
        summary=asked.reason,
        actor_id=asked.requester_id,
    )
    [outcome] = post([order])
    asked.transaction_id = outcome.transaction_id
    asked.failure_code = outcome.failure
    status = Decision.APPROVED if outcome.failure is None else Decision.FAILED
    return _decide(asked, operator, status, reason)


def reject(operator: User, number: int, *, reason: str) -> AdjustmentRequest:
    """Decide against what another operator asked for. Requires a unit of work; raises likewise."""
    return _decide(_open_request(operator, number), operator, Decision.REJECTED, reason)


def _is_above_limit(operator: User, adjustment: _Adjustment) -> bool:
    """Whether the operator needs a second one, after what they adjusted alone of late.

    It counts over all wallets of the asset, in and out alike.
    """
    asset = get_asset(adjustment.wallet.asset_id)
    of_late = LoneAdjustment.objects.filter(
        operator=operator,
        asset=asset,
        transaction_id__gte=first_id_at(timezone.now() - COUNTED),
    )
    before_minor = int(of_late.aggregate(sum=Sum("amount_minor"))["sum"] or 0)
    total = to_major(before_minor + adjustment.amount_minor, decimals=asset.decimals)
    return bool(total > settings.ADJUSTMENT_LIMIT)


def _open_request(operator: User, number: int) -> AdjustmentRequest:
    """Return the request, locked, when this operator may decide about it now."""
    require_unit_of_work()
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
