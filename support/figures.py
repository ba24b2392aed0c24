"""The figures of the dashboard, each at a bounded cost.

They read the last 24 hours alone, by a range of ids, under a short `statement_timeout`; what took
too long is None, and the others are there. Each process keeps them for a minute, and an hour that
is over, which does not change any more, for a day: so only the first look reads all 24.
"""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from django.core.cache import cache
from django.db import OperationalError
from django.db.models import Count
from django.utils import timezone
from psycopg.errors import QueryCanceled

from accounts.models import Company, Role, User
from commerce.models import AdjustmentRequest, Decision
from core.unit_of_work import snapshot
from intake.status import processor_status
from ledger.history import first_id_at
from ledger.models import Verification
from ledger.trial_balance import TrialBalanceTimeout, trial_balance
from support.transaction_search import REQUEST_LASTS
from wallets.models import Wallet

Result = TypeVar("Result")
HOURS = 24
FRESH_SECONDS = 60
#: Sums over all merchants, and over all of the ledger, are told with their age.
SLOW_SECONDS = 300
QUERY_MS = 5_000
WEIGH_MS = 2_000
MERCHANTS = 8
_HOUR = timedelta(hours=1)
_lock = threading.Lock()


@dataclass(slots=True)
class Hour:
    """What happened in an hour: how many, and how much in minor units, by (asset, kind)."""

    start: datetime
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    volumes: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: Attempts that failed, by code.
    refusals: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Merchant:
    """What a company took in the last 24 hours, in minor units."""

    company_id: uuid.UUID
    name: str
    charges: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Books:
    """Whether the ledger was in balance when it was last weighed, and what a verification said.

    `off` are the assets that were not; None when weighing took too long for a page. `verified` is
    the last complete verification, which recomputes every wallet; None before the first.
    """

    weighed_at: datetime
    off: list[str] | None
    verified: Verification | None

    @property
    def is_wrong(self) -> bool:
        found = self.verified is not None and (
            self.verified.findings or self.verified.unbalanced_assets
        )
        return bool(self.off or found)


def hours() -> list[Hour] | None:
    """Return the last 24 hours, the oldest first; the last one is not over."""
    return _kept("hours", FRESH_SECONDS, lambda: _in_time(_hours))


def merchants(symbol: str) -> list[Merchant] | None:
    """Return the companies that took most of an asset in the last 24 hours, the first one first."""
    return _kept(f"merchants_{symbol}", SLOW_SECONDS, lambda: _in_time(lambda: _merchants(symbol)))


def books() -> Books:
    """Return whether the ledger is in balance, weighed within the last minutes."""
    return _kept("books", SLOW_SECONDS, _books)


def queue() -> dict[str, Any] | None:
    """Return what `/processor/status` tells."""
    return _kept("queue", FRESH_SECONDS // 2, lambda: _in_time(processor_status))


def sign_ups() -> dict[str, int]:
    """Return how many clients and companies have come in the last 24 hours."""
    return _kept("sign_ups", FRESH_SECONDS, _sign_ups)


def pending_adjustments() -> int:
    """Return how many adjustments wait for a second operator."""
    return AdjustmentRequest.objects.filter(
        status=Decision.PENDING, expires_at__gt=timezone.now()
    ).count()


def _kept(name: str, seconds: int, compute: Callable[[], Result]) -> Result:
    """Return what is in the cache, or compute it: ten operators at once ask the database once."""
    key = f"dashboard_{name}"
    missing = object()
    found = cache.get(key, missing)
    if found is missing:
        with _lock:
            found = cache.get(key, missing)
            if found is missing:
                found = compute()
                cache.set(key, found, seconds)
    return cast(Result, found)


def _in_time(ask: Callable[[], Result]) -> Result | None:
    """Return the answer, or None when a statement took too long."""
    try:
        return ask()
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            return None
        raise


def _hours() -> list[Hour]:
    now = timezone.now()
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    starts = [this_hour - _HOUR * back for back in reversed(range(HOURS))]
    known = {start: hour for start in starts if (hour := cache.get(_hour_key(start)))}
    missing = [start for start in starts if start not in known]
    # This hour is always missing, so there is a first one.
    read = _read_hours(missing[0], missing)
    for hour in read.values():
        # What began in it may still commit for a while.
        if hour.start + _HOUR + REQUEST_LASTS <= now:
            cache.set(_hour_key(hour.start), hour, (_HOUR * (HOURS + 1)).total_seconds())
    return [known.get(start) or read[start] for start in starts]


def _hour_key(start: datetime) -> str:
    return f"dashboard_hour_{start:%Y%m%d%H}"


def _read_hours(since: datetime, wanted: Sequence[datetime]) -> dict[datetime, Hour]:
    hours = {start: Hour(start) for start in wanted}
    rows = _ask(
        """
        SELECT date_bin('1 hour', created_at, 'epoch') AS hour, asset_id, kind, failure_code,
               count(*), sum(amount_minor)
          FROM ledger_transaction
         WHERE id >= %s
         GROUP BY 1, 2, 3, 4
        """,
        [first_id_at(since)],
    )
    for start, symbol, kind, failure, count, amount_minor in rows:
        hour = hours.get(start)
        if hour is None:
            continue
        if failure is not None:
            hour.refusals[failure] += count
            continue
        hour.counts[symbol, kind] += count
        hour.volumes[symbol, kind] += int(amount_minor)
    return hours


def _merchants(symbol: str) -> list[Merchant]:
    rows = _ask(
        """
        SELECT target_id, count(*), sum(amount_minor)
          FROM ledger_transaction
         WHERE id >= %s AND kind = 'charge' AND failure_code IS NULL AND asset_id = %s
         GROUP BY target_id
         ORDER BY sum(amount_minor) DESC, target_id LIMIT %s
        """,
        [first_id_at(timezone.now() - _HOUR * HOURS), symbol, MERCHANTS],
    )
    owners = dict(
        Wallet.objects.filter(pk__in=[wallet for wallet, *_ in rows]).values_list("pk", "owner_id")
    )
    names = dict(Company.objects.filter(pk__in=owners.values()).values_list("pk", "name"))
    return [
        Merchant(owners[wallet], names.get(owners[wallet], "erased"), count, int(amount_minor))
        for wallet, count, amount_minor in rows
    ]


def _books() -> Books:
    now = timezone.now()
    verified = Verification.objects.order_by("-pk").first()
    try:
        lines = trial_balance(timeout_ms=WEIGH_MS)
    except TrialBalanceTimeout:
        return Books(now, None, verified)
    return Books(now, [line.symbol for line in lines if line.difference_minor], verified)


def _sign_ups() -> dict[str, int]:
    recent = User.objects.filter(created_at__gte=timezone.now() - _HOUR * HOURS)
    counted = dict(recent.values_list("role").annotate(count=Count("pk")).order_by())
    return {role: counted.get(role, 0) for role in (Role.CLIENT, Role.COMPANY)}


def _ask(statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with snapshot() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {QUERY_MS:d}")
        cursor.execute("SET LOCAL jit = off")  # compiling takes longer than it saves here
        cursor.execute(statement, values)
        return list(cursor.fetchall())
