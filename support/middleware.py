"""Middleware for the admin only. The API has neither sessions nor messages.

Nine of ten calls are API calls, which skip these classes.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest
from django_otp import middleware as otp

from support import session_age

#: The path of the admin, to which the session cookie is limited.
_PATH = settings.SESSION_COOKIE_PATH


class _AdminOnly:
    """Skips requests outside the admin; its next base class handles the others."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(_PATH):
            return super().__call__(request)  # type: ignore[misc]
        return self.get_response(request)


class SessionMiddleware(_AdminOnly, sessions.SessionMiddleware):
    """Django's."""


class SessionAgeMiddleware(_AdminOnly, session_age.SessionAgeMiddleware):
    """Ends sessions that are too old."""


class AuthenticationMiddleware(_AdminOnly, auth.AuthenticationMiddleware):
    """Django's."""


class OTPMiddleware(_AdminOnly, otp.OTPMiddleware):  # type: ignore[misc]
    """django-otp's."""


class MessageMiddleware(_AdminOnly, messages.MessageMiddleware):
    """Django's."""
