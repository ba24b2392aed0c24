"""The proxy between the service and PostgreSQL: a process of its own that can misbehave.

`python -m prove.proxy PORT SOCKET` listens on the port and forwards to the socket. It reads one
order a line, and answers each with one line:

- `pass`: forward everything, as it does at the start.
- `block`: forward nothing, and keep what comes.
- `delay MS`: delay each piece by at most so long.
- `reset`: break all connections.
- `cut commit N` / `cut answer N`: break the next N connections that commit money, before PostgreSQL
  has read the commit, or after it has answered.
- `left`: answer how many are still to be cut.
"""

import asyncio
import random
import socket
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

_LENGTH = struct.Struct("!I")
_PROTOCOL_3 = 196_608
_BYTES = 65_536
POST = b"ledger_post"
MONEY = (POST, b"record_answer", b"INSERT INTO intake_queuedtransaction")
IDLE = b"I"


class Cut(StrEnum):
    """When a connection breaks: before the commit, or before its answer."""

    COMMIT = "commit"
    ANSWER = "answer"


@dataclass
class Rules:
    """What applies to all connections."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    delay_seconds: float = 0
    cut: Cut = Cut.ANSWER
    cuts_left: int = 0

    def take_cut(self, cut: Cut) -> bool:
        """Return whether this connection is to be cut, and count it."""
        if self.cut is not cut or self.cuts_left == 0:
            return False
        self.cuts_left -= 1
        return True


class Broken(Exception):
    """The connection is to break now."""


class Session:
    """One session of PostgreSQL's protocol: parsed as far as needed to find commits of money."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._has_started = False
        self._from_client = bytearray()
        self._from_server = bytearray()
        self._statements: dict[bytes, bytes] = {}
        self._status = IDLE
        self._has_moved = False
        self._is_swallowing = False

    def read_client(self, data: bytes) -> bytes:
        """Return what to forward. Raises `Broken`."""
        self._from_client += data
        forwarded = bytearray()
        while message := self._next_of_client():
            if self._commits_money(message):
                if self._rules.take_cut(Cut.COMMIT):
                    raise Broken
                self._is_swallowing = self._is_swallowing or self._rules.take_cut(Cut.ANSWER)
            forwarded += message
        return bytes(forwarded)

    def read_server(self, data: bytes) -> bytes:
        """Return what to forward. Raises `Broken`."""
        if not self._has_started:
            return data
        self._from_server += data
        while len(self._from_server) >= 5:  # noqa: PLR2004 (a type and a length)
            (length,) = _LENGTH.unpack_from(self._from_server, 1)
            if len(self._from_server) < length + 1:
                break
            if self._from_server[:1] == b"Z":
                self._status = bytes(self._from_server[5:6])
                if self._status == IDLE:
                    self._has_moved = False
                if self._is_swallowing:
                    raise Broken
            del self._from_server[: length + 1]
        return b"" if self._is_swallowing else data

    def _next_of_client(self) -> bytes:
        """Return the next whole message of the client, or nothing yet."""
        offset = 1 if self._has_started else 0
        if len(self._from_client) < offset + 4:
            return b""
        (length,) = _LENGTH.unpack_from(self._from_client, offset)
        if len(self._from_client) < offset + length:
            return b""
        message = bytes(self._from_client[: offset + length])
        del self._from_client[: offset + length]
        if not self._has_started:
            self._has_started = _LENGTH.unpack_from(message, 4) == (_PROTOCOL_3,)
        return message

    def _commits_money(self, message: bytes) -> bool:
        statement = self._statement(message)
        if statement is None:
            return False
        if any(name in statement for name in MONEY):
            self._has_moved = True
            # Outside a transaction it commits by itself.
            return self._status == IDLE and POST in statement
        return self._has_moved and statement.strip().upper().startswith(b"COMMIT")

    def _statement(self, message: bytes) -> bytes | None:
        """Return the text of what the message runs, if it runs something."""
        kind, body = message[:1], message[5:]
        if kind == b"Q":
            return body.rstrip(b"\0")
        if kind == b"P":
            name, text, *_ = body.split(b"\0", 2)
            self._statements[name] = text
        elif kind == b"B":
            _, name, *_ = body.split(b"\0", 2)
            return self._statements.get(name)
        return None


class Proxy:
    """Forwards between its clients and one socket."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._writers: set[asyncio.StreamWriter] = set()
        self.rules = Rules()
        self.rules.open.set()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        self._writers.add(writer)
        try:
            await self.rules.open.wait()
            server_reader, server_writer = await asyncio.open_unix_connection(self._path)
        except OSError:
            self._writers.discard(writer)
            _reset(writer)
            return
        self._writers.add(server_writer)
        session = Session(self.rules)
        pumps = (
            asyncio.create_task(self._pump(reader, server_writer, session, from_client=True)),
            asyncio.create_task(self._pump(server_reader, writer, session, from_client=False)),
        )
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        for each in (writer, server_writer):
            self._writers.discard(each)
            each.close()

    def execute(self, order: str) -> str:
        """Execute an order and return the answer."""
        word, *arguments = order.split()
        rules = self.rules
        if word == "left":
            return str(rules.cuts_left)
        if word == "pass":
            rules.delay_seconds = rules.cuts_left = 0
            rules.open.set()
        elif word == "block":
            rules.open.clear()
        elif word == "delay":
            rules.delay_seconds = int(arguments[0]) / 1000
        elif word == "cut":
            rules.cut, rules.cuts_left = Cut(arguments[0]), int(arguments[1])
        elif word == "reset":
            for writer in list(self._writers):
                _reset(writer)
        return "done"

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        session: Session,
        *,
        from_client: bool,
    ) -> None:
        read = session.read_client if from_client else session.read_server
        with suppress(OSError):
            while data := await reader.read(_BYTES):
                if self.rules.delay_seconds:
                    await asyncio.sleep(random.uniform(0, self.rules.delay_seconds))
                await self.rules.open.wait()
                try:
                    forwarded = read(data)
                except Broken:
                    _reset(writer)
                    return
                writer.write(forwarded)
                await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Reset a connection, as a firewall does."""
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.family == socket.AF_INET:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def serve(port: int, path: str) -> None:
    """Forward until stdin is closed."""
    proxy = Proxy(path)
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    async with await asyncio.start_server(proxy.connect, "127.0.0.1", port):
        sys.stdout.write("listening\n")
        sys.stdout.flush()
        while order := await orders.readline():
            sys.stdout.write(proxy.execute(order.decode()) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
