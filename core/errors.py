"""Refusals: what the service says no with.

A refusal has a stable `code` for programs, a sentence for a person and `details` as data.
It knows its family, not HTTP: `api.http.exception_handler` maps a family to a status.
Each room defines the refusals of its own rules beside those rules.
"""

from typing import Any, ClassVar


class Refusal(Exception):
    """A documented no. `details` is an object of JSON values."""

    code: ClassVar[str]
    message: ClassVar[str]
    #: True: decided by the money's own transaction. It commits (a failed attempt is on record)
    #: and a repeat under the same idempotency key is answered the same.
    recorded: ClassVar[bool] = False

    def __init__(self, message: str | None = None, **details: Any) -> None:
        super().__init__(message or self.message)
        self.details: dict[str, Any] = details


class RuleBroken(Refusal):
    """The request is well-formed and breaks a rule of money."""

    recorded = True


class NotAuthenticated(Refusal):
    code = "not_authenticated"
    message = "This call needs a token: send `Authorization: Token <token>`."


class InvalidToken(NotAuthenticated):
    code = "invalid_token"
    message = "The token is not valid: unknown, expired or logged out."


class PermissionDenied(Refusal):
    code = "permission_denied"
    message = "This account may not do that."


class NotFound(Refusal):
    code = "not_found"
    message = "There is no such thing here."


class StateConflict(Refusal):
    """The request is right in itself and the present state does not allow it."""

    recorded = True


class InvalidInput(Refusal):
    """`details` maps a field to the list of reasons why it is wrong."""

    code = "validation_error"
    message = "The request is not valid: see `details`."

    def __init__(self, reasons: dict[str, list[str]]) -> None:
        super().__init__()
        self.details = dict(reasons)


class Malformed(Refusal):
    code = "malformed_json"
    message = "The body is not the JSON that this call takes."


class PayloadTooLarge(Refusal):
    code = "payload_too_large"
    message = "The body is over 1 MB."


class RateLimited(Refusal):
    code = "rate_limited"
    message = "Too many requests: wait, then send it again."

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(retryAfterSeconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(Refusal):
    code = "unavailable"
    message = "The service cannot do that right now; nothing was committed. Send it again."
    retry_after_seconds: ClassVar[int] = 1


class CommitUnknown(Unavailable):
    """The connection broke while the commit was under way."""

    message = (
        "The connection to the database broke during the commit: whether it happened is not known."
        " Send it again under the same idempotency key, or look before you send it without one."
    )
