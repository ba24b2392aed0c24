"""Holds: what a company sets aside of a payer's money, and takes later or leaves."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from accounts import support_actions
from accounts.models import Action, Role, User
from commerce.charges import find_payer
from commerce.movements import move, refuse_same_or_system_wallet
from commerce.splits import Split, check_splits, with_splits
from core.database_time import CurrentMoment
from core.keyset import newest_page
from core.unit_of_work import requires_unit_of_work
from ledger.holds import HoldNotFound, get_hold, show_expired
from ledger.kinds import Kind
from ledger.models import Hold, HoldStatus
from ledger.orders import REMAINING, Order, Outcome
from wallets.assets import amount_minor, optional_amount_minor
from wallets.references import company_wallet_ref, wallet_ref
from wallets.selectors import wallets_of

SHORTEST_SECONDS, LONGEST_SECONDS = 60, 30 * 86_400
_HAS_STATUS = {
    HoldStatus.ACTIVE: Q(status=HoldStatus.ACTIVE, expires_at__gt=CurrentMoment()),
    HoldStatus.CAPTURED: Q(status=HoldStatus.CAPTURED),
    HoldStatus.VOIDED: Q(status=HoldStatus.VOIDED),
    HoldStatus.EXPIRED: Q(status=HoldStatus.EXPIRED)
    | Q(status=HoldStatus.ACTIVE, expires_at__lte=CurrentMoment()),
}


def order_hold(
    company: User,
    *,
    payer: uuid.UUID | str,
    amount: str,
    summary: str,
    reference: str | None = None,
    metadata: Mapping[str, str] | None = None,
    expires_in: int,
) -> Order:
    """Order money of a payer's wallet set aside for the company.

    `payer` is the wallet's token, or the text of a pay token, of which it takes a use; `amount` is
    a plain decimal of the company's currency; `expires_in` is in seconds. Raises as `order_charge`.
    """
    target = company_wallet_ref(company)
    held_minor = amount_minor(amount, target.asset_id)
    found = find_payer(company, payer, held_minor, target)
    return refuse_same_or_system_wallet(
        Order(
            Kind.HOLD,
            found.wallet_id,
            target.id,
            held_minor,
            target.asset_id,
            summary=summary,
            actor_id=company.pk,
            paytoken_id=found.paytoken_id,
            hold_id=uuid.uuid4(),
            hold_seconds=expires_in,
            reference=reference,
            metadata=metadata,
        )
    )


def order_increment(company: User, *, hold_id: uuid.UUID, amount: str) -> Order:
    """Order more set aside by a hold of the company's. It extends no time.

    Raises `HoldNotFound`, `InvalidInput`, `AmountNotPositive`. Whether the payer allows it is
    decided with the money.
    """
    hold = _own_hold(company, hold_id)
    asset_id = wallet_ref(hold.company_wallet_id).asset_id
    return _order(Kind.HOLD, hold, company, amount_minor(amount, asset_id))


def order_capture(
    company: User,
    *,
    hold_id: uuid.UUID,
    amount: str | None = None,
    is_final: bool = True,
    splits: Sequence[Split] = (),
) -> Order:
    """Order a part of what is held taken, by default all that remains.

    After one that `is_final` the rest is released. Raises `HoldNotFound`, `InvalidInput`,
    `AmountNotPositive`, and what `check_splits` and `with_splits` do.
    """
    hold = _own_hold(company, hold_id)
    wallet = wallet_ref(hold.company_wallet_id)
    captured_minor = optional_amount_minor(amount, wallet.asset_id)
    order = _order(
        Kind.CAPTURE,
        hold,
        company,
        REMAINING if captured_minor is None else captured_minor,
        is_final=is_final,
    )
    return with_splits(order, check_splits(splits, wallet))


@requires_unit_of_work
def void_hold(
    actor: User, *, hold_id: uuid.UUID, address: str | None, reason: str = ""
) -> tuple[Order, Outcome]:
    """Release all that remains of a hold. What an operator voids is a support action.

    `address` is the caller's IP address; `reason` is why an operator does it. Raises
    `HoldNotFound`, `HoldNotActive`, `HoldExpired`.
    """
    hold = get_hold(hold_id) if actor.role == Role.OPERATOR else _own_hold(actor, hold_id)
    order = _order(Kind.RELEASE, hold, actor, REMAINING)
    outcome = move(order, actor)
    if actor.role == Role.OPERATOR:
        support_actions.record(
            Action.HOLD_VOIDED,
            actor_id=actor.pk,
            subject_kind="wallet",
            subject_id=hold.payer_wallet_id,
            reason=reason,
            result=f"hold {hold.id}",
            address=address,
        )
    return order, outcome


def _order(
    kind: Kind, hold: Hold, actor: User, amount_minor: int, *, is_final: bool | None = None
) -> Order:
    return Order(
        kind,
        hold.payer_wallet_id,
        hold.company_wallet_id,
        amount_minor,
        wallet_ref(hold.company_wallet_id).asset_id,
        summary=hold.summary,
        actor_id=actor.pk,
        hold_id=hold.id,
        is_final=is_final,
        reference=hold.reference,
        metadata=hold.metadata,
    )


def _own_hold(company: User, hold_id: uuid.UUID) -> Hold:
    hold = get_hold(hold_id)
    if wallet_ref(hold.company_wallet_id).owner_id != company.pk:
        raise HoldNotFound
    return hold


def find_hold(caller: User, hold_id: uuid.UUID) -> Hold:
    """Return a hold to its company, its payer or an operator. Raises `HoldNotFound`."""
    hold = get_hold(hold_id)
    owners = {
        wallet_ref(wallet_id).owner_id
        for wallet_id in (hold.payer_wallet_id, hold.company_wallet_id)
    }
    if caller.role != Role.OPERATOR and caller.pk not in owners:
        raise HoldNotFound
    return hold


def holds_of(
    caller: User,
    *,
    limit: int,
    cursor: uuid.UUID | None = None,
    status: str | None = None,
    wallet: uuid.UUID | None = None,
) -> tuple[list[Hold], uuid.UUID | None]:
    """Return a page of the holds that the caller may see, newest first, and the next cursor.

    `wallet` is the token of the payer's or the company's wallet. `cursor` is the id of the last
    hold of the page before; `InvalidInput` for another. Statuses are as `find_hold` shows them.
    """
    visible: QuerySet[Any] = Hold.objects.all()
    if caller.role != Role.OPERATOR:
        own = [each.id for each in wallets_of(caller)]
        visible = visible.filter(Q(payer_wallet_id__in=own) | Q(company_wallet_id__in=own))
    rows = visible
    if wallet is not None:
        rows = rows.filter(Q(payer_wallet_id=wallet) | Q(company_wallet_id=wallet))
    if status is not None:
        rows = rows.filter(_HAS_STATUS[HoldStatus(status)])
    page, next_cursor = newest_page(
        rows.annotate(moment=CurrentMoment()), cursors=visible, limit=limit, cursor=cursor
    )
    for hold in page:
        show_expired(hold, hold.moment)
    return page, next_cursor
