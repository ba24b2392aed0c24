"""The one error body, and the one place that maps a refusal to an HTTP status."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse

from api.http.renderer import render_json
from core import context
from core.errors import (
    InvalidInput,
    Malformed,
    NotAuthenticated,
    NotFound,
    PayloadTooLarge,
    PermissionDenied,
    RateLimited,
    Refusal,
    RuleBroken,
    StateConflict,
    Unavailable,
)
from core.times import rfc3339


class MethodNotAllowed(Refusal):
    code = "method_not_allowed"
    message = "This path does not take that method."


class NotAcceptable(Refusal):
    code = "not_acceptable"
    message = "The answer is JSON; the Accept header refuses that."


class RangeNotSatisfiable(Refusal):
    code = "range_not_satisfiable"
    message = "The file has no such bytes."


class UnsupportedMediaType(Refusal):
    code = "unsupported_media_type"
    message = "The body must be `application/json`."


class BadRequest(Refusal):
    code = "bad_request"
    message = "The request cannot be understood."


class RequestTimeout(Refusal):
    code = "request_timeout"
    message = "The request took too long to arrive; nothing was done. Send it again."


class InternalError(Refusal):
    code = "internal_error"
    message = "Something is wrong on our side. Quote the requestId when you ask us."


FAMILY_STATUS: dict[type[Refusal], HTTPStatus] = {
    RuleBroken: HTTPStatus.BAD_REQUEST,
    Malformed: HTTPStatus.BAD_REQUEST,
    BadRequest: HTTPStatus.BAD_REQUEST,
    RequestTimeout: HTTPStatus.REQUEST_TIMEOUT,
    NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    PermissionDenied: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    NotAcceptable: HTTPStatus.NOT_ACCEPTABLE,
    StateConflict: HTTPStatus.CONFLICT,
    PayloadTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    RangeNotSatisfiable: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    InternalError: HTTPStatus.INTERNAL_SERVER_ERROR,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


#: Python 3.13 renamed these phrases, with RFC 9110. The answers are the same on all versions.
_PHRASES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Request Entity Too Large",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: "Requested Range Not Satisfiable",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Entity",
}


def reason_of(status: HTTPStatus) -> str:
    """Return the reason phrase of a status."""
    return _PHRASES.get(status, status.phrase)


def status_of(refusal: Refusal | type[Refusal]) -> HTTPStatus:
    """Return the status of the refusal's family."""
    kind = refusal if isinstance(refusal, type) else type(refusal)
    return next(FAMILY_STATUS[family] for family in kind.__mro__ if family in FAMILY_STATUS)


def error_body(refusal: Refusal, *, path: str) -> dict[str, Any]:
    """Return the error body of `docs/api.md`, as JSON values."""
    status = status_of(refusal)
    return {
        "statusCode": int(status),
        "timestamp": rfc3339(datetime.now(UTC)),
        "path": path,
        "error": reason_of(status),
        "message": str(refusal),
        "code": refusal.code,
        "details": refusal.details,
        "requestId": context.request_id.get(),
    }


def error_headers(refusal: Refusal) -> dict[str, str]:
    """Return the headers of a refusal: `WWW-Authenticate` or `Retry-After`, if any."""
    if isinstance(refusal, NotAuthenticated):
        return {"WWW-Authenticate": "Token"}
    if isinstance(refusal, RateLimited | Unavailable):
        return {"Retry-After": str(refusal.retry_after_seconds)}
    return {}


def error_response(refusal: Refusal, request: HttpRequest) -> HttpResponse:
    """Return the refusal as an HTTP response."""
    body = render_json(error_body(refusal, path=request.path))
    return HttpResponse(
        body,
        status=status_of(refusal),
        content_type="application/json",
        headers={"Content-Length": str(len(body)), **error_headers(refusal)},
    )
