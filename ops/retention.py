"""The deletion of what has expired: tokens, records, counters and the like."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db.models import Model, QuerySet
from django.utils import timezone
from knox.models import AuthToken

from accounts import known_addresses
from core import replica
from core.counters import CounterCache
from core.idempotency import kept_since
from core.models import IdempotencyRecord
from core.unit_of_work import unit_of_work
from ledger.dry_runs import delete_old_refusals
from ledger.failed_attempts import delete_old_attempts
from wallets.models import PayToken

#: How many rows one transaction deletes, so that each one is short.
BATCH_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class Deleted:
    """The numbers of deleted rows."""

    tokens: int
    sessions: int
    addresses: int
    paytokens: int
    records: int
    counters: int
    failed_attempts: int
    dry_refusals: int
    positions: int

    def __str__(self) -> str:
        return (
            f"{self.tokens} tokens, {self.sessions} sessions, {self.addresses} known addresses,"
            f" {self.paytokens} pay tokens, {self.records} idempotency records,"
            f" {self.counters} counters, {self.failed_attempts} lists of failed attempts,"
            f" {self.dry_refusals} lists of refused dry runs, {self.positions} positions"
        )


def delete_expired(*, should_stop: Callable[[], bool] = lambda: False) -> Deleted:
    """Delete what has expired. Stops between two batches once `should_stop()` is true."""
    now = timezone.now()
    counters = caches["counters"]
    return Deleted(
        tokens=_delete(AuthToken.objects.filter(expiry__lt=now), should_stop),
        sessions=_delete(Session.objects.filter(expire_date__lt=now), should_stop),
        addresses=_delete(known_addresses.expired_networks(), should_stop),
        # A replayed creation derives the secret from the row: it stays as long as the record may.
        paytokens=_delete(PayToken.objects.filter(expires_at__lt=kept_since()), should_stop),
        records=_delete(IdempotencyRecord.objects.filter(created_at__lt=kept_since()), should_stop),
        counters=counters.delete_expired() if isinstance(counters, CounterCache) else 0,
        failed_attempts=unit_of_work(delete_old_attempts),
        dry_refusals=unit_of_work(delete_old_refusals),
        positions=replica.delete_idle_positions(),
    )


def _delete(rows: QuerySet[Model], should_stop: Callable[[], bool]) -> int:
    deleted = 0
    while not should_stop():
        keys = rows.values("pk")[:BATCH_ROWS]
        batch, _ = rows.filter(pk__in=keys).delete()
        deleted += batch
        if batch < BATCH_ROWS:
            break
    return deleted
