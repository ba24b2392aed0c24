"""From a token to its user."""

from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.crypto import hash_token
from knox.models import AuthToken
from rest_framework.request import Request

from accounts.models import User
from accounts.token_expiry import prolong
from api.http.rate_limits import InvalidTokenLimit
from core import replica
from core.connections.fixed_query import FixedQuery
from core.errors import InvalidToken, NotAuthenticated

_invalid_tokens = InvalidTokenLimit("invalid_tokens")
_VALID = (
    "JOIN knox_authtoken ON knox_authtoken.user_id = accounts_user.id"
    " LEFT JOIN accounts_ownlimits ON accounts_ownlimits.user_id = accounts_user.id"
    " WHERE digest = %s AND expiry > now() AND is_active"
)
_FOUND = ("created", "expiry", "writes", "reads")
_SESSION = FixedQuery(User, _VALID, extra=_FOUND)
_SESSION_WITH_POSITION = FixedQuery(User, _VALID, extra=(*_FOUND, replica.RECORDED_POSITION))
#: What may stand before a token.
SCHEMES = ("token", "bearer")


def caller_of(request: Request) -> User:
    """Return the user whose token came with the request; only for views that require one."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


def sent_token(request: Request) -> tuple[str, str]:
    """Return the scheme and the token's digest; an empty scheme when nothing was sent."""
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return scheme.lower(), hash_token(token.strip(" \t")) if scheme else ""


class TokenAuthentication(KnoxAuthentication):  # type: ignore[misc]
    """`Authorization: Token <t>` or `Bearer <t>`: knox's hashed tokens, found by their digest.

    One query. An expired token is refused here and deleted by `clean_up`, not in passing.
    Tokens that are not valid are counted per address, and limited.
    """

    def authenticate(self, request: Request) -> tuple[User, AuthToken] | None:
        scheme, digest = sent_token(request)
        if not scheme:
            return None
        _invalid_tokens.require_unblocked(request._request, digest)
        try:
            if scheme not in SCHEMES:
                raise InvalidToken
            session = _find(digest)
        except InvalidToken:
            _invalid_tokens.record_invalid(request._request)
            raise
        _invalid_tokens.record_valid(digest)
        prolong(session[1])
        return session

    def authenticate_header(self, request: Request) -> str:
        return "Token"


def _find(digest: str) -> tuple[User, AuthToken]:
    """Return the user and the row of a token. Raises `InvalidToken`."""
    found = (_SESSION_WITH_POSITION if replica.is_configured() else _SESSION).first_with_extra(
        digest
    )
    if found is None:
        raise InvalidToken
    user, (created, expiry, writes, reads, *position) = found
    own = {"writes": writes, "reads": reads}
    user.requests_a_minute = {group: count for group, count in own.items() if count is not None}
    token = AuthToken(digest=digest, user=user, created=created, expiry=expiry)
    if position:
        [token.position] = position
    return user, token
