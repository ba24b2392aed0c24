"""Callers who are known from an earlier call: no query before the one that matters (ADR 15).

Whose a token is never changes; whether it is still good does, at any moment. So a recalled caller
is nobody yet: whatever comes of the call, the database is asked about the token first. What moves
money does it in passing (`ledger.post_once`), everything else by `confirm`.
"""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from knox.models import AuthToken
from rest_framework.request import Request

from accounts.models import User
from api.http.authentication import SCHEMES, TokenAuthentication, sent_token
from core.errors import NotAuthenticated

#: So many callers are remembered before all are forgotten.
_REMEMBERED = 10_000
#: By the digests of their tokens.
_callers: dict[str, User] = {}
_authentication = TokenAuthentication()


@dataclass(frozen=True, slots=True)
class _UnverifiedToken:
    """In the place of a recalled caller's token: its digest, by which the database knows it."""

    digest: str


def use_cached_caller(request: Request) -> None:
    """Take the caller for who sent the same token before, if somebody did to this process."""
    scheme, digest = sent_token(request)
    caller = _callers.get(digest)
    # Where tokens end when nobody uses them, each use is looked at.
    if caller is not None and scheme in SCHEMES and settings.TOKEN_IDLE is None:
        request.user, request.auth = caller, _UnverifiedToken(digest)
        # Without it, refusing the caller's role would look the token up, past `confirm`.
        request._authenticator = _authentication  # type: ignore[attr-defined]


def cache_caller(request: Request) -> None:
    """Keep whose token it is, now that it was looked up."""
    if isinstance(request.auth, AuthToken) and isinstance(request.user, User):
        if len(_callers) >= _REMEMBERED:
            _callers.clear()
        _callers[request.auth.digest] = request.user


def unverified_digest(request: Request) -> str | None:
    """Return the digest of the token that nobody has asked the database about, if so it is."""
    # Not `auth`: of a caller who was refused it makes another attempt.
    token = getattr(request, "_auth", None)
    return token.digest if isinstance(token, _UnverifiedToken) else None


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
