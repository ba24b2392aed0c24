"""How old a session of the admin may get."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.http.response import HttpResponseBase

SINCE = "support.session_age.since"


class SessionAgeMiddleware:
    """Ends a session so many hours after it began, however busy it is.

    That nobody uses it ends it earlier: Django's `SESSION_COOKIE_AGE`, which each request renews.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Whoever brings no cookie has no session, and is asked for none.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and SESSION_KEY in request.session:
            now = int(time.time())
            since = request.session.setdefault(SINCE, now)
            if now - since >= settings.SESSION_HOURS * 3_600:
                request.session.flush()
        return self.get_response(request)
