"""Rate limits per caller, or per address when anonymous; exact over all workers."""

import time
from dataclasses import dataclass, replace
from functools import cache
from math import ceil
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django_ratelimit.core import get_usage
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

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
    """How much of a group's rate is used: `count` of `limit` requests in a window of `seconds`."""

    group: str
    count: int
    limit: int
    seconds: int
    reset_seconds: int


def enforce_rate_limit(request: HttpRequest, *, group: str, subject: str) -> Usage | None:
    """Count one request of `subject` in `group`. Raises `RateLimited` above the group's rate.

    Returns None when rate limits are off.
    """
    rate = settings.RATE_LIMITS[group]
    counted = get_usage(
        request, group=group, key=lambda _group, _request: subject, rate=rate, increment=True
    )
    if counted is None:
        return None
    limit, seconds = _parse_rate(rate)
    usage = Usage(group, counted["count"], limit, seconds, max(1, counted["time_left"]))
    if counted["should_limit"]:
        request.META[_USAGE_KEY] = usage
        metrics.RATE_LIMITED.labels(group).inc()
        raise RateLimited(retry_after_seconds=usage.reset_seconds)
    return usage


def count_attempt(request: HttpRequest, *, door: str, account: str, known: bool) -> None:
    """Count an attempt at an account's password, before any hashing. Raises `RateLimited`.

    Each network has attempts of its own, and those of all networks together are limited too. One
    that is `known` to the account counts only for itself: the guesses of strangers, from however
    many networks, do not keep it out. `door` is one of `login`, `admin_login`, `password`, `code`
    and `reset`; what is tried at one of them counts at no other.
    """
    subject = f"{account} {client_network(request)}"
    enforce_rate_limit(request, group=f"{door}_account_address", subject=subject)
    if not known:
        enforce_rate_limit(request, group=f"{door}_account", subject=account)


def add_rate_limit_headers(request: HttpRequest, response: HttpResponseBase) -> None:
    """Add how much is left of the caller's rate to the answer of a request that was counted.

    The headers are those of the IETF's draft-ietf-httpapi-ratelimit-headers.
    """
    usage: Usage | None = request.META.get(_USAGE_KEY)
    if usage is not None:
        left = max(0, usage.limit - usage.count)
        response["RateLimit-Policy"] = f'"{usage.group}";q={usage.limit};w={usage.seconds}'
        response["RateLimit"] = f'"{usage.group}";r={left};t={usage.reset_seconds}'


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
        usage = enforce_rate_limit(request._request, group=group, subject=subject)
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
