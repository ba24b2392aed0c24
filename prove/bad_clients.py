"""Clients that send half a request, say nothing, or do not read."""

import json
import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http import HTTPStatus

from harness.waiting import poll
from prove.actors import Actors
from prove.failpoints import NotPrompt
from prove.installation import BreakableInstallation
from prove.load import SideTask
from prove.operation_mix import OperationMix
from prove.operations import Log, Operation
from prove.sender import Sender

#: What a crowd consists of, in connections.
SILENT, HALF_HEADS, HALF_BODIES, SLOW_READERS = 100, 24, 24, 12
#: Within this time others are answered while the crowd is there.
PROMPT_SECONDS = 5.0
PATIENCE_SECONDS = 7.0
_FILE = b"GET /static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js HTTP/1.1\r\n"
_HOST = b"Host: localhost\r\n"
_RECEIVED_BYTES = 4_096


class HalfRequests:
    """Side tasks: a request that breaks off records nothing, and leaves its key free."""

    def __init__(self, port: int, actors: Actors, log: Log, mix: OperationMix) -> None:
        self._port = port
        self._actors = actors
        self._log = log
        self._mix = mix

    @property
    def side_tasks(self) -> tuple[SideTask, ...]:
        return (self.break_off,)

    def break_off(self, sender: Sender, chance: random.Random) -> None:
        """Send parts of a request that moves money; then, perhaps, the whole one under its key."""
        minor = chance.randint(1, 500)
        client = chance.choice(self._actors.clients)
        if chance.choice((True, False)):
            operation = self._mix.deposit_of(client, minor)
        else:
            company = chance.choice(self._actors.companies)
            operation = self._mix.charge_of(company, client.wallet, minor)
        for part in _parts(operation):
            status = self._send(part)
            # None: the worker died, or is being restarted.
            if status not in (None, HTTPStatus.BAD_REQUEST):
                self._log.violate("half requests", f"{operation}: {part!r} was answered {status}")
        lookup = sender.look_up(operation)
        if lookup is not None and lookup.is_completed:
            self._log.violate("half requests", f"{operation}: its key has {lookup}")
        if chance.choice((True, False)):
            self._log.begin(operation)
            sender.settle(operation)
        else:
            self._log.add_half(operation)

    def _send(self, part: bytes) -> int | None:
        """Send a part of a request and end the connection's sending; return the status."""
        with suppress(OSError, ValueError), socket.socket() as sock:
            sock.settimeout(PATIENCE_SECONDS)
            sock.connect(("127.0.0.1", self._port))
            sock.sendall(part)
            sock.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: sock.recv(_RECEIVED_BYTES), b""))
            return int(answer.split(maxsplit=2)[1]) if answer else None
        return None


def _parts(operation: Operation) -> Iterator[bytes]:
    """Yield parts of its request; most have all of the JSON, and promise more."""
    body = json.dumps(operation.body).encode()
    head = (
        f"POST {operation.path} HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: {operation.id}\r\n"
        f"Authorization: Token {operation.token}\r\nIdempotency-Key: {operation.id}\r\n"
        "Content-Type: application/json\r\n"
    ).encode()
    length = head + b"Content-Length: %d\r\n\r\n" % (len(body) + 1)
    chunk = head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body)
    yield length
    yield length + body
    yield chunk + body
    yield chunk + body + b"\r\n0\r\n"


def crowd(installation: BreakableInstallation, chance: random.Random) -> None:
    """Let many clients occupy connections. Raises `NotPrompt` when others have to wait for them."""
    kinds = [
        *[b""] * SILENT,
        *[b"POST /wallet/create HTTP/1.1\r\nHost: loc"] * HALF_HEADS,
        *[b"POST /wallet/create HTTP/1.1\r\n" + _HOST + b"Content-Length: 9\r\n\r\n{}"]
        * HALF_BODIES,
        *[(_FILE + _HOST + b"\r\n") * 10] * SLOW_READERS,
    ]
    with ExitStack() as connections:
        for sent in chance.sample(kinds, len(kinds)):
            sock = connections.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVED_BYTES)
            sock.settimeout(PATIENCE_SECONDS)
            # A worker that is still being replaced takes no connections.
            with suppress(OSError):
                sock.connect(("127.0.0.1", installation.port))
                sock.sendall(sent)
        if not poll(installation.is_healthy, seconds=PROMPT_SECONDS):
            raise NotPrompt(f"no answer within {PROMPT_SECONDS} seconds beside a crowd of clients")
