"""Rate limits per caller, or per address when anonymous; exact over all workers."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from core.errors import RateLimited


def spend(request: HttpRequest, *, group: str, subject: str) -> None:
    """Count one request of `subject` in `group`. Raises `RateLimited` above the group's rate."""
    usage = get_usage(
        request,
        group=group,
        key=lambda _group, _request: subject,
        rate=settings.RATE_LIMITS[group],
        increment=True,
    )
    if usage is not None and usage["should_limit"]:
        raise RateLimited(retry_after_seconds=max(1, usage["time_left"]))


def address_of(request: HttpRequest) -> str:
    """Return the address of the peer. A header that anybody can write does not change it."""
    return str(request.META.get("REMOTE_ADDR", ""))


class CallerThrottle(BaseThrottle):
    """Counts every call: reads by GET, money writes by the other methods.

    A view names another group as `rate_limit_group`.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        default = "reads" if request.method in ("GET", "HEAD") else "writes"
        group = getattr(view, "rate_limit_group", default)
        caller = getattr(request.user, "pk", None)
        subject = f"address {address_of(request._request)}" if caller is None else str(caller)
        spend(request._request, group=group, subject=subject)
        return True
