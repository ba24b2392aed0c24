"""The gunicorn worker: threads, and JSON also about requests that never reach Django."""

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

#: How long a caller may take to read a last answer and to hang up, and how much of what it still
#: sends meanwhile is thrown away.
LINGER_SECONDS = 2.0
LINGER_BYTES = 64 * 1024


class MalformedRequest(BadRequest):
    code = "malformed_request"
    message = "What arrived is not an HTTP request that this server takes."


class PunctualUnreader(SocketUnreader):
    """Reads from a connection until a moment, however little comes at a time."""

    _deadline = math.inf

    def expect_within(self, seconds: float) -> None:
        """Let all that is read from now on arrive within that time."""
        self._deadline = time.monotonic() + seconds

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return what has come, or comes in time. Raises `RequestTimeout`."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise RequestTimeout
        before = self.sock.gettimeout()
        # gunicorn has a limit of its own while it throws a body away.
        limits = [limit for limit in (before, left) if limit is not None and limit != math.inf]
        self.sock.settimeout(min(limits, default=None))
        try:
            return bytes(super().chunk(size_hint))  # type: ignore[no-untyped-call]
        except TimeoutError:
            if time.monotonic() < self._deadline:
                raise
            raise RequestTimeout from None
        finally:
            self.sock.settimeout(before)


class JSONThreadWorker(ThreadWorker):
    """gunicorn's threads, with the API's error body in place of an HTML page.

    A thread waits for the head of a request, and then for its body, for a limited time in all: who
    sends half of one does not keep it. Between requests no thread waits.
    """

    def handle(self, conn: Any) -> Any:
        """Serve what a connection sends next; return whether the connection stays."""
        if conn.parser is None:
            # As gunicorn would, but for TLS and HTTP/2, which end at the proxy.
            conn.parser = get_parser(self.cfg, conn.sock, conn.client)  # type: ignore[no-untyped-call]
            conn.parser.unreader = PunctualUnreader(conn.sock)  # type: ignore[no-untyped-call]
        conn.parser.unreader.expect_within(settings.HEAD_TIMEOUT_MS / 1000)
        stays = super().handle(conn)  # type: ignore[no-untyped-call]
        if not stays:
            _part(conn.sock)
        return stays

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Serve a request in which an idempotency key that was sent twice stands once.

        WSGI would join the two with a comma, and make a third key of them. Two different ones
        become an empty one, which is refused as no key at all.
        """
        keys = {value for name, value in req.headers if name == KEY_HEADER}
        if keys:
            rest = [header for header in req.headers if header[0] != KEY_HEADER]
            req.headers = [*rest, (KEY_HEADER, keys.pop() if len(keys) == 1 else "")]
        conn.parser.unreader.expect_within(settings.BODY_TIMEOUT_MS / 1000)
        stays = super().handle_request(req, conn)  # type: ignore[no-untyped-call]
        # What nobody read of the body is thrown away within gunicorn's own limit.
        conn.parser.unreader.expect_within(math.inf)
        return stays

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answer and log what gunicorn itself refuses, or what broke outside Django."""
        request_id = str(uuid.uuid4())
        if isinstance(exc, http_errors.ParseException) and not isinstance(exc, OUR_FAULT):
            refusal: Refusal = MalformedRequest()
            # Not its text, which quotes what was sent, perhaps a token.
            reason = type(exc).__name__
            self.log.info("Malformed request %s from %s: %s", request_id, addr, reason)
        elif isinstance(exc, RequestTimeout):
            refusal = exc
            self.log.info("Request %s from %s came too slowly", request_id, addr)
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


def _part(sock: socket.socket) -> None:
    """Say that no more will come, and wait a little for the caller to hang up.

    gunicorn does so too, but in the one thread that takes connections: after this it need not wait.
    """
    with suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + LINGER_SECONDS
        thrown_away = 0
        while thrown_away < LINGER_BYTES and (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            if not (data := sock.recv(4096)):
                break
            thrown_away += len(data)
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
