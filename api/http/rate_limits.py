"""Rate limits per caller, or per address when anonymous; exact over all workers."""

import time
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from math import ceil
from typing import Any
from zlib import crc32

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.known_addresses import is_known_network
from api.http.client_address import client_network
from core import metrics
from core.errors import RateLimited

#: The key of `request.META` under which the `Usage` for the answer's headers is kept.
_USAGE_KEY = "api.http.rate_limits.usage"
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
#: The most entries in each cache of a process; a full cache is emptied.
_MAX_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of a group's rate is used: `count` of `limit` requests in a window of `seconds`.

    `counter` is the key of the window's counter.
    """

    group: str
    count: int
    limit: int
    seconds: int
    reset_seconds: int
    counter: str

    @property
    def left(self) -> int:
        """How many requests are left in the window."""
        return max(0, self.limit - self.count)


def enforce_rate_limit(
    request: HttpRequest, *, group: str, subject: str, rate: str | None = None
) -> Usage | None:
    """Count one request of `subject` in `group`. Raises `RateLimited` above the rate.

    `rate` is the group's by default. Returns None when rate limits are off.
    """
    if not settings.RATELIMIT_ENABLE:
        return None
    limit, seconds = _parse_rate(rate or settings.RATE_LIMITS[group])
    now = int(time.time())
    # Else the windows of all callers would end in the same second.
    ends = now + seconds - (now - crc32(subject.encode())) % seconds
    # Hashed: a subject may be an email address.
    counter = sha256(f"{group} {subject} {seconds} {ends}".encode()).hexdigest()
    usage = Usage(group, limit, limit, seconds, ends - now, counter)
    count = _count(usage, 1)
    if count is None:
        request.META[_USAGE_KEY] = usage
        metrics.RATE_LIMITED.labels(group).inc()
        raise RateLimited(retry_after_seconds=usage.reset_seconds)
    return replace(usage, count=count)


def count_items(request: Request, items: int) -> None:
    """Count each item of a batch as a request; the first one was counted as the request itself.

    Raises `RateLimited` for a batch that would pass the limit. Then only the request has counted.
    """
    usage: Usage | None = request._request.META.get(_USAGE_KEY)
    if usage is None or items == 1:
        return
    count = _count(usage, items - 1)
    if count is not None:
        request._request.META[_USAGE_KEY] = replace(usage, count=count)
        return
    metrics.RATE_LIMITED.labels(usage.group).inc()
    is_too_large = items > usage.limit
    raise RateLimited(
        f"Larger than the limit of {usage.seconds} seconds: send it in parts."
        if is_too_large
        else "This batch would pass the limit: wait, then send it again, or send it in parts.",
        retry_after_seconds=usage.reset_seconds,
        items=items,
        limit=usage.limit,
        left=usage.left,
    )


def _count(usage: Usage, requests: int) -> int | None:
    """Add to the window's counter and return the sum, or None where that would pass the limit."""
    if requests > usage.limit:
        return None
    # A little longer than the window: the clocks of hosts differ.
    counted: int | None = caches["counters"].add_up_to(  # type: ignore[attr-defined]
        usage.counter, requests, most=usage.limit, timeout=usage.seconds + 5
    )
    return counted


def count_password_attempt(request: HttpRequest, *, where: str, account: str) -> None:
    """Count an attempt by the email address `account`, as `count_attempt` does."""
    known = is_known_network(account=account, network=client_network(request))
    count_attempt(request, where=where, account=account, known=known)


def count_attempt(request: HttpRequest, *, where: str, account: str, known: bool) -> None:
    """Count an attempt at an account's password, before any hashing. Raises `RateLimited`.

    Each network has attempts of its own, and those of all networks together are limited too. One
    that is `known` to the account counts only for itself: the guesses of strangers, from however
    many networks, do not keep it out. `where` is one of `login`, `admin_login`, `password`, `code`
    and `reset`; what is tried at one of them counts at no other.
    """
    limits = {f"{where}_account_address": f"{account} {client_network(request)}"}
    if not known:
        limits[f"{where}_account"] = account
    for group, subject in limits.items():
        usage = enforce_rate_limit(request, group=group, subject=subject)
        shown: Usage | None = request.META.get(_USAGE_KEY)
        # Of several limits the answer's headers show the one of which least is left.
        if usage is not None and (shown is None or usage.left < shown.left):
            request.META[_USAGE_KEY] = usage


def add_rate_limit_headers(request: HttpRequest, response: HttpResponseBase) -> None:
    """Add how much is left of the caller's rate to the answer of a request that was counted.

    The headers are those of the IETF's draft-ietf-httpapi-ratelimit-headers.
    """
    usage: Usage | None = request.META.get(_USAGE_KEY)
    if usage is not None:
        response["RateLimit-Policy"] = f'"{usage.group}";q={usage.limit};w={usage.seconds}'
        response["RateLimit"] = f'"{usage.group}";r={usage.left};t={usage.reset_seconds}'


class CallerThrottle(BaseThrottle):
    """Counts every call: GET and HEAD in the group `reads`, all other methods in `writes`.

    A view names another group as `rate_limit_group`. A platform's calls are not counted.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        if getattr(request.user, "is_platform", False):
            return True
        default = "reads" if request.method in ("GET", "HEAD") else "writes"
        group = getattr(view, "rate_limit_group", default)
        caller = getattr(request.user, "pk", None)
        subject = _address_subject(request._request) if caller is None else str(caller)
        own = getattr(request.user, "requests_a_minute", {}).get(group)
        usage = enforce_rate_limit(
            request._request, group=group, subject=subject, rate=own and f"{own}/m"
        )
        request._request.META[_USAGE_KEY] = usage
        return True


class InvalidTokenLimit:
    """Limits how many invalid tokens an address may send; valid ones are not counted.

    Invalid tokens are counted over all processes. Each process keeps a list of the addresses that
    are over the limit. Until the window ends it refuses their tokens without looking them up,
    except those that it knows to be valid: other callers behind the same address keep working.
    """

    def __init__(self, group: str) -> None:
        self._group = group
        self._blocked: dict[str, tuple[float, Usage]] = {}
        self._valid: dict[str, None] = {}

    def require_unblocked(self, request: HttpRequest, digest: str) -> None:
        """Raise `RateLimited` if the address is over the limit. `digest`: the token's."""
        if not self._blocked or digest in self._valid:
            return
        subject = _address_subject(request)
        blocked = self._blocked.get(subject)
        if blocked is None:
            return
        until, usage = blocked
        seconds = ceil(until - time.monotonic())
        if seconds <= 0:
            self._blocked.pop(subject, None)
            return
        request.META[_USAGE_KEY] = replace(usage, reset_seconds=seconds)
        metrics.RATE_LIMITED.labels(usage.group).inc()
        raise RateLimited(retry_after_seconds=seconds)

    def record_valid(self, digest: str) -> None:
        """Allow this token even from an address that is over the limit."""
        if len(self._valid) >= _MAX_ENTRIES:
            self._valid.clear()
        self._valid[digest] = None

    def record_invalid(self, request: HttpRequest) -> None:
        """Count an invalid token. Raises `RateLimited` above the group's rate."""
        # A cached caller may have been counted: their usage must not go to the sender of this one.
        request.META.pop(_USAGE_KEY, None)
        subject = _address_subject(request)
        try:
            enforce_rate_limit(request, group=self._group, subject=subject)
        except RateLimited as refusal:
            if len(self._blocked) >= _MAX_ENTRIES:
                self._blocked.clear()
            until = time.monotonic() + refusal.retry_after_seconds
            self._blocked[subject] = (until, request.META[_USAGE_KEY])
            raise


def _address_subject(request: HttpRequest) -> str:
    return f"address {client_network(request)}"


@cache
def _parse_rate(rate: str) -> tuple[int, int]:
    """Return how many requests in how many seconds: `5/10m` is `(5, 600)`."""
    count, _, period = rate.partition("/")
    return int(count), int(period[:-1] or 1) * _SECONDS[period[-1]]
