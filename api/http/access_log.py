"""Records each request once it is answered: metrics, and a line in the log."""

import logging
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import SimpleLazyObject

from core import metrics

logger = logging.getLogger(__name__)

#: The route of a request that no route answers: an unknown path, a preflight, a static file.
NO_ROUTE = "(none)"


def observe(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    """Count the request and log one line with its caller, route, status and duration.

    Of the URL only the route's pattern is logged: paths and query strings hold tokens and personal
    data.
    """
    route = route_of(request)
    method = request.method or ""
    metrics.count_request(route, method, response.status_code, seconds)
    if logger.isEnabledFor(logging.INFO):
        milliseconds = round(seconds * 1_000, 1)
        logger.info(
            "%s %s %s in %s ms",
            method,
            route,
            response.status_code,
            milliseconds,
            extra={
                "method": method,
                "route": route,
                "status": response.status_code,
                "duration_ms": milliseconds,
                "user_id": _user_id(request),
            },
        )


def route_of(request: HttpRequest) -> str:
    """Return the pattern of the route that answers, such as `wallet/info/<id:token>`."""
    match = request.resolver_match
    return NO_ROUTE if match is None else match.route


def _user_id(request: HttpRequest) -> str | None:
    """Return the id of the user, if the token or session was looked up. Makes no query."""
    # Django sets `_cached_user` for a session; REST framework sets `user` on the Django request.
    user: Any = getattr(request, "_cached_user", None) or getattr(request, "user", None)
    if user is None or type(user) is SimpleLazyObject or user.pk is None:
        return None
    return str(user.pk)
