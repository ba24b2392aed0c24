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

#: Where a request keeps what its answer tells of limits.
_TOLD = "api.http.rate_limits.usage"
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
#: So many secrets and addresses are remembered before all are forgotten.
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of a group's rate is used: `count` of `limit` in this window of `seconds`."""

    group: str
    count: int
    limit: int
    seconds: int
    reset_seconds: int


def spend(request: HttpRequest, *, group: str, subject: str) -> Usage | None:
    """Count one request of `subject` in `group`. Raises `RateLimited` above the group's rate.

    Returns None when limits are off.
    """
    rate = settings.RATE_LIMITS[group]
    counted = get_usage(
        request, group=group, key=lambda _group, _request: subject, rate=rate, increment=True
    )
    if counted is None:
        return None
    limit, seconds = _quota(rate)
    usage = Usage(group, counted["count"], limit, seconds, max(1, counted["time_left"]))
    if counted["should_limit"]:
        request.META[_TOLD] = usage
        metrics.RATE_LIMITED.labels(group).inc()
        raise RateLimited(retry_after_seconds=usage.reset_seconds)
    return usage


def tell_limits(request: HttpRequest, response: HttpResponseBase) -> None:
    """Write how much is left of the caller's rate onto the answer, where it was counted.

    The headers are those of the IETF's draft-ietf-httpapi-ratelimit-headers.
    """
    usage: Usage | None = request.META.get(_TOLD)
    if usage is not None:
        left = max(0, usage.limit - usage.count)
        response["RateLimit-Policy"] = f'"{usage.group}";q={usage.limit};w={usage.seconds}'
        response["RateLimit"] = f'"{usage.group}";r={left};t={usage.reset_seconds}'


class CallerThrottle(BaseThrottle):
    """Counts every call: reads by GET, money writes by the other methods.

    A view names another group as `rate_limit_group`.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        default = "reads" if request.method in ("GET", "HEAD") else "writes"
        group = getattr(view, "rate_limit_group", default)
        caller = getattr(request.user, "pk", None)
        subject = _address_subject(request._request) if caller is None else str(caller)
        request._request.META[_TOLD] = spend(request._request, group=group, subject=subject)
        return True


class GuessLimit:
    """Limits how often an address may send a wrong secret; who sends a right one is not counted.

    Wrong ones are counted over all workers. Each worker remembers which addresses are over the
    limit, and refuses what comes from them unseen until the window ends, except secrets that it
    has seen to be right: a neighbour behind the same address goes on with its work.
    """

    def __init__(self, group: str) -> None:
        self._group = group
        self._blocked: dict[str, tuple[float, Usage]] = {}
        self._right: dict[str, None] = {}

    def require_free(self, request: HttpRequest, secret: str) -> None:
        """Raise `RateLimited` for a secret that must not even be looked up. `secret`: a digest."""
        if not self._blocked or secret in self._right:
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
        request.META[_TOLD] = replace(usage, reset_seconds=seconds)
        metrics.RATE_LIMITED.labels(usage.group).inc()
        raise RateLimited(retry_after_seconds=seconds)

    def was_right(self, secret: str) -> None:
        """Let this secret be looked up, whatever else comes from its address."""
        if len(self._right) >= _REMEMBERED:
            self._right.clear()
        self._right[secret] = None

    def was_wrong(self, request: HttpRequest) -> None:
        """Count a wrong secret. Raises `RateLimited` above the group's rate."""
        # What was told of a caller's limit is not for whoever sent this.
        request.META.pop(_TOLD, None)
        subject = _address_subject(request)
        try:
            spend(request, group=self._group, subject=subject)
        except RateLimited as refusal:
            if len(self._blocked) >= _REMEMBERED:
                self._blocked.clear()
            until = time.monotonic() + refusal.retry_after_seconds
            self._blocked[subject] = (until, request.META[_TOLD])
            raise


def _address_subject(request: HttpRequest) -> str:
    return f"address {client_network(request)}"


@cache
def _quota(rate: str) -> tuple[int, int]:
    """Return how many in how many seconds: `5/10m` is `(5, 600)`."""
    count, _, time_ = rate.partition("/")
    return int(count), int(time_[:-1] or 1) * _SECONDS[time_[-1]]
