"""The network addresses that got an account's password right in the last month.

Each has log-in attempts of its own: guesses from elsewhere do not keep the account's owner out. The
database knows an address by a keyed digest only.
"""

import hashlib
import hmac
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet

from accounts.models import KnownAddress, User
from core.database_time import CurrentMoment
from core.unit_of_work import requires_unit_of_work

KNOWN_FOR = timedelta(days=30)


def is_known_network(*, account: str, network: str) -> bool:
    """Whether this network got the password of the account (its email address) right.

    One query, also for an account that does not exist.
    """
    digests = [
        _digest(key, account, network)
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]
    return KnownAddress.objects.filter(
        digest__in=digests, right_at__gt=CurrentMoment() - KNOWN_FOR
    ).exists()


@requires_unit_of_work
def record_network(user: User, network: str) -> None:
    """Record that this network has just got the user's password right."""
    known = KnownAddress(
        digest=_digest(settings.SECRET_KEY, user.email, network),
        user=user,
        right_at=CurrentMoment(),
    )
    KnownAddress.objects.bulk_create(
        [known],
        update_conflicts=True,
        unique_fields=["digest"],
        update_fields=["user", "right_at"],
    )


@requires_unit_of_work
def forget_networks(user: User) -> None:
    """Forget every address of the user: the password that they knew is no longer the password."""
    KnownAddress.objects.filter(user=user).delete()


def expired_networks() -> QuerySet[KnownAddress]:
    """Return what no longer counts."""
    return KnownAddress.objects.filter(right_at__lte=CurrentMoment() - KNOWN_FOR)


def _digest(key: str, account: str, network: str) -> bytes:
    subkey = hmac.digest(key.encode(), b"known address", hashlib.sha256)
    return hmac.digest(subkey, f"{account} {network}".encode(), hashlib.sha256)
