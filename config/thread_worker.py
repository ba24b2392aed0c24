"""The gunicorn worker: threads with request timeouts, and JSON errors for unparsable requests."""

import math
import socket
import time
import uuid
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from django.conf import settings
from gunicorn.http import errors as http_errors
from gunicorn.http import get_parser
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import ThreadWorker

from api.http.errors import (
    BadRequest,
    InternalError,
    RequestTimeout,
    error_body,
    reason_of,
    status_of,
)
from api.http.renderer import render_json
from core import context
from core.errors import Refusal

# The statuses of parse errors; all others are a 400.
STATUS_OF_ERROR: dict[type[BaseException], HTTPStatus] = {
    http_errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    http_errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    http_errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    http_errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}
# Subclasses of gunicorn's ParseException that are errors of the server.
SERVER_ERRORS = (
    http_errors.ConfigurationProblem,
    http_errors.InvalidResponseHeader,
    http_errors.InvalidResponseHeaderName,
)


KEY_HEADER = "IDEMPOTENCY-KEY"

#: Before it closes a connection, the server discards what the client still sends, for this long and
#: up to this size, so that the client can read the last response.
LINGER_SECONDS = 2.0
LINGER_BYTES = 64 * 1024


class MalformedRequest(BadRequest):
    code = "malformed_request"
    message = "What arrived is not an HTTP request that this server takes."


class DeadlineUnreader(SocketUnreader):
    """Reads from a connection until a deadline, however slowly the data arrive."""

    _deadline = math.inf

    def set_timeout(self, seconds: float) -> None:
        """Set the deadline for all further reads."""
        self._deadline = time.monotonic() + seconds

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return the next data. Raises `RequestTimeout` after the deadline."""
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise RequestTimeout
        previous = self.sock.gettimeout()
        # gunicorn sets a timeout of its own while it discards a body.
        limits = [
            limit for limit in (previous, remaining) if limit is not None and limit != math.inf
        ]
        self.sock.settimeout(min(limits, default=None))
        try:
            return bytes(super().chunk(size_hint))  # type: ignore[no-untyped-call]
        except TimeoutError:
            if time.monotonic() < self._deadline:
                raise
            raise RequestTimeout from None
        finally:
            self.sock.settimeout(previous)


class JSONThreadWorker(ThreadWorker):
    """gunicorn's thread worker, with the API's error body in place of an HTML page.

    The head and the body of a request have one timeout each, so that incomplete requests do not
    block threads. Idle connections occupy no thread.
    """

    def handle(self, conn: Any) -> Any:
        """Serve the next request of a connection; return whether the connection stays open."""
        if conn.parser is None:
            # As gunicorn does, without TLS and HTTP/2, which end at the proxy.
            conn.parser = get_parser(self.cfg, conn.sock, conn.client)  # type: ignore[no-untyped-call]
            conn.parser.unreader = DeadlineUnreader(conn.sock)  # type: ignore[no-untyped-call]
        conn.parser.unreader.set_timeout(settings.HEAD_TIMEOUT_MS / 1000)
        keeps_alive = super().handle(conn)  # type: ignore[no-untyped-call]
        if not keeps_alive:
            _close_gracefully(conn.sock)
        return keeps_alive

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Serve a request, after merging repeated Idempotency-Key headers.

        WSGI would join two headers with a comma into a third key. Two equal keys become one; two
        different ones become an empty key, which is refused as invalid.
        """
        keys = {value for name, value in req.headers if name == KEY_HEADER}
        if keys:
            rest = [header for header in req.headers if header[0] != KEY_HEADER]
            req.headers = [*rest, (KEY_HEADER, keys.pop() if len(keys) == 1 else "")]
        conn.parser.unreader.set_timeout(settings.BODY_TIMEOUT_MS / 1000)
        keeps_alive = super().handle_request(req, conn)  # type: ignore[no-untyped-call]
        # gunicorn discards an unread rest of the body within its own time limit.
        conn.parser.unreader.set_timeout(math.inf)
        return keeps_alive

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answer and log a request that gunicorn refuses, and an error outside Django."""
        request_id = str(uuid.uuid4())
        if isinstance(exc, http_errors.ParseException) and not isinstance(exc, SERVER_ERRORS):
            refusal: Refusal = MalformedRequest()
            # Not the text of the error, which quotes the request, perhaps a token.
            reason = type(exc).__name__
            self.log.info("Malformed request %s from %s: %s", request_id, addr, reason)
        elif isinstance(exc, RequestTimeout):
            refusal = exc
            self.log.info("Request %s from %s timed out", request_id, addr)
        else:
            refusal = InternalError()
            self.log.error("Request %s from %s failed", request_id, addr, exc_info=exc)
        # Some errors have the part of the request that was parsed.
        path = getattr(req or getattr(exc, "req", None), "path", None) or ""
        status = STATUS_OF_ERROR.get(type(exc), status_of(refusal))
        try:
            client.sendall(_response(refusal, status, path, request_id))
        except OSError:
            self.log.debug("The client of request %s did not read the response", request_id)


def _close_gracefully(sock: socket.socket) -> None:
    """Shut down the sending side and wait shortly for the client to close the connection.

    gunicorn does this too, but in the single thread that accepts connections.
    """
    with suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + LINGER_SECONDS
        discarded = 0
        while discarded < LINGER_BYTES and (remaining := deadline - time.monotonic()) > 0:
            sock.settimeout(remaining)
            if not (data := sock.recv(4096)):
                break
            discarded += len(data)
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RD)


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
