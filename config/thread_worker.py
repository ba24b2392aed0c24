"""The gunicorn worker: threads make answers; who sends or reads slowly occupies none of them.

The main loop, one thread with a selector, receives requests and sends what answers have left over.
A connection goes to a thread when its request is complete, and again when its client has taken all
that the thread made. Requests and answers have deadlines.
"""

import errno
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.db import connections
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from api.http.errors import InternalError, RequestTimeout
from config.connection import Connection, Stage
from config.incoming import HEAD_BYTES, IncompleteRequest, ReceivedRequest
from config.refused_request import answer_of, refusal_of, request_id_of
from core.errors import Unavailable

#: Deadlines may be kept this much too late.
SWEEP_SECONDS: Final = 0.25
#: An answer must be taken at its least speed in each period of this length.
SPEED_SECONDS: Final = 10
#: Before it closes a connection, the server discards what the client still sends, for this long and
#: up to this size, so that the client can read the last answer.
LINGER_SECONDS: Final = 2.0
LINGER_BYTES: Final = 64 * 1024
#: The same for the rest of a body that is too large. The body's timeout applies to it.
BODY_LINGER_BYTES: Final = 64 * 1024 * 1024
#: All requests of a process together that are incomplete or wait for a thread. Beyond that the
#: large ones are refused.
HELD_BYTES: Final = 32 * 1024 * 1024
#: The kernel keeps this much that it has not sent yet: the rest counts as not taken.
UNSENT_BYTES: Final = 64 * 1024
_RECEIVED_BYTES: Final = 64 * 1024
_NOT_ACCEPTED = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED)
_NO_FILES_LEFT = (errno.EMFILE, errno.ENFILE)


class JSONThreadWorker(ThreadWorker):
    """gunicorn's thread worker, with a loop that waits for clients and errors in JSON.

    HTTP/1 only: TLS and HTTP/2 end at the proxy.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        #: Made by gunicorn before its loop begins.
        self.poller: selectors.BaseSelector
        #: The connections that wait for their client, in the selector.
        self._waiting: set[Connection] = set()
        self._held_bytes = 0
        self._next_sweep = 0.0

    # --- The main loop ----------------------------------------------------------------------

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection, in place of the longest silent one when there are too many."""
        if self.nr_conns >= self.worker_connections - 1:
            self._drop_one()
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno in _NO_FILES_LEFT:
                self._drop_one()
            elif error.errno not in _NOT_ACCEPTED:
                raise
            return
        self.nr_conns += 1
        sock.setblocking(False)
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        conn = Connection(self.cfg, sock, client, listener.getsockname())
        conn.deadline = time.monotonic() + settings.HEAD_TIMEOUT_MS / 1000
        self._guard(conn, self._receive)

    def finish_request(self, conn: Connection, job: "Future[None]") -> None:
        """Continue with a connection that a thread has worked on."""
        self._count_held(conn, 0)
        error = None if job.cancelled() else job.exception()
        if error is not None:
            self.log.error("A thread failed", exc_info=error)
        if job.cancelled() or error is not None or conn.is_broken:
            self._drop(conn)
        else:
            self._guard(conn, self._continue)

    def _continue(self, conn: Connection) -> None:
        if conn.has_unsent:
            conn.taken_bytes = 0
            conn.deadline = min(time.monotonic() + SPEED_SECONDS, conn.answer_deadline)
            self._wait(conn, Stage.SENDING, selectors.EVENT_WRITE, self._send)
        else:
            self._sent(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait until something happens, and not past the next look at the deadlines."""
        if self._waiting:
            timeout = max(0.0, min(timeout, self._next_sweep - time.monotonic()))
        super().wait_for_and_dispatch_events(timeout)  # type: ignore[no-untyped-call]

    def is_parent_alive(self) -> bool:
        """Return whether the server lives. If not, let another one listen in its place."""
        if super().is_parent_alive():  # type: ignore[no-untyped-call]
            return True
        self.set_accept_enabled(False)  # type: ignore[no-untyped-call]
        for listener in self.sockets:
            listener.close()
        return False

    def murder_pending(self) -> None:
        """End the connections whose deadline has passed."""
        now = time.monotonic()
        if now < self._next_sweep:
            return
        self._next_sweep = now + SWEEP_SECONDS
        for conn in [conn for conn in self._waiting if conn.deadline <= now]:
            self._expire(conn, now)

    def murder_keepalived(self, force: bool = False) -> None:
        """Close all waiting connections if `force` is set, at the end of the worker."""
        if force:
            for conn in list(self._waiting):
                self._drop(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        for conn in self._waiting:
            if conn.is_silent:
                conn.deadline = min(conn.deadline, deadline)

    # --- Receiving --------------------------------------------------------------------------

    def _receive(self, conn: Connection) -> None:
        """Receive what has come; give the connection to a thread when its request is complete."""
        try:
            data = conn.sock.recv(_RECEIVED_BYTES)
        except BlockingIOError:
            self._wait(conn, conn.stage, selectors.EVENT_READ, self._receive)
            return
        except OSError:
            self._drop(conn)
            return
        if not data:
            if conn.incoming.data:
                self._refuse(conn, IncompleteRequest())
            else:
                self._drop(conn)
            return
        conn.incoming.data += data
        self._next_request(conn)

    def _next_request(self, conn: Connection) -> None:
        """Give the next request that was received to a thread, or wait for the rest of it."""
        self._count_held(conn, 0)
        if received := conn.incoming.take():
            size = len(received.data)
            if size > HEAD_BYTES and self._held_bytes + size > HELD_BYTES:
                received = received.refused(Unavailable())
            self._hand_over(conn, received)
            return
        stage = Stage.BODY if conn.incoming.has_head else Stage.HEAD
        if conn.stage is not stage:
            milliseconds = (
                settings.BODY_TIMEOUT_MS if stage is Stage.BODY else settings.HEAD_TIMEOUT_MS
            )
            conn.deadline = time.monotonic() + milliseconds / 1000
            if conn.incoming.wants_continue:
                with suppress(OSError):
                    conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._wait(conn, stage, selectors.EVENT_READ, self._receive)
        self._count_held(conn, len(conn.incoming.data))
        if self._held_bytes <= HELD_BYTES:
            return
        largest = max(self._waiting, key=lambda it: it.counted_bytes)
        if largest.counted_bytes > HEAD_BYTES:
            self._refuse(largest, Unavailable())

    def _count_held(self, conn: Connection, size: int) -> None:
        self._held_bytes += size - conn.counted_bytes
        conn.counted_bytes = size

    def _refuse(self, conn: Connection, reason: Exception) -> None:
        """Let a thread answer a request that will not be completed."""
        self._hand_over(conn, conn.incoming.take_incomplete(reason))

    def _hand_over(self, conn: Connection, received: ReceivedRequest) -> None:
        self._stop_waiting(conn)
        conn.received = received
        self._count_held(conn, len(received.data))
        self.enqueue_req(conn)  # type: ignore[no-untyped-call]

    # --- Sending ----------------------------------------------------------------------------

    def _send(self, conn: Connection) -> None:
        """Send what is left over; let a thread make more of the answer when all is taken."""
        conn.send()
        if conn.is_broken:
            self._drop(conn)
        elif not conn.has_unsent:
            self._stop_waiting(conn)
            self._sent(conn)

    def _sent(self, conn: Connection) -> None:
        """Go on after all that was made has been sent."""
        if conn.has_more:
            self.enqueue_req(conn)  # type: ignore[no-untyped-call]
        elif conn.keeps_alive:
            conn.begin_request()
            seconds = self.cfg.keepalive if self.alive else STOP_KEEPALIVE_LINGER
            conn.stage = Stage.SILENT
            conn.deadline = time.monotonic() + seconds
            if conn.incoming.data:
                self._next_request(conn)
            else:
                self._wait(conn, Stage.SILENT, selectors.EVENT_READ, self._receive)
        else:
            self._linger(conn)

    def _linger(self, conn: Connection) -> None:
        """Close the connection once the client can have read its last answer."""
        received = conn.received
        if received.is_whole or received.is_refused:
            conn.linger_bytes, seconds = LINGER_BYTES, LINGER_SECONDS
        else:
            conn.linger_bytes, seconds = BODY_LINGER_BYTES, settings.BODY_TIMEOUT_MS / 1000
        conn.deadline = time.monotonic() + seconds
        with suppress(OSError):
            conn.sock.shutdown(socket.SHUT_WR)
        self._wait(conn, Stage.CLOSING, selectors.EVENT_READ, self._discard)

    def _discard(self, conn: Connection) -> None:
        """Discard what the client sends after its last answer, until it closes the connection."""
        try:
            received = len(conn.sock.recv(_RECEIVED_BYTES))
        except BlockingIOError:
            return
        except OSError:
            received = 0
        conn.linger_bytes -= received
        if not received or conn.linger_bytes <= 0:
            self._drop(conn)

    # --- Waiting and ending -----------------------------------------------------------------

    def _wait(
        self, conn: Connection, stage: Stage, event: int, callback: Callable[[Connection], None]
    ) -> None:
        conn.stage, conn.on_event = stage, callback
        if conn not in self._waiting:
            self._waiting.add(conn)
            self.poller.register(conn.sock, event, partial(self._dispatch, conn))

    def _dispatch(self, conn: Connection, _sock: socket.socket) -> None:
        # An earlier event of the same round may have ended the connection, or have it wait for
        # something else.
        if conn in self._waiting and conn.on_event is not None:
            self._guard(conn, conn.on_event)

    def _guard(self, conn: Connection, callback: Callable[[Connection], None]) -> None:
        """Call back; an error costs this connection, not the process with all others."""
        try:
            callback(conn)
        except Exception:
            self.log.exception("The connection of %s failed", conn.client)
            self._drop(conn)

    def _stop_waiting(self, conn: Connection) -> None:
        if conn in self._waiting:
            self._waiting.remove(conn)
            self.poller.unregister(conn.sock)
        self._count_held(conn, 0)

    def _expire(self, conn: Connection, now: float) -> None:
        least = settings.ANSWER_BYTES_PER_SECOND * SPEED_SECONDS
        if conn.stage in (Stage.HEAD, Stage.BODY):
            self._refuse(conn, RequestTimeout())
        elif conn.stage is not Stage.SENDING:
            self._drop(conn)
        elif now < conn.answer_deadline and conn.taken_bytes >= least:
            conn.taken_bytes = 0
            conn.deadline = min(now + SPEED_SECONDS, conn.answer_deadline)
        else:
            self.log.info("%s did not take its answer in time", conn.client)
            self._drop(conn)

    def _drop_one(self) -> None:
        """Close the connection that is missed least: one that says nothing if there is any."""
        if self._waiting:
            self._drop(min(self._waiting, key=lambda it: (not it.is_silent, it.deadline)))

    def _drop(self, conn: Connection) -> None:
        self._stop_waiting(conn)
        if not conn.is_closed:
            self.nr_conns -= 1
            conn.close()

    # --- In a thread ------------------------------------------------------------------------

    def handle(self, conn: Connection) -> None:
        """Parse the request and make its answer, or go on making it."""
        has_failed = False
        try:
            if not conn.has_more:
                conn.start_answer(self.wsgi, keeps_alive=self._count_request())
            conn.make_answer()
        except Exception as error:
            has_failed = True
            if conn.refuse():
                self._answer_error(conn, error)
            else:
                self.log.exception("The answer to %s broke off", conn.client)
                conn.is_broken = True
        if conn.has_more or has_failed:
            # Nothing of the database is held while the client does not read, nor after an error, of
            # which Django does not know.
            connections.close_all()

    def _count_request(self) -> bool:
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False
        return bool(self.alive and self.cfg.keepalive)

    def _answer_error(self, conn: Connection, error: Exception) -> None:
        """Answer and log a request that the server refuses, and an error outside Django."""
        # Some errors have the part of the request that was parsed.
        request = conn.request or getattr(error, "req", None)
        identifier, refusal = request_id_of(request), refusal_of(error)
        if isinstance(refusal, InternalError):
            self.log.error("Request %s from %s failed", identifier, conn.client, exc_info=error)
        else:
            # Not the text of the error, which quotes the request, perhaps a token.
            reason = type(error).__name__
            self.log.info("Refused request %s from %s: %s", identifier, conn.client, reason)
        conn.sendall(answer_of(refusal, error, request, identifier))
        conn.send()
