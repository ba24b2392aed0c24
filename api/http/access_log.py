"""What is kept of each request once it is answered: a figure, and a line in the log."""

import logging
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import SimpleLazyObject

from core import metrics

logger = logging.getLogger(__name__)

#: Stands for whatever no route answers: an unknown path, a preflight, a static file.
NO_ROUTE = "(none)"


def observe(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    """Count the request and log one line: who called what, and how it ended.

    Of the URL only the route's pattern: paths and query strings hold tokens and personal data.
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
    """Return whose token or session it was, if anybody has looked. Asks no database."""
    # Django keeps here whom a session belongs to; the REST framework puts its user on the request.
    user: Any = getattr(request, "_cached_user", None) or getattr(request, "user", None)
    if user is None or type(user) is SimpleLazyObject or user.pk is None:
        return None
    return str(user.pk)
