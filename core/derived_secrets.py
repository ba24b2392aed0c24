"""Secrets that an answer shows once: derived from a row and the secret key, never stored.

A row keeps a salt and the digest of its secret. The service's role reads both from the database and
still cannot make the secret without the key; with the key, a repeated answer shows it again.
"""

import base64
import hashlib
import hmac
import secrets
import uuid

from django.conf import settings

SALT_BYTES = 16


def new_salt() -> bytes:
    """Return the salt of a new row."""
    return secrets.token_bytes(SALT_BYTES)


def derive(prefix: str, row_id: uuid.UUID, salt: bytes) -> str:
    """Return a new row's secret: the prefix and 43 characters of URL-safe base64."""
    return _derived(settings.SECRET_KEY, prefix, row_id, salt)


def derive_again(prefix: str, row_id: uuid.UUID, salt: bytes, digest: bytes) -> str | None:
    """Return the secret that has this digest, or None.

    None: it was made with a secret key that is no longer among the fallbacks.
    """
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        secret = _derived(key, prefix, row_id, salt)
        if hmac.compare_digest(digest_of(secret), digest):
            return secret
    return None


def digest_of(secret: str) -> bytes:
    """Return the 32 bytes by which the database knows the secret.

    No salt and no slow hash: nobody can guess 256 bits.
    """
    return hashlib.sha256(secret.encode()).digest()


def _derived(key: str, prefix: str, row_id: uuid.UUID, salt: bytes) -> str:
    subkey = hmac.digest(key.encode(), f"derived secret {prefix}".encode(), hashlib.sha256)
    made = hmac.digest(subkey, row_id.bytes + salt, hashlib.sha256)
    return prefix + base64.urlsafe_b64encode(made).decode().rstrip("=")
