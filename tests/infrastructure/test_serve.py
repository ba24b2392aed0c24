"""`manage.py serve`: from one command to one signal, and again on the same data."""

import json
import os
import signal
import socket

import psutil
import psycopg
import pytest

from core.postgres import Role, database_url
from tests.infrastructure.conftest import (
    DEADLINE_SECONDS,
    Installation,
    is_running,
    wait_until,
)

pytestmark = pytest.mark.slow


def count_users(installation: Installation) -> int:
    with psycopg.connect(database_url(installation.data_dir, Role.APP)) as app:
        row = app.execute("SELECT count(*) FROM accounts_user").fetchone()
    assert row is not None
    return int(row[0])


def send(installation: Installation, request: bytes) -> tuple[bytes, bytes]:
    """Send raw bytes; return the answer's head and body."""
    with socket.create_connection(("127.0.0.1", installation.port), DEADLINE_SECONDS) as client:
        client.sendall(request)
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


def test_it_serves_stops_without_a_trace_and_finds_its_data_again(
    installation: Installation,
) -> None:
    # Given a service that runs
    service, printed = installation.serve()
    assert installation.is_answering()
    assert printed.strip() != ""
    users = count_users(installation)
    assert users > 0

    # Then a bare command beside it finds its database, and leaves it running
    doctor = installation.manage("doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "the service answers" in doctor.stdout
    assert is_running(installation.data_dir)

    # And a second service on its port is refused in one sentence, as is a reset of its data
    second = installation.manage("serve")
    assert second.returncode == 1
    (line,) = second.stderr.splitlines()
    assert f"Cannot listen on 127.0.0.1:{installation.port}" in line
    assert installation.manage("demo_reset").returncode == 1
    assert installation.is_answering()

    # When it is told to stop, nothing of it is left
    processes = installation.processes()
    assert len(processes) > 3
    service.terminate()
    assert service.wait(DEADLINE_SECONDS) == 0
    wait_until(lambda: not any(process.is_running() for process in processes))
    assert not installation.is_answering()

    # And when it starts again, its data are there, not twice
    installation.serve()
    assert count_users(installation) == users


def test_ctrl_c_stops_it_too(installation: Installation) -> None:
    service, _ = installation.serve()
    processes = installation.processes()
    for process in {psutil.Process(service.pid), *psutil.Process(service.pid).children()}:
        os.kill(process.pid, signal.SIGINT)  # A terminal signals the whole group.
    assert service.wait(DEADLINE_SECONDS) == 0
    wait_until(lambda: not any(process.is_running() for process in processes))


def test_without_its_web_server_it_ends(installation: Installation) -> None:
    service, _ = installation.serve()
    processes = installation.processes()
    (web_server,) = psutil.Process(service.pid).children()
    web_server.kill()
    assert service.wait(DEADLINE_SECONDS) == 1
    wait_until(lambda: not any(process.is_running() for process in processes))
    assert not is_running(installation.data_dir)


def test_even_what_is_not_http_is_answered_in_json(installation: Installation) -> None:
    installation.serve()
    for request, status in {
        b"nonsense\r\n\r\n": 400,
        b"GET /status HTTP/1.1\r\nBad Header: 1\r\n\r\n": 400,
        b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n": 414,
        b"GET /status HTTP/1.1\r\nA: " + b"a" * 99_000 + b"\r\n\r\n": 431,
        b"GET /status HTTP/1.1\r\nTransfer-Encoding: strange\r\n\r\n": 501,
    }.items():
        head, content = send(installation, request)
        body = json.loads(content)
        assert head.startswith(f"HTTP/1.1 {status} {body['error']}".encode())
        assert b"Content-Type: application/json" in head
        assert f"X-Request-ID: {body['requestId']}".encode() in head
        assert (body["statusCode"], body["code"]) == (status, "malformed_request")
        assert body["timestamp"].endswith("Z")
        assert body["details"] == {}
    assert installation.is_answering()


def test_a_host_that_is_not_allowed_is_refused(installation: Installation) -> None:
    installation.serve()
    head, _ = send(
        installation, b"GET /status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    )
    assert head.startswith(b"HTTP/1.1 400 ")
