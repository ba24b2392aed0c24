"""What has outlived its days: tokens, sessions, idempotency's answers, counters, positions."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db.models import Model, QuerySet
from django.utils import timezone
from knox.models import AuthToken

from core import replica
from core.counters import CounterCache
from core.models import IdempotencyRecord

#: So many rows go at a time, each time in a transaction of its own, which is soon over.
BATCH_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class Deleted:
    """How many rows went."""

    tokens: int
    sessions: int
    records: int
    counters: int
    positions: int

    def __str__(self) -> str:
        return (
            f"{self.tokens} tokens, {self.sessions} sessions, {self.records} idempotency records,"
            f" {self.counters} counters, {self.positions} positions"
        )


def delete_expired(*, is_over: Callable[[], bool] = lambda: False) -> Deleted:
    """Delete what has expired. Breaks off between two batches once `is_over` says so."""
    now = timezone.now()
    kept_since = now - timedelta(days=settings.IDEMPOTENCY_DAYS)
    counters = caches["counters"]
    return Deleted(
        tokens=_delete(AuthToken.objects.filter(expiry__lt=now), is_over),
        sessions=_delete(Session.objects.filter(expire_date__lt=now), is_over),
        records=_delete(IdempotencyRecord.objects.filter(created_at__lt=kept_since), is_over),
        counters=counters.delete_expired() if isinstance(counters, CounterCache) else 0,
        positions=replica.delete_idle_positions(),
    )


def _delete(rows: QuerySet[Model], is_over: Callable[[], bool]) -> int:
    deleted = 0
    while not is_over():
        keys = rows.values("pk")[:BATCH_ROWS]
        batch, _ = rows.model._default_manager.filter(pk__in=keys).delete()
        deleted += batch
        if batch < BATCH_ROWS:
            break
    return deleted
