"""Incomplete requests time out and occupy no thread: real connections that are held open."""

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
INCOMPLETE_REQUESTS = {
    "a line": b"GET /sta",
    "a head": POST,
    "a body": POST + b"Content-Length: 100000\r\n\r\n{",
    "a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n{",
}

Connect = Callable[[], socket.socket]


@pytest.fixture
def connect(installation: Installation) -> Iterator[Connect]:
    """Open connections to a service with two threads and short timeouts."""
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
    """Request `/status` on a connection that stays open; return the response's status."""
    connection.request("GET", "/status")
    with connection.getresponse() as answer:
        answer.read()
        return answer.status


def test_incomplete_requests_time_out_and_others_are_served(
    connect: Connect, installation: Installation
) -> None:
    # Given more idle connections than threads
    with ExitStack() as stack:
        idle = [
            stack.enter_context(
                closing(HTTPConnection("127.0.0.1", installation.port, DEADLINE_SECONDS))
            )
            for _ in range(4)
        ]
        assert {call(connection) for connection in idle} == {200}

        # When more clients than threads send incomplete requests and wait
        slow = [connect() for _ in INCOMPLETE_REQUESTS]
        for connection, incomplete in zip(slow, INCOMPLETE_REQUESTS.values(), strict=True):
            connection.sendall(incomplete)

        # Then another request is answered, and they time out
        status = requests.get(f"{installation.url}/status", timeout=DEADLINE_SECONDS)
        assert status.status_code == 200
        for connection in slow:
            answer = b"".join(iter(lambda it=connection: it.recv(65_536), b""))  # type: ignore[misc]
            head, _, content = answer.partition(b"\r\n\r\n")
            body = json.loads(content)
            assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
            assert (body["statusCode"], body["code"]) == (408, "request_timeout")
            assert f"X-Request-ID: {body['requestId']}".encode() in head

        # And the idle connections are still open
        assert {call(connection) for connection in idle} == {200}


def test_requests_that_arrive_byte_by_byte_time_out_too(connect: Connect) -> None:
    for incomplete in INCOMPLETE_REQUESTS.values():
        with connect() as connection:
            connection.sendall(incomplete)
            connection.setblocking(False)
            wait_until(lambda it=connection: send_byte(it))  # type: ignore[misc]
            assert connection.recv(12) == b"HTTP/1.1 408"


def send_byte(connection: socket.socket) -> bool:
    """Send one more byte; return whether there is a response."""
    try:
        connection.send(b"a")
        return connection.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return False
