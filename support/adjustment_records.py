"""Adjustments that two operators decide: what waits, of which wallets, asked by whom."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from commerce.models import AdjustmentRequest, Decision
from support.payment_records import ROWS_SHOWN

#: For how long whoever asked sees what became of it.
SHOWN_FOR = timedelta(days=7)


def waiting() -> QuerySet[AdjustmentRequest]:
    """Return the adjustments that somebody may decide about now, the newest first."""
    undecided = AdjustmentRequest.objects.filter(
        status=Decision.PENDING, expires_at__gt=timezone.now()
    )
    return _shown(undecided)


def to_decide(operator: User) -> QuerySet[AdjustmentRequest]:
    """Return those that wait for this operator: whoever asked does not decide."""
    return waiting().exclude(requester=operator)


def asked_by(operator: User) -> QuerySet[AdjustmentRequest]:
    """Return what the operator asked for of late, decided or not."""
    since = timezone.now() - SHOWN_FOR
    asked = AdjustmentRequest.objects.filter(requester=operator, created_at__gte=since)
    return _shown(asked)


def of_wallets(wallet_ids: Sequence[uuid.UUID]) -> QuerySet[AdjustmentRequest]:
    """Return the newest adjustments of these wallets that two decided or are to decide."""
    return _shown(AdjustmentRequest.objects.filter(wallet__in=wallet_ids))[:ROWS_SHOWN]


def _shown(requests: QuerySet[AdjustmentRequest]) -> QuerySet[AdjustmentRequest]:
    """Return them with what the tables show, the newest first."""
    return requests.select_related("wallet__owner", "requester", "decider").order_by("-pk")
