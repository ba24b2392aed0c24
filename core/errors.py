"""Refusals: the documented errors of the service.

A refusal has a stable `code` for programs, a sentence for people and `details` as data.
It knows nothing of HTTP: `api.http.errors` maps its base class to a status.
Each room defines the refusals of its own rules beside those rules.
"""

from typing import Any, ClassVar


class Refusal(Exception):
    """A documented error. `details` is an object of JSON values."""

    code: ClassVar[str]
    message: ClassVar[str]
    #: True: the unit of work commits although it was refused. With it commit the answer under the
    #: idempotency key, which a repeat gets again, and a failed attempt if the ledger made one.
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
    """The request is valid and the current state does not allow it."""

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

    def __init__(
        self, message: str | None = None, *, retry_after_seconds: int, **details: Any
    ) -> None:
        super().__init__(message, retryAfterSeconds=retry_after_seconds, **details)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(Refusal):
    code = "unavailable"
    message = "The service cannot do that right now; nothing was committed. Send it again."
    retry_after_seconds: ClassVar[int] = 1


class CommitUnknown(Unavailable):
    """The connection broke during the commit."""

    message = (
        "The connection to the database broke during the commit: whether it happened is not known."
        " Send it again under the same idempotency key, or look before you send it without one."
    )
