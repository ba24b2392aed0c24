"""Who sends half a request keeps no thread: real connections that are held open."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection

import pytest
import requests

from harness.installation import Installation
from harness.waiting import DEADLINE_SECONDS, wait_until

pytestmark = pytest.mark.slow

POST = b"POST /client/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
HALVES = {
    "a line": b"GET /sta",
    "a head": POST,
    "a body": POST + b"Content-Length: 100000\r\n\r\n{",
    "a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n{",
}

Connect = Callable[[], socket.socket]


@pytest.fixture
def connect(installation: Installation) -> Iterator[Connect]:
    """Open connections to a service with two threads and little patience."""
    installation.serve(
        WALLET_SERVICE_WORKERS="1",
        WALLET_SERVICE_THREADS="2",
        WALLET_SERVICE_HEAD_TIMEOUT_MS="700",
        WALLET_SERVICE_BODY_TIMEOUT_MS="700",
    )
    with ExitStack() as stack:
        yield lambda: stack.enter_context(
            socket.create_connection(("127.0.0.1", installation.port), DEADLINE_SECONDS)
        )


def call(connection: HTTPConnection) -> int:
    """Ask for the status on a connection, which stays; return the answer's."""
    connection.request("GET", "/status")
    with connection.getresponse() as answer:
        answer.read()
        return answer.status


def test_half_sent_requests_are_told_and_others_are_served(
    connect: Connect, installation: Installation
) -> None:
    # Given more callers between two requests than there are threads
    with ExitStack() as stack:
        idle = [
            stack.enter_context(
                closing(HTTPConnection("127.0.0.1", installation.port, DEADLINE_SECONDS))
            )
            for _ in range(4)
        ]
        assert {call(connection) for connection in idle} == {200}

        # When more callers than there are threads send half of one, and stay
        slow = [connect() for _ in HALVES]
        for connection, half in zip(slow, HALVES.values(), strict=True):
            connection.sendall(half)

        # Then another one is answered, and so are they
        status = requests.get(f"{installation.url}/status", timeout=DEADLINE_SECONDS)
        assert status.status_code == 200
        for connection in slow:
            answer = b"".join(iter(lambda it=connection: it.recv(65_536), b""))  # type: ignore[misc]
            head, _, content = answer.partition(b"\r\n\r\n")
            body = json.loads(content)
            assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
            assert (body["statusCode"], body["code"]) == (408, "request_timeout")
            assert f"X-Request-ID: {body['requestId']}".encode() in head

        # And who waited between requests is still there
        assert {call(connection) for connection in idle} == {200}


def test_what_drips_is_cut_too(connect: Connect) -> None:
    for half in HALVES.values():
        with connect() as connection:
            connection.sendall(half)
            connection.setblocking(False)
            wait_until(lambda it=connection: drip(it))  # type: ignore[misc]
            assert connection.recv(12) == b"HTTP/1.1 408"


def drip(connection: socket.socket) -> bool:
    """Send one byte more; return whether there is an answer."""
    try:
        connection.send(b"a")
        return connection.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return False
