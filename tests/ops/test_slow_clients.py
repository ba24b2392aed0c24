"""Clients that say nothing, send half a request, or do not read: real connections to a service."""

import json
import re
import select
import socket
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import requests

from harness import database
from harness.callers import Caller, a_client, a_company, charge
from harness.installation import Installation
from harness.waiting import DEADLINE_SECONDS, wait_until

pytestmark = pytest.mark.slow

SILENT = 500
HALF_HEADS = 24
SLOW_READERS = 12
PROMPT_SECONDS = 2.0
BATCH = 1_000
BATCHES = 4
ANSWER_TIMEOUT_MS = 60_000
#: What must not change.
ROWS = """
    SELECT (SELECT count(*) FROM ledger_transaction), (SELECT count(*) FROM wallets_wallet),
           (SELECT count(*) FROM core_idempotencyrecord), (SELECT count(*) FROM accounts_user),
           (SELECT count(*) FROM django_session), (SELECT count(*) FROM intake_queuedtransaction)
"""
QUEUED = "SELECT count(*) FROM intake_queuedtransaction WHERE status = 'pending'"
IN_TRANSACTION = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"


@dataclass
class Service:
    """A running service, a client and a company."""

    installation: Installation
    client: Caller
    company: Caller
    connections: ExitStack = field(default_factory=ExitStack)

    def connect(self, *, receive_bytes: int | None = None) -> socket.socket:
        sock = self.connections.enter_context(socket.socket())
        if receive_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        sock.settimeout(DEADLINE_SECONDS)
        sock.connect(("127.0.0.1", self.installation.port))
        return sock

    def send(self, request: bytes, *, ends: bool = False) -> tuple[int, dict[str, Any]]:
        """Send raw bytes, then perhaps FIN; return the status and body of the last answer."""
        sock = self.connect()
        sock.sendall(request)
        if ends:
            sock.shutdown(socket.SHUT_WR)
        head, _, body = read_all(sock).partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)

    def query(self, statement: str) -> tuple[Any, ...] | None:
        with database.connect(self.installation.data_dir) as connection:
            return connection.execute(statement).fetchone()

    def rows(self) -> tuple[Any, ...] | None:
        # The processor writes what was queued.
        wait_until(lambda: self.query(QUEUED) == (0,))
        return self.query(ROWS)

    def ask_for_statement(self) -> socket.socket:
        """Ask for a long statement, and take only the first byte of it."""
        return self._ask_for(f"/wallets/{self.client.wallet}/statement")

    def ask_for_export(self) -> socket.socket:
        """Ask for a long export, and take only the first byte of it."""
        return self._ask_for(f"/customer/{self.client.customer}/export")

    def _ask_for(self, path: str) -> socket.socket:
        sock = self.connect(receive_bytes=4_096)
        sock.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: {self.client.headers['Authorization']}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        assert sock.recv(1) == b"H"
        return sock


def read_all(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(65_536), b""))


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    """A service of one process with two threads, and a wallet with a long statement."""
    with tempfile.TemporaryDirectory(prefix="wallet-test-") as directory:
        installation = Installation(Path(directory) / "data")
        try:
            installation.serve(
                WALLET_SERVICE_WORKERS="1",
                WALLET_SERVICE_THREADS="2",
                WALLET_SERVICE_RATE_LIMITS="off",
                WALLET_SERVICE_HEAD_TIMEOUT_MS=str(ANSWER_TIMEOUT_MS),
                WALLET_SERVICE_ANSWER_TIMEOUT_MS=str(ANSWER_TIMEOUT_MS),
            )
            client = a_client(installation.url, holds="100000.00")
            company = a_company(installation.url)
            item = {"wallet": client.wallet, "amount": "0.01", "summary": "x" * 200}
            for _ in range(BATCHES):
                company.post("/wallet/charges", {"charges": [item] * BATCH})
            yield Service(installation, client, company)
        finally:
            installation.clean_up()


@pytest.fixture
def service(running: Service) -> Iterator[Service]:
    with ExitStack() as connections:
        running.connections = connections
        yield running


def test_silent_halting_and_slow_clients_delay_nobody(service: Service) -> None:
    # Given connections that say nothing, that send half a head, and that do not read
    for _ in range(SILENT):
        service.connect()
    for _ in range(HALF_HEADS):
        service.connect().sendall(b"GET /status HTTP/1.1\r\nHost: loc")
    for _ in range(HALF_HEADS):
        service.connect().sendall(
            b"POST /wallet/create HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"
        )
        service.connect().sendall(
            b"POST /wallet/create HTTP/1.1\r\nHost: localhost\r\n"
            b"Transfer-Encoding: chunked\r\n\r\nff\r\n{"
        )
    for _ in range(SLOW_READERS - 1):
        service.ask_for_statement()
    file = b"GET /static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js HTTP/1.1\r\n"
    for _ in range(SLOW_READERS):
        sock = service.connect(receive_bytes=4_096)
        sock.sendall((file + b"Host: localhost\r\n\r\n") * 10)
        assert sock.recv(1) == b"H"

    # The last ones will go on reading, before the server gives them up.
    reader, exporter = service.ask_for_statement(), service.ask_for_export()

    # When others call, on connections of their own
    seconds: dict[str, list[float]] = {"status": [], "charge": []}
    for _ in range(3):
        started = time.monotonic()
        status = requests.get(f"{service.installation.url}/status", timeout=DEADLINE_SECONDS)
        answered = time.monotonic()
        company = service.company.at(service.installation.url)
        charged = charge(company, service.client, "1.00", key=str(uuid.uuid4()))
        seconds["status"].append(answered - started)
        seconds["charge"].append(time.monotonic() - answered)
        assert (status.status_code, charged.status_code) == (200, 200)

    # Then they are answered at once. (One of three may meet another program on the machine.)
    assert all(median(taken) < PROMPT_SECONDS for taken in seconds.values()), seconds
    # And the readers hold no session of the database in a transaction
    wait_until(lambda: service.query(IN_TRANSACTION) == (0,))

    # And a reader gets one whole statement in the end, without what was charged meanwhile
    answer = b"H" + read_all(reader)
    statement = json.loads(decode_chunks(answer.partition(b"\r\n\r\n")[2]), parse_float=Decimal)
    taken = sum(entry["amount"] for entry in statement["entries"] if entry["type"] == "charge")
    assert len(statement["entries"]) == BATCHES * BATCH + 1
    assert statement["closingBalance"] == Decimal("100000.00") - taken
    assert taken == BATCHES * BATCH * Decimal("0.01")

    # And a whole export, newest first
    answer = b"H" + read_all(exporter)
    export = json.loads(decode_chunks(answer.partition(b"\r\n\r\n")[2]), parse_float=Decimal)
    ids = [row["transaction"] for row in export["transactions"]]
    assert len(set(ids)) >= BATCHES * BATCH + 1
    assert ids == sorted(ids, reverse=True)


def decode_chunks(data: bytes) -> bytes:
    """Decode a body of chunks. Raises for one that is not whole."""
    body = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        if not (length := int(size, 16)):
            return body
        body += data[:length]
        assert data[length : length + 2] == b"\r\n"
        data = data[length + 2 :]


def half_requests(service: Service, client: Caller) -> Iterator[tuple[str, Caller, bytes, str]]:
    """Yield path, caller, body and content type of requests that would write something."""
    as_json = "application/json"
    for path, caller, body in [
        ("/wallet/create", client, {"currency": "EUR"}),
        ("/wallet/deposit", client, {"wallet": client.wallet, "amount": 5}),
        (
            "/wallet/charge",
            service.company,
            {"wallet": client.wallet, "amount": 5, "summary": "x"},
        ),
        ("/wallets", client, {"currency": "EUR", "balance": 3}),
        ("/transaction", client, {"value": 1}),
    ]:
        yield path, caller, json.dumps(body).encode(), as_json
    form = b"username=ada%40example.com&password=correct-horse-7"
    yield "/admin/login/", client, form, "application/x-www-form-urlencoded"


def test_a_request_whose_body_breaks_off_is_refused_and_its_key_stays_free(
    service: Service,
) -> None:
    # Of their own: what the wallet with the long statement holds is another test's.
    client = a_client(service.installation.url, holds="100.00")
    before = service.rows()
    for path, caller, body, content_type in half_requests(service, client):
        key = str(uuid.uuid4())
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: {key}\r\n"
            f"Authorization: {caller.headers['Authorization']}\r\nX-Request-ID: mine\r\n"
            f"Content-Type: {content_type}\r\n"
        ).encode()
        # One byte more than the JSON.
        length = f"Content-Length: {len(body) + 1}\r\n\r\n".encode()
        chunk = f"Transfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n".encode()

        # When a request ends early: without its body, within it, or before the end of its chunks
        for half in (
            length,
            length + body,
            chunk + body[:-1],
            chunk + body,
            chunk + body + b"\r\n0\r\n",
        ):
            status, refused = service.send(head + half, ends=True)

            # Then it is refused
            assert (status, refused["code"]) == (400, "malformed_request"), (path, half)
            assert (refused["path"], refused["requestId"]) == (path, "mine")
        # And a part of a head is, too
        assert service.send(head, ends=True)[0] == 400

        # And nothing is recorded
        assert service.rows() == before

        # And the key does what the whole request asks for
        if content_type == "application/json":
            sent = caller.send("POST", path, json.loads(body), **{"Idempotency-Key": key})
            assert sent.status_code in (200, 201, 202), sent.text
            assert "Idempotent-Replayed" not in sent.headers
            before = service.rows()


def test_http_1_1_requires_one_host(service: Service) -> None:
    before = service.rows()
    body = json.dumps({"wallet": service.client.wallet, "amount": 5}).encode()
    rest = (
        f"Authorization: {service.client.headers['Authorization']}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body

    for hosts in (b"", b"Host: localhost\r\nHost: localhost\r\n"):
        status, refused = service.send(b"POST /wallet/deposit HTTP/1.1\r\n" + hosts + rest)
        assert (status, refused["code"]) == (400, "malformed_request")
        assert service.rows() == before

    assert service.send(b"GET /status HTTP/1.0\r\n\r\n")[0] == 200


def test_pipelined_requests_are_answered_in_order(service: Service) -> None:
    get = b"GET /status HTTP/1.1\r\nHost: localhost\r\n"
    post = b"POST /client/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    sock = service.connect()

    # The second has a body, in chunks; the first part ends within it
    requests_sent = get + b"\r\n" + post + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"
    sock.sendall(requests_sent)
    sock.sendall(b"1\r\n}\r\n0\r\n\r\n" + get + b"Connection: close\r\n\r\n")

    assert re.findall(rb"HTTP/1\.1 (\d+) ", read_all(sock)) == [b"200", b"422", b"200"]


def test_a_client_that_waits_for_100_continue_is_told_once(service: Service) -> None:
    sock = service.connect()
    sock.sendall(
        b"POST /client/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
    )
    assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    sock.sendall(b"{}")
    assert read_all(sock).startswith(b"HTTP/1.1 422 ")


def test_a_body_that_is_too_large_is_refused_without_waiting_for_it(service: Service) -> None:
    for framing, start in (
        (b"Content-Length: 3000000", b"{"),
        (b"Transfer-Encoding: chunked", b"%x\r\n" % 3_000_000 + b"x" * 1_100_000),
    ):
        status, refused = service.send(
            b"POST /client/login HTTP/1.1\r\nHost: localhost\r\n" + framing + b"\r\n\r\n" + start
        )
        assert (status, refused["code"]) == (413, "payload_too_large")


def test_a_client_that_does_not_read_loses_its_connection(installation: Installation) -> None:
    # Given a service whose answers have to be taken within a second
    installation.serve(
        WALLET_SERVICE_ANSWER_TIMEOUT_MS="1000", WALLET_SERVICE_HEAD_TIMEOUT_MS="1000"
    )
    with ExitStack() as connections:
        client = a_client(installation.url)
        service = Service(installation, client, client, connections)
        reader, silent = service.connect(receive_bytes=4_096), service.connect()

        # When a client asks for a large file and does not read it, and another one says nothing
        reader.sendall(
            b"GET /static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js HTTP/1.1\r\n"
            b"Host: localhost\r\n\r\n"
        )

        # Then both lose their connection
        poll = select.poll()
        poll.register(reader, select.POLLHUP)
        wait_until(lambda: bool(poll.poll(0)))
        assert silent.recv(1) == b""
        with pytest.raises(ConnectionResetError):
            read_all(reader)
