"""Expiry of tokens: after their lifetime and, if configured, after a time without use.

The column `expiry` holds the earlier of the two. A use moves it, at most once a minute, so that it
costs next to nothing, and never past the token's lifetime.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from knox.models import AuthToken
from knox.settings import knox_settings

#: A use is not recorded when the last recorded one was less than this ago.
_MIN_INTERVAL = timedelta(minutes=1)


def initial_lifetime() -> timedelta:
    """Return how long a new token is valid if it is not used."""
    lifetime: timedelta = knox_settings.TOKEN_TTL
    return min(lifetime, settings.TOKEN_IDLE or lifetime)


def prolong(token: AuthToken) -> None:
    """Record that a token was used, at most once a minute."""
    idle = settings.TOKEN_IDLE
    if idle is None:
        return
    end: datetime = token.created + knox_settings.TOKEN_TTL
    expiry = min(timezone.now() + idle, end)
    if expiry - token.expiry >= min(_MIN_INTERVAL, idle / 10):
        # Only where the expiry is still the one that was read: one of several uses is enough.
        AuthToken.objects.filter(pk=token.pk, expiry=token.expiry).update(expiry=expiry)
