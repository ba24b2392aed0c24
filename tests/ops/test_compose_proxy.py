"""The proxy of docker-compose.yml, as a process before a real service: slow and broken clients."""

import http.client
import itertools
import json
import re
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from config.environment import BASE_DIR
from harness.callers import a_client, a_company, charge
from harness.installation import Installation
from harness.processes import free_port
from harness.waiting import DEADLINE_SECONDS, wait_until
from tests.caddy import CADDY, caddy
from tests.ops.containers import environment_of

pytestmark = pytest.mark.slow

CONFIGURATION = BASE_DIR / "deploy" / "caddy" / "Caddyfile"
#: What a call may take through the proxy, whatever others do.
SECONDS = 0.3
CALLS = 9
ATTEMPTS = 3
BATCHES = 5
#: The address of a trusted proxy in front of this one.
IN_FRONT = "127.0.0.9"
HALF_HEAD = b"POST /wallet/charge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/js"


@dataclass
class Proxied:
    """The proxy, and a service behind it."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self, *, buffer: int | None = None) -> socket.socket:
        """Connect to the proxy; `buffer` is how many bytes the kernel keeps for the client."""
        connection = socket.socket()
        if buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.connect(("127.0.0.1", self.port))
        return connection

    def is_there(self) -> bool:
        """Whether the proxy listens."""
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionError:
            return False
        return True

    def is_answering(self) -> bool:
        """Whether the service answers through it."""
        return requests.get(f"{self.url}/status", timeout=DEADLINE_SECONDS).ok

    def log_in(self, address: str, **headers: str) -> int:
        """Fail to log in from this address of the loopback network; return the status."""
        source = (address, 0)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, source_address=source)
        body = json.dumps({"email": f"{time.monotonic_ns()}@example.com", "password": "wrong-7"})
        connection.request(
            "POST", "/client/login", body, {"Content-Type": "application/json", **headers}
        )
        status = connection.getresponse().status
        connection.close()
        return status


@contextmanager
def the_proxy(folder: Path, *, web_port: int) -> Iterator[Proxied]:
    """Run the proxy of compose in front of a web server at this port."""
    port = free_port()
    with caddy(
        CONFIGURATION,
        folder,
        PROXY_ADMIN="off",
        PROXY_PORT=str(port),
        TRUSTED_PROXIES=IN_FRONT,
        WEB_HOST="localhost",
        WEB_PORT=str(web_port),
    ) as log:
        proxied = Proxied(port, log)
        wait_until(proxied.is_there)
        yield proxied


@pytest.fixture(scope="module")
def proxied() -> Iterator[Proxied]:
    """A service as compose starts it, as far as clients notice, behind the proxy."""
    names = ("WORKERS", "THREADS", "HTTPS", "TRUSTED_PROXIES")
    settings = {
        f"WALLET_SERVICE_{name}": environment_of("web")[f"WALLET_SERVICE_{name}"] for name in names
    }
    # Here the proxy has this address.
    settings["WALLET_SERVICE_TRUSTED_PROXIES"] += " 127.0.0.1"
    limits = {"WRITES": "1000000/m", "LOGIN_ADDRESS": "2/h"}
    settings |= {f"WALLET_SERVICE_RATE_LIMIT_{name}": rate for name, rate in limits.items()}
    with tempfile.TemporaryDirectory(prefix="wallet-test-") as folder:
        installation = Installation(Path(folder, "data"), settings=settings)
        try:
            installation.serve()
            with the_proxy(Path(folder), web_port=installation.port) as proxied:
                yield proxied
        finally:
            installation.clean_up()


def median_seconds(call: Callable[[], bool]) -> float:
    """Return the median of several calls, each of which succeeds."""
    durations = []
    for _ in range(CALLS):
        began = time.monotonic()
        assert call()
        durations.append(time.monotonic() - began)
    return statistics.median(durations)


def test_slow_clients_delay_nobody(proxied: Proxied) -> None:
    # Given a company with a long statement
    payer, company = a_client(proxied.url, holds="10000.00"), a_company(proxied.url)
    item = {"wallet": payer.wallet, "amount": "0.01", "summary": "s" * 500}
    for _ in range(BATCHES):
        company.post("/wallet/charges", {"charges": [item] * 1_000})
    statement = (
        f"GET /wallets/{company.wallet}/statement HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: {company.headers['Authorization']}\r\n\r\n"
    ).encode()

    # When many clients do not read the statement, are silent, or stop in the middle of a head
    # A moment in which this machine does something else may make a call slow: the median of the
    # calls counts, and of several attempts, which all have new connections, one has to be fast. A
    # service whose threads are occupied is slow in each of them, for as long as its deadlines.
    keys = (f"order-{number}" for number in itertools.count())
    seconds = {}
    for _ in range(ATTEMPTS):
        with ExitStack() as stack:
            for _ in range(12):
                stack.enter_context(proxied.connect(buffer=4_096)).sendall(statement)
            # The statements take the service some seconds; then its threads are free.
            assert proxied.is_answering()
            for _ in range(24):
                stack.enter_context(proxied.connect())
            for _ in range(24):
                stack.enter_context(proxied.connect()).sendall(HALF_HEAD)
            seconds = {
                "status": median_seconds(proxied.is_answering),
                "charge": median_seconds(lambda: charge(company, payer, "0.01", key=next(keys)).ok),
            }
        if max(seconds.values()) < SECONDS:
            break

    # Then others are served at once
    assert max(seconds.values()) < SECONDS, seconds


HALVES = {"no body": b"", "half a body": b'{"curr', "a whole object": b'{"currency":"EUR"}'}


@pytest.mark.parametrize("half", HALVES)
def test_half_a_body_is_not_carried_out_and_harms_nobody(proxied: Proxied, half: str) -> None:
    client = a_client(proxied.url)
    head = (
        "POST /wallet/create HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: {client.headers['Authorization']}\r\nIdempotency-Key: half\r\n"
    ).encode()
    endings: list[Callable[[socket.socket], object]] = [
        lambda it: it.shutdown(socket.SHUT_WR),
        socket.socket.close,
    ]

    # When clients announce a body and end the connection in the middle of it
    for ending in endings:
        for framing in (b"Content-Length: 40\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n28\r\n"):
            with proxied.connect() as connection:
                connection.sendall(head + framing + HALVES[half])
                ending(connection)
                if connection.fileno() != -1:
                    # Until the proxy ends it.
                    wait_until(lambda it=connection: it.recv(65_536) == b"")  # type: ignore[misc]

    # Then nothing was recorded: no wallet, no key
    assert [wallet["wallet"] for wallet in client.get("/wallet/list")] == [client.wallet]
    assert client.get("/idempotency/half")["state"] == "unknown"

    # And the next calls are served at once, by the same web server
    assert median_seconds(proxied.is_answering) < 1
    assert client.send("POST", "/wallet/create", {}, **{"Idempotency-Key": "half"}).ok


def test_requests_and_answers_are_taken_in_whole(tmp_path: Path) -> None:
    """How much the kernel keeps for slow clients depends on the machine: these sizes do not."""
    if not CADDY.exists():
        pytest.skip("Caddy is not installed here: its package is for Linux x86-64")
    adapted = subprocess.run(
        [CADDY, "adapt", f"--config={CONFIGURATION}", "--adapter=caddyfile"],
        check=True,
        capture_output=True,
        env={"HOME": str(tmp_path)},
    ).stdout.decode()
    # As large as the API takes requests, and larger than its pages.
    assert [int(size) for size in re.findall(r'"request_buffers":(\d+)', adapted)] == [2_000_000]
    assert [int(size) for size in re.findall(r'"response_buffers":(\d+)', adapted)] == [256_000]
    assert re.findall(r'"read\w*_timeout":\d+', adapted) == [
        '"read_timeout":30000000000',
        '"read_header_timeout":10000000000',
    ]


def test_the_address_of_a_client_is_its_own(proxied: Proxied) -> None:
    # When one client has no attempts left
    assert [proxied.log_in("127.0.0.2") for _ in range(3)] == [401, 401, 429]

    # Then it gets no more by naming another address, and others have theirs
    spoofed = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    assert proxied.log_in("127.0.0.2", **spoofed) == 429
    assert proxied.log_in("127.0.0.2", **{"X-Forwarded-For": "127.0.0.1"}) == 429
    assert proxied.log_in("127.0.0.3", **{"X-Forwarded-For": "127.0.0.2"}) == 401

    # And a proxy in front is believed for the client that it saw itself, also a private address
    seen = [f"198.51.100.{number}, 10.0.0.5" for number in range(3)]
    assert [proxied.log_in(IN_FRONT, **{"X-Forwarded-For": hops}) for hops in seen] == [
        401,
        401,
        429,
    ]
    assert proxied.log_in(IN_FRONT, **{"X-Forwarded-For": "10.0.0.6"}) == 401


def test_metrics_are_hidden_and_an_outage_has_the_error_body(tmp_path: Path) -> None:
    # Given a proxy whose web server is away
    with the_proxy(tmp_path, web_port=free_port()) as proxied:
        hidden = requests.get(f"{proxied.url}/metrics", timeout=DEADLINE_SECONDS)
        away = requests.get(f"{proxied.url}/wallet/list?a=tea", timeout=DEADLINE_SECONDS)

    # Then its answers are those of the API
    assert (hidden.status_code, hidden.json()["code"]) == (404, "not_found")
    assert (hidden.json()["statusCode"], hidden.json()["path"]) == (404, "/metrics")
    assert (away.status_code, away.headers["Retry-After"]) == (503, "1")
    assert (away.json()["code"], away.json()["path"]) == ("unavailable", "/wallet/list")
    assert away.json()["requestId"] == away.headers["X-Request-ID"]

    # And its log has neither paths nor queries
    assert not any(word in proxied.log.read_text() for word in ("/wallet/list", "a=tea"))
