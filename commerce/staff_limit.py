"""What one of the staff moves without a second person, in the admin and by the API: a limit.

It counts over all wallets of an asset, in and out alike, over 24 hours.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from accounts import support_actions
from accounts.models import Action, User
from commerce.models import LoneAdjustment
from commerce.movements import move, move_group
from core.errors import PermissionDenied, Refusal
from core.money import to_major
from core.unit_of_work import requires_unit_of_work
from ledger.history import first_id_at
from ledger.orders import Order, Outcome
from wallets.assets import get_asset, is_system_wallet

#: How far back what somebody moved alone counts towards the limit.
COUNTED = timedelta(hours=24)


class ApprovalNeeded(PermissionDenied):
    """`details` has the `limit`, and what is `left` of it now, both in major units."""

    code = "approval_needed"
    message = "That is above what one of the staff may move alone: ask for it in the admin."


@dataclass(frozen=True, slots=True)
class Allowance:
    """What somebody may still move alone of an asset, in its major units."""

    limit: Decimal
    left: Decimal

    def covers(self, amount_minor: int, symbol: str) -> bool:
        """Whether this amount of the asset may be moved alone."""
        return to_major(amount_minor, decimals=get_asset(symbol).decimals) <= self.left


@requires_unit_of_work
def lock_allowance(operator: User, symbol: str) -> Allowance:
    """Return what is left to the operator. It stays the truth until the unit of work ends.

    Two movements at once that are within it each, and together are not, follow each other here,
    whichever wallets they are of. The user before the wallets: the order of locks.
    """
    User.objects.select_for_update(no_key=True).get(pk=operator.pk)
    return allowance_of(operator, symbol)


def allowance_of(operator: User, symbol: str) -> Allowance:
    """Return what is left to the operator just now; `lock_allowance` returns what stays left."""
    of_late = LoneAdjustment.objects.filter(
        operator=operator,
        asset_id=symbol,
        transaction_id__gte=first_id_at(timezone.now() - COUNTED),
    )
    moved_minor = int(of_late.aggregate(sum=Sum("amount_minor"))["sum"] or 0)
    decimals = get_asset(symbol).decimals
    nothing = to_major(0, decimals=decimals)
    # The sum is shown with the asset's decimals at least.
    limit = settings.ADJUSTMENT_LIMIT + nothing
    return Allowance(limit, max(limit - to_major(moved_minor, decimals=decimals), nothing))


@requires_unit_of_work
def move_alone(order: Order, operator: User) -> Outcome:
    """Carry out what one of the staff ordered, and count it. Raises as `move` does.

    The caller has locked the allowance, and it covers the order.
    """
    outcome = move(order, operator)
    _count([(order, outcome)], operator)
    return outcome


def _count(moved: Sequence[tuple[Order, Outcome]], operator: User) -> None:
    LoneAdjustment.objects.bulk_create(
        LoneAdjustment(
            transaction_id=outcome.transaction_id,
            operator=operator,
            asset_id=order.asset_id,
            amount_minor=order.amount_minor,
        )
        for order, outcome in moved
    )


@requires_unit_of_work
def move_by_api(order: Order, operator: User, *, address: str | None) -> Outcome:
    """Carry out what one of the staff ordered by the API: a support action, from the IP `address`.

    An attempt that failed is one, too. Raises `ApprovalNeeded`, when nothing is on record, and what
    `move` does.
    """
    _require_allowance([order], operator)
    with _recorded_refusal(lambda: order, operator, address):
        outcome = move_alone(order, operator)
    _record(Action.MOVE, order, operator, f"transaction {outcome.transaction_id}", address)
    return outcome


@requires_unit_of_work
def move_group_by_api(
    orders: Sequence[Order],
    operator: User,
    *,
    details: Callable[[int], dict[str, int]],
    address: str | None,
) -> list[Outcome]:
    """Carry out a group that one of the staff ordered by the API, as `move_by_api` does an order.

    Of each asset the sum of the group has to be within the limit. Raises as `move_group` does.
    """
    _require_allowance(orders, operator)
    failed = orders[0]

    def told(place: int) -> dict[str, int]:
        nonlocal failed
        failed = orders[place]
        return details(place)

    with _recorded_refusal(lambda: failed, operator, address):
        outcomes = move_group(orders, operator, details=told)
    moved = list(zip(orders, outcomes, strict=True))
    _count(moved, operator)
    for order, outcome in moved:
        _record(Action.MOVE, order, operator, f"transaction {outcome.transaction_id}", address)
    return outcomes


def _require_allowance(orders: Sequence[Order], operator: User) -> None:
    sums: Counter[str] = Counter()
    for order in orders:
        sums[order.asset_id] += order.amount_minor
    for symbol, sum_minor in sums.items():
        allowance = lock_allowance(operator, symbol)
        if not allowance.covers(sum_minor, symbol):
            raise ApprovalNeeded(limit=allowance.limit, left=allowance.left)


@contextmanager
def _recorded_refusal(
    failed: Callable[[], Order], operator: User, address: str | None
) -> Iterator[None]:
    """Put the order that failed on record, if the refusal is."""
    try:
        yield
    except Refusal as refusal:
        if refusal.recorded:
            _record(Action.MOVE_REFUSED, failed(), operator, str(refusal), address)
        raise


def _record(action: Action, order: Order, operator: User, result: str, address: str | None) -> None:
    is_out = is_system_wallet(order.target_id, order.asset_id)
    is_in = is_system_wallet(order.source_id, order.asset_id)
    amount = to_major(order.amount_minor, decimals=get_asset(order.asset_id).decimals)
    did = "put in" if is_in else "took out" if is_out else "moved"
    what = f"{order.kind.label}: {did} {amount:,f} {order.asset_id}"
    separator = ": " if action == Action.MOVE_REFUSED else ", "
    support_actions.record(
        action,
        actor_id=operator.pk,
        subject_kind="wallet",
        subject_id=order.target_id if is_in else order.source_id,
        reason=order.summary,
        result=f"{what}{separator}{result}",
        address=address,
    )
