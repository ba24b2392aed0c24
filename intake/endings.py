"""What ends a queued transaction for good, besides its last attempt."""

import uuid
from collections.abc import Iterable

from django.db.models import F
from django.db.models.functions import Now

from accounts.models import User
from commerce.customers import remove_customer
from core.unit_of_work import requires_unit_of_work
from intake.models import READY, RETRYING, ProcessorState, QueuedTransaction, QueueStatus
from wallets.models import Status, Wallet

#: The `error_code` of what could not be paid because its customer was deleted.
CUSTOMER_LEFT = "customer_left"


@requires_unit_of_work
def remove_customer_and_queued(customer: User, *, actor: User) -> None:
    """Remove a customer, and fail for good what is queued of their money.

    Raises what `commerce.customers.remove_customer` does; then what is queued stays as it is.
    """
    # The user, the queue, the wallets: the order of locks of the whole service. This waits for a
    # chunk that is running one of them.
    User.objects.select_for_update(no_key=True).get(pk=customer.pk)
    waiting = _lock_queued_of(customer)
    remove_customer(customer, actor=actor)
    ended = QueuedTransaction.objects.filter(pk__in=waiting).update(
        status=QueueStatus.FAILED,
        is_failed=True,
        error_code=CUSTOMER_LEFT,
        next_attempt_at=None,
        updated_at=Now(),
    )
    if ended:
        ProcessorState.objects.filter(pk=1).update(failed=F("failed") + ended)


def _lock_queued_of(customer: User) -> list[uuid.UUID]:
    """Lock what waits in the queue, by the ids as a chunk does, and return the ids."""
    # Two reads, each with the condition of an index: the queue keeps what has ended for ever.
    ids = [
        queued
        for condition in (READY, RETRYING)
        for queued in QueuedTransaction.objects.filter(
            condition, customer_id=customer.pk
        ).values_list("pk", flat=True)
    ]
    still_waiting = QueuedTransaction.objects.filter(pk__in=ids, status=QueueStatus.PENDING)
    locked = still_waiting.order_by("pk").select_for_update(no_key=True)
    return list(locked.values_list("pk", flat=True))


def closed_among(wallet_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the wallets that are closed, which is for good."""
    asked = set(wallet_ids)
    if not asked:
        return set()
    closed = Wallet.objects.filter(pk__in=asked, status=Status.CLOSED)
    return set(closed.values_list("pk", flat=True))
