"""The answer to a request that never reaches Django."""

from http import HTTPStatus
from typing import Any

from gunicorn.http import errors as http_errors

from api.http.errors import (
    BadRequest,
    InternalError,
    error_body,
    reason_of,
    status_of,
)
from api.http.renderer import render_json
from api.http.request_ids import request_id
from core import context
from core.errors import Refusal, Unavailable

# The statuses of parse errors; all others are a 400.
_STATUS_OF_ERROR: dict[type[BaseException], HTTPStatus] = {
    http_errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    http_errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    http_errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    http_errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}
# Subclasses of gunicorn's ParseException that are errors of the server.
_SERVER_ERRORS = (
    http_errors.ConfigurationProblem,
    http_errors.InvalidResponseHeader,
    http_errors.InvalidResponseHeaderName,
)


class MalformedRequest(BadRequest):
    code = "malformed_request"
    message = "What arrived is not an HTTP request that this server takes."


def refusal_of(error: Exception) -> Refusal:
    """Return what a caller is told about an error outside Django."""
    if isinstance(error, Refusal):
        return error
    is_request = isinstance(error, http_errors.ParseException)
    if is_request and not isinstance(error, _SERVER_ERRORS):
        return MalformedRequest()
    return InternalError()


def request_id_of(request: Any) -> str:
    """Return the id of a request, of which perhaps only a part was parsed, or nothing (None)."""
    headers = dict(getattr(request, "headers", None) or [])
    return request_id(headers.get("X-REQUEST-ID", ""))


def answer_of(refusal: Refusal, error: Exception, request: Any, identifier: str) -> bytes:
    """Return the whole answer, after which the connection is closed."""
    status = _STATUS_OF_ERROR.get(type(error), status_of(refusal))
    token = context.request_id.set(identifier)
    try:
        body = error_body(refusal, path=getattr(request, "path", None) or "")
    finally:
        context.request_id.reset(token)
    content = render_json(body | {"statusCode": int(status), "error": reason_of(status)})
    head = (
        f"HTTP/1.1 {int(status)} {reason_of(status)}\r\n"
        "Connection: close\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n"
        f"X-Request-ID: {identifier}\r\n"
    )
    if isinstance(refusal, Unavailable):
        head += f"Retry-After: {refusal.retry_after_seconds}\r\n"
    return head.encode("ascii") + b"\r\n" + content
