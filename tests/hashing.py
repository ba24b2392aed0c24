"""Password hashes in tests: cached, and counted instead of timed."""

from functools import cache

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, make_password


@cache
def hashed(password: str) -> str:
    """Return the stored form of the password, hashed once for all tests."""
    return make_password(password)


def count_hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets an item for each hash from now on. The hasher still works."""
    calls: list[str] = []
    encode, verify = Argon2PasswordHasher.encode, Argon2PasswordHasher.verify

    def counted_encode(self: Argon2PasswordHasher, password: str, salt: str) -> str:
        calls.append("encode")
        return encode(self, password, salt)

    def counted_verify(self: Argon2PasswordHasher, password: str, encoded: str) -> bool:
        calls.append("verify")
        return verify(self, password, encoded)

    monkeypatch.setattr(Argon2PasswordHasher, "encode", counted_encode)
    monkeypatch.setattr(Argon2PasswordHasher, "verify", counted_verify)
    return calls
