"""The figures of the dashboard, each at a bounded cost.

The queries read only the last 24 hours, by a range of ids, under a short `statement_timeout`. A
figure whose query times out is None; the others are still returned. Each process caches them for a
minute, and a past hour, which no longer changes, for a day: only the first page reads all 24 hours.
"""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from django.core.cache import cache
from django.db import OperationalError
from django.db.models import Count
from django.utils import timezone
from psycopg.errors import QueryCanceled

from accounts.models import Company, Role, User
from core.unit_of_work import snapshot
from intake.status import processor_status
from ledger.history import first_id_at
from ledger.models import Verification
from ledger.trial_balance import TrialBalanceTimeout, trial_balance
from support.transaction_search import MAX_REQUEST_DURATION
from wallets.models import Purpose, Wallet

Result = TypeVar("Result")
HOURS = 24
CACHE_SECONDS = 60
#: For sums over all merchants and over the whole ledger; the page shows their age.
SLOW_CACHE_SECONDS = 300
QUERY_TIMEOUT_MS = 5_000
TRIAL_BALANCE_TIMEOUT_MS = 2_000
MERCHANTS_SHOWN = 8
_HOUR = timedelta(hours=1)
_lock = threading.Lock()


@dataclass(slots=True)
class Hour:
    """The transactions of an hour: counts and amounts in minor units, by (asset, kind)."""

    start: datetime
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    volumes: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: Attempts that failed, by code.
    refusals: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Merchant:
    """The charges and captures of a company in the last 24 hours, in minor units."""

    company_id: uuid.UUID
    name: str
    charges: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Held:
    """The active holds of an asset, without those that have expired, in minor units."""

    holds: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Books:
    """The result of the last trial balance and of the last verification.

    `unbalanced_assets` and `fees_minor` are None when the trial balance timed out. `verification`
    is the last complete one, which recomputes every wallet; None before the first.
    """

    checked_at: datetime
    unbalanced_assets: list[str] | None
    verification: Verification | None
    #: What companies have paid in fees, less what they got back, in all, by asset.
    fees_minor: Mapping[str, int] | None

    @property
    def has_findings(self) -> bool:
        verification_failed = self.verification is not None and (
            self.verification.findings or self.verification.unbalanced_assets
        )
        return bool(self.unbalanced_assets or verification_failed)


def hours() -> list[Hour] | None:
    """Return the last 24 hours, the oldest first; the last one is the current hour."""
    return _cached("hours", CACHE_SECONDS, lambda: _none_on_timeout(_hours))


def merchants(symbol: str) -> list[Merchant] | None:
    """Return the companies with the largest charges of an asset in the last 24 hours, in order."""
    return _cached(
        f"merchants_{symbol}",
        SLOW_CACHE_SECONDS,
        lambda: _none_on_timeout(lambda: _merchants(symbol)),
    )


def books() -> Books:
    """Return the state of the ledger, checked within the last minutes."""
    return _cached("books", SLOW_CACHE_SECONDS, _books)


def held() -> dict[str, Held] | None:
    """Return what is held at the moment, by asset. Assets of which nothing is held are left out."""
    return _cached("held", CACHE_SECONDS, lambda: _none_on_timeout(_held))


def queue() -> dict[str, Any] | None:
    """Return the body of `/processor/status`."""
    return _cached("queue", CACHE_SECONDS // 2, lambda: _none_on_timeout(processor_status))


def sign_ups() -> dict[str, int]:
    """Return how many clients and companies signed up in the last 24 hours, imports apart."""
    return _cached("sign_ups", CACHE_SECONDS, _sign_ups)


def _cached(name: str, seconds: int, compute: Callable[[], Result]) -> Result:
    """Return the cached value, or compute it. Concurrent requests compute it once per process."""
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


def _none_on_timeout(query: Callable[[], Result]) -> Result | None:
    """Return the result of the query, or None when a statement timed out."""
    try:
        return query()
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            return None
        raise


def _hours() -> list[Hour]:
    now = timezone.now()
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    starts = [this_hour - _HOUR * back for back in reversed(range(HOURS))]
    cached = {start: hour for start in starts if (hour := cache.get(_hour_key(start)))}
    missing = [start for start in starts if start not in cached]
    # The current hour is never cached, so `missing` is not empty.
    read = _read_hours(missing[0], missing)
    for hour in read.values():
        # Requests that began in this hour may commit until MAX_REQUEST_DURATION has passed.
        if hour.start + _HOUR + MAX_REQUEST_DURATION <= now:
            cache.set(_hour_key(hour.start), hour, (_HOUR * (HOURS + 1)).total_seconds())
    return [cached.get(start) or read[start] for start in starts]


def _hour_key(start: datetime) -> str:
    return f"dashboard_hour_{start:%Y%m%d%H}"


def _read_hours(since: datetime, starts: Sequence[datetime]) -> dict[datetime, Hour]:
    hours = {start: Hour(start) for start in starts}
    rows = _query(
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
    rows = _query(
        """
        SELECT target_id, count(*), sum(amount_minor)
          FROM ledger_transaction
         WHERE id >= %s AND kind IN ('charge', 'capture') AND failure_code IS NULL AND asset_id = %s
         GROUP BY target_id
         ORDER BY sum(amount_minor) DESC, target_id LIMIT %s
        """,
        [first_id_at(timezone.now() - _HOUR * HOURS), symbol, MERCHANTS_SHOWN],
    )
    owners = dict(
        Wallet.objects.filter(pk__in=[wallet for wallet, *_ in rows]).values_list("pk", "owner_id")
    )
    names = dict(Company.objects.filter(pk__in=owners.values()).values_list("pk", "name"))
    return [
        Merchant(owners[wallet], names.get(owners[wallet], "erased"), count, int(amount_minor))
        for wallet, count, amount_minor in rows
    ]


def _held() -> dict[str, Held]:
    rows = _query(
        """
        SELECT w.asset_id, count(*), sum(h.amount_minor - h.captured_minor - h.released_minor)
          FROM ledger_hold h
          JOIN wallets_wallet w ON w.id = h.payer_wallet_id
         WHERE h.status = 'active' AND h.expires_at > current_moment()
         GROUP BY w.asset_id
        """,
        [],
    )
    return {symbol: Held(count, int(amount_minor)) for symbol, count, amount_minor in rows}


def _books() -> Books:
    now = timezone.now()
    verification = Verification.objects.order_by("-pk").first()
    try:
        lines = trial_balance(timeout_ms=TRIAL_BALANCE_TIMEOUT_MS)
    except TrialBalanceTimeout:
        return Books(now, None, verification, None)
    return Books(
        now,
        [line.symbol for line in lines if line.difference_minor],
        verification,
        {line.symbol: line.systems_minor.get(Purpose.FEES, 0) for line in lines},
    )


def _sign_ups() -> dict[str, int]:
    recent = User.objects.filter(created_at__gte=timezone.now() - _HOUR * HOURS, is_imported=False)
    counted = dict(recent.values_list("role").annotate(count=Count("pk")).order_by())
    return {role: counted.get(role, 0) for role in (Role.CLIENT, Role.COMPANY)}


def _query(statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with snapshot() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {QUERY_TIMEOUT_MS:d}")
        cursor.execute("SET LOCAL jit = off")  # compiling takes longer than it saves here
        cursor.execute(statement, values)
        return list(cursor.fetchall())
