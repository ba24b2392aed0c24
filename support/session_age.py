"""The maximum age of an admin session."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.http.response import HttpResponseBase

STARTED_AT = "support.session_age.since"


class SessionAgeMiddleware:
    """Ends a session `SESSION_HOURS` after it began, even when it is in use.

    An idle session ends earlier, by Django's `SESSION_COOKIE_AGE`, which each request renews.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Without the cookie there is no session, and reading one would cost a query.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and SESSION_KEY in request.session:
            now = int(time.time())
            started_at = request.session.setdefault(STARTED_AT, now)
            if now - started_at >= settings.SESSION_HOURS * 3_600:
                request.session.flush()
        return self.get_response(request)
