"""The gunicorn worker's main loop, in a thread of the tests, and where it sees a request's end."""

import socket
from contextlib import ExitStack

import pytest
from gunicorn.http.errors import LimitRequestHeaders

from config import thread_worker
from config.incoming import HEAD_BYTES, Incoming
from harness.waiting import DEADLINE_SECONDS
from tests.raw_server import a_raw_server, send

GET = b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /client/login HTTP/1.1\r\nHost: localhost\r\n"
LIMIT = 1_000

WHOLE_REQUESTS = {
    "no body": GET,
    "an empty line before": b"\r\n" + GET,
    "no headers": b"GET / HTTP/1.0\r\n\r\n",
    "a body": POST + b"content-LENGTH:  5 \r\n\r\nab\r\n\r",
    "an empty body": POST + b"Content-Length: 0\r\n\r\n",
    "a body as large as may be": POST + b"Content-Length: 1000\r\n\r\n" + b"x" * LIMIT,
    "chunks": POST
    + b"Transfer-Encoding: Chunked\r\n\r\n3;a=b\r\n\r\n0\r\nA\r\n0123456789\r\n0\r\n\r\n",
    "trailers": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n00\r\nA: b\r\nC: d\r\n\r\n",
}
#: Their bodies are not waited for.
CUT_REQUESTS = {
    "too large a body": POST + b"Content-Length: 1001\r\n\r\n",
    "a length of thousands of digits": POST + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n",
    "too long a line of a chunk": POST
    + b"Transfer-Encoding: chunked\r\n\r\n1;"
    + b"x" * (16 * 1024 - 2),
    "a signed size of a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n+5\r\n",
    "another expectation": POST + b"Expect: money\r\nContent-Length: 5\r\n\r\n",
    "a bad chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n",
    "too large a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n" + b"x" * 2_025,
}
#: gunicorn refuses them by their heads.
REFUSED_HEADS = {
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
    "a length and a coding": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "another coding": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "a length that is none": POST + b"Content-Length: +5\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", WHOLE_REQUESTS.values(), ids=WHOLE_REQUESTS)
def test_a_request_ends_with_its_last_byte_however_it_arrives(request_bytes: bytes) -> None:
    by_byte, at_once = Incoming(LIMIT), Incoming(LIMIT)

    for number in range(len(request_bytes)):
        assert by_byte.take() is None
        by_byte.data += request_bytes[number : number + 1]
    at_once.data += request_bytes * 2 + GET[:9]

    received = [by_byte.take(), at_once.take(), at_once.take()]
    assert [each and (each.data, each.is_whole) for each in received] == [(request_bytes, True)] * 3
    assert at_once.data == GET[:9]
    assert at_once.take() is None


@pytest.mark.parametrize(
    ("request_bytes", "is_whole"),
    [
        *((request, False) for request in CUT_REQUESTS.values()),
        *((request, True) for request in REFUSED_HEADS.values()),
    ],
    ids=[*CUT_REQUESTS, *REFUSED_HEADS],
)
def test_what_is_refused_anyway_is_not_waited_for(request_bytes: bytes, is_whole: bool) -> None:
    incoming = Incoming(LIMIT)
    incoming.data += request_bytes[:-1]
    assert incoming.take() is None
    incoming.data += request_bytes[-1:]

    received = incoming.take()

    assert received is not None
    assert (received.data, received.is_whole) == (request_bytes, is_whole)


def test_a_head_without_end_is_refused() -> None:
    incoming = Incoming(LIMIT)
    incoming.data += b"GET / HTTP/1.1\r\nA: ".ljust(HEAD_BYTES + 1, b"x")

    received = incoming.take()

    assert received is not None
    assert isinstance(received.at_end, LimitRequestHeaders)


@pytest.mark.parametrize(
    "request_bytes",
    [
        POST + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n",
        POST + b"Transfer-Encoding: identity, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n",
    ],
)
def test_after_a_body_whose_end_is_uncertain_nothing_is_read_as_a_request(
    request_bytes: bytes,
) -> None:
    with a_raw_server() as port:
        answer = send(port, request_bytes + GET)

        # Then that connection ends with one answer, and others are served
        assert answer.startswith(b"HTTP/1.1 4")
        assert b"Connection: close" in answer
        assert answer.count(b"HTTP/1.1 ") == 1
        assert send(port, GET).startswith(b"HTTP/1.1 200 ")


def test_an_error_of_the_loop_costs_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    take = Incoming.take

    def fail_once(incoming: Incoming) -> object:
        monkeypatch.setattr(Incoming, "take", take)
        raise ArithmeticError

    with a_raw_server() as port:
        monkeypatch.setattr(Incoming, "take", fail_once)

        assert send(port, GET) == b""
        assert send(port, GET).startswith(b"HTTP/1.1 200 ")


def test_silent_connections_make_room_for_others() -> None:
    with a_raw_server(connections=10) as port, ExitStack() as stack:
        silent = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), DEADLINE_SECONDS))
            for _ in range(30)
        ]

        # When others come, they are answered
        assert send(port, GET).startswith(b"HTTP/1.1 200 ")

        # And the first silent one was closed, without an answer
        assert silent[0].recv(1) == b""


def test_a_body_in_very_many_chunks_is_refused_without_long_work() -> None:
    request = POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 150_000
    with a_raw_server() as port:
        answer = send(port, request + b"0\r\n\r\n")

        # It is refused before the rest of them was parsed
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"Connection: close" in answer
        assert send(port, GET).startswith(b"HTTP/1.1 200 ")


def test_large_requests_that_wait_for_a_thread_have_so_much_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(thread_worker, "HELD_BYTES", 100_000)
    request = POST + b"Content-Length: 200000\r\n\r\n" + b"x" * 200_000
    with a_raw_server() as port:
        answer = send(port, request)

        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 1\r\n" in answer
        assert send(port, GET).startswith(b"HTTP/1.1 200 ")


def test_incomplete_requests_have_so_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_worker, "HELD_BYTES", 150_000)
    head = POST + b"Content-Length: 900000\r\n\r\n"
    with a_raw_server() as port, ExitStack() as stack:
        large, small = (
            stack.enter_context(socket.create_connection(("127.0.0.1", port), DEADLINE_SECONDS))
            for _ in range(2)
        )
        large.sendall(head + b"x" * 90_000)
        small.sendall(head + b"x" * 70_000)

        assert large.recv(12) == b"HTTP/1.1 503"
        small.setblocking(False)
        with pytest.raises(BlockingIOError):
            small.recv(1)
        assert send(port, GET).startswith(b"HTTP/1.1 200 ")
