"""A client's connection: its incomplete request, its answer, and what is still to be sent."""

import math
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from enum import Enum, auto
from typing import Any, Final

from django.conf import settings
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.errors import ParseException
from gunicorn.http.message import Request

from config.incoming import Incoming, ReceivedBytes, ReceivedRequest

#: A thread sends when it has made this much of an answer.
PART_BYTES: Final = 64 * 1024
_NOTHING = ReceivedRequest(b"", is_whole=True)
_KEY_HEADER = "IDEMPOTENCY-KEY"
#: `SO_LINGER`: closing discards what is not sent, and resets the connection.
_DISCARD_ON_CLOSE = struct.pack("ii", 1, 0)


class MissingHost(ParseException):
    """An HTTP/1.1 request without Host, which RFC 9112 has every server refuse."""

    def __str__(self) -> str:
        return "The Host is missing"


class Stage(Enum):
    """What the main loop waits for on a connection."""

    SILENT = auto()  # The first byte of a request.
    HEAD = auto()  # The rest of its head.
    BODY = auto()  # The rest of its body.
    SENDING = auto()  # That the client takes what is left over of its answer.
    CLOSING = auto()  # That the client closes the connection.


class Connection:
    """A connection. Either the main loop has it, or one thread."""

    def __init__(self, config: Config, sock: socket.socket, client: Any, server: Any) -> None:
        self.sock = sock
        self.client = client
        self.stage = Stage.SILENT
        #: When the main loop stops waiting (`time.monotonic`).
        self.deadline = math.inf
        self.incoming = Incoming(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        #: What the worker has counted of `incoming`.
        self.counted_bytes = 0
        #: The request that the answer is for.
        self.received = _NOTHING
        self.is_broken = False
        self.is_closed = False
        #: What the main loop calls when what it waits for happens.
        self.on_event: Callable[[Connection], None] | None = None
        self.keeps_alive = False
        #: When the whole answer has to be sent, and how much was sent in the present period.
        self.answer_deadline = math.inf
        self.taken_bytes = 0
        #: How much more is discarded before the connection is closed.
        self.linger_bytes = 0
        self._config = config
        self._server = server
        #: gunicorn's `Request`, as soon as its head is parsed.
        self.request: Any = None
        self._response: Any = None
        self._parts: Iterator[bytes] | None = None
        self._close_body: Callable[[], None] | None = None
        self._outbox = bytearray()

    @property
    def is_silent(self) -> bool:
        """Whether the client owes nothing and is owed nothing."""
        return self.stage is Stage.SILENT

    @property
    def has_unsent(self) -> bool:
        """Whether the client has not taken yet what was made of its answer."""
        return bool(self._outbox)

    @property
    def has_more(self) -> bool:
        """Whether more of the answer is to be made."""
        return self._parts is not None

    # --- The request and its answer ---------------------------------------------------------

    def start_answer(
        self, application: Callable[..., Iterable[bytes]], *, keeps_alive: bool
    ) -> None:
        """Parse the request and call the application; `make_answer` takes what it answers.

        Raises gunicorn's parse errors, `MissingHost`, and why the request is incomplete.
        """
        received = self.received
        source = ReceivedBytes(received.data, received.at_end)
        request: Any = Request(self._config, source, self.client)  # type: ignore[no-untyped-call]
        self.request = request
        if received.is_refused:
            raise received.at_end
        _check_headers(request)
        # The body has come already, or will not be read.
        request._expected_100_continue = False
        response, environ = wsgi.create(  # type: ignore[no-untyped-call]
            request, self, self.client, self._server, self._config
        )
        environ["wsgi.multithread"] = True
        if not keeps_alive or not received.is_whole:
            response.force_close()
        self._response = response
        self.answer_deadline = time.monotonic() + settings.ANSWER_TIMEOUT_MS / 1000
        body = application(environ, response.start_response)
        self.received = replace(received, data=b"")
        if not source.finish(request.body) or environ.get("wallet.body_is_broken"):
            # Where the next request begins is not certain.
            response.force_close()
        self._parts = iter(body)
        self._close_body = getattr(body, "close", None)

    def make_answer(self) -> None:
        """Make the answer, as long as the client takes it at once."""
        while self._parts is not None and not self.is_broken:
            for part in self._parts:
                self._response.write(part)
                if len(self._outbox) >= PART_BYTES:
                    break
            else:
                self._response.close()
                self.keeps_alive = not self._response.should_close()
                self._end_body()
            self.send()
            if self._outbox:
                return

    def refuse(self) -> bool:
        """Prepare for an error in place of the answer; return whether that is still possible."""
        headers_sent = self._response is not None and self._response.headers_sent
        self.keeps_alive = False
        with suppress(Exception):
            self._end_body()
        return not headers_sent

    def _end_body(self) -> None:
        close, self._close_body, self._parts = self._close_body, None, None
        if close is not None:
            close()

    # --- The socket -------------------------------------------------------------------------

    def sendall(self, data: bytes) -> None:
        """Put data into the outbox: gunicorn takes the connection for its socket."""
        self._outbox += data

    def send(self) -> None:
        """Send what the client takes without waiting. `is_broken` is set when it is gone."""
        try:
            while self._outbox:
                sent = self.sock.send(self._outbox)
                self.taken_bytes += sent
                del self._outbox[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self.is_broken = True

    def begin_request(self) -> None:
        """Forget the last request and its answer."""
        self.received = _NOTHING
        self.request = None
        self.answer_deadline = math.inf
        self._response = None
        self.keeps_alive = False

    def close(self) -> None:
        """Close the connection, with what is not sent or not made yet."""
        self.is_closed = True
        with suppress(OSError):
            if self._outbox or self._parts is not None or self.is_broken:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DISCARD_ON_CLOSE)
        with suppress(Exception):
            self._end_body()
        with suppress(OSError):
            self.sock.close()


def _check_headers(request: Any) -> None:
    """Refuse a request without Host, and merge repeated Idempotency-Key headers.

    WSGI would join two keys with a comma into a third one. Two equal keys become one; two different
    ones become an empty key, which is refused as invalid.
    """
    names = [name for name, _ in request.headers]
    if request.version >= (1, 1) and "HOST" not in names:
        raise MissingHost
    if _KEY_HEADER in names:
        keys = {value for name, value in request.headers if name == _KEY_HEADER}
        rest = [header for header in request.headers if header[0] != _KEY_HEADER]
        request.headers = [*rest, (_KEY_HEADER, keys.pop() if len(keys) == 1 else "")]
