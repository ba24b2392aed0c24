"""Tokens end when they are old and, if it is set, when nobody uses them.

The column `expiry` holds the earlier of the two. A use moves it, seldom enough that it costs next
to nothing, and never past the token's absolute end.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from knox.models import AuthToken
from knox.settings import knox_settings

#: A use within so much of the last recorded one is not recorded.
_SELDOM = timedelta(minutes=1)


def first_expiry() -> timedelta:
    """Return how long a new token lives if nobody uses it."""
    lifetime: timedelta = knox_settings.TOKEN_TTL
    return min(lifetime, settings.TOKEN_IDLE or lifetime)


def prolong(token: AuthToken) -> None:
    """Record that a token was used, at most once a minute."""
    idle = settings.TOKEN_IDLE
    if idle is None:
        return
    end: datetime = token.created + knox_settings.TOKEN_TTL
    expiry = min(timezone.now() + idle, end)
    if expiry - token.expiry >= min(_SELDOM, idle / 10):
        # Where it is still as it was read: of several uses at once, one is enough.
        AuthToken.objects.filter(pk=token.pk, expiry=token.expiry).update(expiry=expiry)
