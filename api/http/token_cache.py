"""Callers who are known from an earlier call: no query before the one that matters (ADR 15).

Whose a token is never changes; whether it is still good does, at any moment. So a cached caller is
unverified: before anything is answered, the database is asked about the token. A statement that
moves money or reads a wallet does it in passing, by the digest; everything else by `verify_token`,
which `api.http.idempotency.respond_once` calls.
"""

import time
from collections.abc import Container
from dataclasses import dataclass
from http import HTTPStatus
from threading import Lock
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, InterfaceError
from knox.models import AuthToken
from rest_framework.request import Request

from accounts.models import User
from accounts.own_limits import limits_changed_for
from api.http.authentication import SCHEMES, TokenAuthentication, sent_token
from api.http.views import ApiView
from core import replica
from core.errors import NotAuthenticated, Refusal, Unavailable

#: So many callers are kept before all are forgotten.
_KEPT = 10_000
#: By the digests of their tokens.
_callers: dict[str, User] = {}
#: How long a process may go on with rate limits of a caller that an operator has changed.
_LIMITS_KEPT_SECONDS = 1.0
_limits_known_at = time.monotonic()
_looking_for_limits = Lock()
_authentication = TokenAuthentication()


@dataclass(frozen=True, slots=True)
class _UnverifiedToken:
    """In the place of a cached caller's token: its digest, by which the database knows it."""

    digest: str


class CachedCallerView(ApiView):
    """A view that takes the caller from the cache.

    Each of its methods verifies the token before it answers. A caller who is refused for
    another reason gets a 401 first if the token has died.
    """

    def perform_authentication(self, request: Request) -> None:
        use_cached_caller(request)
        super().perform_authentication(request)
        cache_caller(request)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        if response.status_code < HTTPStatus.BAD_REQUEST and unverified_digest(request) is not None:
            raise RuntimeError("Nobody asked the database about the caller's token.")
        return super().finalize_response(request, response, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Any:
        # Not when the database is away, nor when it is not known what became of the money.
        if not isinstance(exc, Unavailable | DatabaseError | InterfaceError):
            try:
                verify_token(self.request)
            except (Refusal, DatabaseError, InterfaceError) as refusal:
                exc = refusal
        return super().handle_exception(exc)


def use_cached_caller(request: Request) -> None:
    """Take the caller for who sent the same token to this process before, if somebody did."""
    _forget_changed_limits()
    scheme, digest = sent_token(request)
    caller = _callers.get(digest)
    # Where tokens end when nobody uses them, each use is looked at. A read that may go to the
    # replica needs the caller's position, which comes with the token.
    if (
        caller is not None
        and scheme in SCHEMES
        and settings.TOKEN_IDLE is None
        and not (request.method == "GET" and replica.is_configured())
    ):
        request.user, request.auth = caller, _UnverifiedToken(digest)
        # Without it, refusing the caller's role would look the token up, past `verify_token`.
        request._authenticator = _authentication  # type: ignore[attr-defined]


def cache_caller(request: Request) -> None:
    """Keep whose token it is, now that the database was asked."""
    if isinstance(request.auth, AuthToken) and isinstance(request.user, User):
        if len(_callers) >= _KEPT:
            _callers.clear()
        _callers[request.auth.digest] = request.user


def forget_callers(user_ids: Container[UUID]) -> None:
    """Ask the database again about accounts of which something has changed."""
    for digest, caller in list(_callers.items()):
        if caller.pk in user_ids:
            _callers.pop(digest, None)


def _forget_changed_limits() -> None:
    """Forget whose rate limits were changed, by this process or another.

    One thread of a process looks, once a second.
    """
    global _limits_known_at  # noqa: PLW0603 (under the lock)
    now = time.monotonic()
    if now - _limits_known_at < _LIMITS_KEPT_SECONDS or not settings.RATELIMIT_ENABLE:
        return
    if not _looking_for_limits.acquire(blocking=False):
        return
    try:
        changed = limits_changed_for(now - _limits_known_at)
        _limits_known_at = now
    finally:
        _looking_for_limits.release()
    if changed:
        forget_callers(changed)


def unverified_digest(request: Request) -> str | None:
    """Return the digest of a token that the database has not been asked about; else None."""
    # Not `auth`: of a caller who was refused it makes another attempt.
    token = getattr(request, "_auth", None)
    return token.digest if isinstance(token, _UnverifiedToken) else None


def mark_verified(request: Request) -> None:
    """Note that a statement has asked the database about the token in passing."""
    request.auth = None


def verify_token(request: Request) -> None:
    """Ask the database about the token, unless that was done. Raises `InvalidToken`."""
    digest = unverified_digest(request)
    if digest is None:
        return
    # Nobody, until the database says who: a second look would count as a second guess.
    request.user, request.auth = AnonymousUser(), None
    _callers.pop(digest, None)
    session = _authentication.authenticate(request)
    if session is None:
        raise NotAuthenticated
    request.user, request.auth = session
    cache_caller(request)
