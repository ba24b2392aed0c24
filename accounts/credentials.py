"""The check of an email address and a password, for the API and for the admin."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from accounts.models import User


def find_by_credentials(email: str, password: str) -> User | None:
    """Return the account with this address, in canonical form, and this password, or None.

    An erased account is none. Takes the same time for a wrong password and an unknown address.
    """
    user = User.objects.filter(email=email, is_active=True).first()
    # Without an account, as many hashes as with one that has no password: see `check_password`.
    return user if (user or User()).check_password(password) else None


class CredentialsBackend(ModelBackend):
    """The log-in to Django's own pages, the admin's among them."""

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        if username is None or password is None:
            return None
        return find_by_credentials(username, password)
