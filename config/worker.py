"""The gunicorn worker: threads, and JSON also about requests that never reach Django."""

import socket
import uuid
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors as http_errors
from gunicorn.workers.gthread import ThreadWorker

from core import context
from core.errors import Refusal
from core.http.errors import BadRequest, InternalError, error_body, reason_of, status_of
from core.http.renderer import render_json

# What is malformed in any other way is a 400.
STATUS_OF: dict[type[BaseException], HTTPStatus] = {
    http_errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    http_errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    http_errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    http_errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}
# gunicorn calls these parse errors too, but they are not the sender's fault.
OUR_FAULT = (
    http_errors.ConfigurationProblem,
    http_errors.InvalidResponseHeader,
    http_errors.InvalidResponseHeaderName,
)


KEY_HEADER = "IDEMPOTENCY-KEY"


class MalformedRequest(BadRequest):
    code = "malformed_request"
    message = "What arrived is not an HTTP request that this server takes."


class JSONThreadWorker(ThreadWorker):
    """gunicorn's threads, with the API's error body in place of an HTML page."""

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Serve a request in which an idempotency key that was sent twice stands once.

        WSGI would join the two with a comma, and make a third key of them. Two different ones
        become an empty one, which is refused as no key at all.
        """
        keys = {value for name, value in req.headers if name == KEY_HEADER}
        if keys:
            rest = [header for header in req.headers if header[0] != KEY_HEADER]
            req.headers = [*rest, (KEY_HEADER, keys.pop() if len(keys) == 1 else "")]
        return super().handle_request(req, conn)  # type: ignore[no-untyped-call]

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answer and log what gunicorn itself refuses, or what broke outside Django."""
        request_id = str(uuid.uuid4())
        if isinstance(exc, http_errors.ParseException) and not isinstance(exc, OUR_FAULT):
            refusal: Refusal = MalformedRequest()
            # Not its text, which quotes what was sent, perhaps a token.
            reason = type(exc).__name__
            self.log.info("Malformed request %s from %s: %s", request_id, addr, reason)
        else:
            refusal = InternalError()
            self.log.error("Request %s from %s broke", request_id, addr, exc_info=exc)
        # Some errors know the request as far as it could be read.
        path = getattr(req or getattr(exc, "req", None), "path", None) or ""
        status = STATUS_OF.get(type(exc), status_of(refusal))
        try:
            client.sendall(_response(refusal, status, path, request_id))
        except OSError:
            self.log.debug("Nobody took the answer to request %s", request_id)


def _response(refusal: Refusal, status: HTTPStatus, path: str, request_id: str) -> bytes:
    token = context.request_id.set(request_id)
    try:
        body = error_body(refusal, path=path)
    finally:
        context.request_id.reset(token)
    content = render_json(body | {"statusCode": int(status), "error": reason_of(status)})
    head = (
        f"HTTP/1.1 {int(status)} {reason_of(status)}\r\n"
        "Connection: close\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n"
        f"X-Request-ID: {request_id}\r\n"
        "\r\n"
    )
    return head.encode("ascii") + content
