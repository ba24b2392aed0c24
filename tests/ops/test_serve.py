"""`manage.py serve`: start, stop by a signal, and restart with the same data."""

import json
import re
import signal
import socket
import subprocess
import sys
from dataclasses import replace

import psutil
import psycopg
import pytest
import requests

from config.environment import BASE_DIR
from harness.callers import a_client, a_company, charge
from harness.installation import Installation
from harness.waiting import DEADLINE_SECONDS, wait_until
from ops.embedded_postgres import Role, database_url
from tests.ops.conftest import is_running

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


def test_it_serves_stops_all_processes_and_keeps_its_data(
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

    # When it is stopped, no process is left
    processes = installation.processes()
    assert len(processes) > 3
    service.terminate()
    assert service.wait(DEADLINE_SECONDS) == 0
    wait_until(lambda: not any(process.is_running() for process in processes))
    assert not installation.is_answering()

    # And when it starts again, its data are there once
    service, _ = installation.serve()
    assert count_users(installation) == users

    # And Ctrl-C, which a terminal sends to the whole process group, stops it too
    processes = installation.processes()
    for process in {psutil.Process(service.pid), *psutil.Process(service.pid).children()}:
        process.send_signal(signal.SIGINT)
    assert service.wait(DEADLINE_SECONDS) == 0
    wait_until(lambda: not any(process.is_running() for process in processes))


def first_calls(printed: str) -> str:
    """Return what a person pastes of what a fresh demo prints: all between accounts and address."""
    [shown] = re.findall(r"^# First calls.*(?=^The wallet service answers)", printed, re.M | re.S)
    return str(shown)


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_the_first_calls_are_pasted_as_they_are_printed(
    shell: str, installation: Installation
) -> None:
    # Given the whole block that a fresh demo prints below its accounts
    _, printed = installation.serve()
    pasted = first_calls(printed)

    # When a shell runs it
    session = subprocess.run(
        [shell, "-e"],
        input=pasted,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )

    # Then rich has paid what was asked, the shop holds that and what it charged, and rich has gold
    assert (session.returncode, session.stderr) == (0, "")
    paid, charged, bought = (
        json.loads(answer, parse_float=str) for answer in session.stdout.splitlines()
    )
    assert (paid["balance"], charged["balance"]) == ("999987.50", "16.70")
    assert f"wallet {paid['wallet']}" in printed
    assert f"wallet {charged['wallet']}" in printed
    assert (bought["type"], bought["amount"], bought["balance"]) == ("TOPUP", "5.00", "5.00")

    # And its sentences are harmless where comments are commands, and its amounts are text
    sentences = re.findall(r"^\S.*$", pasted, re.M)
    assert [each for each in sentences if not re.fullmatch(r"# [A-Za-z0-9 ,.:]+", each)] == []
    amounts = re.findall(r'"amount": (\S+?)[,}]', pasted)
    assert len(amounts) == 3
    assert [each for each in amounts if not re.fullmatch(r'"[0-9]+\.[0-9]{2}"', each)] == []


def child_of(service: subprocess.Popen[str], program: str) -> psutil.Process | None:
    """Return the child process of the service that runs this program and has not ended."""
    children = psutil.Process(service.pid).children()
    alive = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
    return next((child for child in alive if program in child.cmdline()), None)


def test_each_of_its_processes_is_started_again_when_it_dies(installation: Installation) -> None:
    # Given a service, and a company that is owed 5.00 by the queue
    installation = replace(installation, log=installation.data_dir.with_name("log"))
    service, _ = installation.serve()
    try:
        payer, company = a_client(installation.url, holds="100.00"), a_company(installation.url)

        # When the database, the processor and the web server are killed, one after the other
        [postmaster, *_] = installation.database_processes()
        postmaster.kill()
        wait_until(lambda: installation.is_answering("/api/v1/health"))
        for program in ("process_transactions", "gunicorn"):
            victim = child_of(service, program)
            assert victim is not None
            family = [victim, *victim.children()]
            victim.kill()
            wait_until(lambda it=family: not any(one.is_running() for one in it))  # type: ignore[misc]

            # Then another one takes its place
            wait_until(lambda it=program: child_of(service, it) is not None)  # type: ignore[misc]
            wait_until(installation.is_answering)

        # And money moves, directly and by the queue
        assert charge(company, payer, "30.00", key="order-1").status_code == 200
        body = {"source": payer.wallet, "target": company.wallet, "amount": "5.00"}
        queued = payer.send("POST", "/wallet/transfer", body, Prefer="respond-async")
        assert queued.status_code == 202
        wait_until(lambda: company.balance == "35.00")

        # And the log has a sentence for each, and SIGTERM still ends everything
        processes = installation.processes()
        service.terminate()
        assert service.wait(DEADLINE_SECONDS) == 0
        wait_until(lambda: not any(process.is_running() for process in processes))
        assert not is_running(installation.data_dir)
    finally:
        installation.clean_up()
    assert installation.log is not None
    assert re.findall(r"^(The .+); it is started again.$", installation.log.read_text(), re.M) == [
        "The database died",
        "The processor ended with status -9",
        "The web server ended with status -9",
    ]


def test_it_ends_when_one_of_its_processes_cannot_start(installation: Installation) -> None:
    # When it starts with a web server that cannot
    refused = subprocess.run(
        [sys.executable, "manage.py", "serve"],
        cwd=BASE_DIR,
        env=installation.environment(GUNICORN_CMD_ARGS="--worker-class=none"),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )

    # Then it says so and ends, and nothing is left
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1] == "CommandError: The web server ended with status 1."
    assert not is_running(installation.data_dir)


def test_a_repeated_key_header_is_one_key(installation: Installation) -> None:
    installation.serve()
    token = sign_up(installation)["Authorization"]
    head = (
        "POST /wallet/create HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
        f"Authorization: {token}\r\nConnection: close\r\n"
    )

    def create(*keys: str) -> tuple[bytes, bytes]:
        lines = "".join(f"Idempotency-Key: {key}\r\n" for key in keys)
        return send(installation, f"{head}{lines}\r\n".encode())

    _, first = create("a", "a")
    replayed, again = create("a")
    refused, _ = create("a", "b")

    assert again == first
    assert b"Idempotent-Replayed: true" in replayed
    assert refused.startswith(b"HTTP/1.1 422 ")


def sign_up(installation: Installation) -> dict[str, str]:
    """Sign a client up and return the headers of its calls."""
    session = requests.post(
        f"{installation.url}/client/signup",
        json={
            "email": "ada@example.com",
            "password": "correct-horse-7",
            "client": {"first_name": "A", "last_name": "B", "phone_number": "+34666666666"},
        },
        timeout=DEADLINE_SECONDS,
    ).json()
    return {"Authorization": f"Token {session['token']}"}


def test_a_chunked_body_is_read(installation: Installation) -> None:
    installation.serve()
    headers = {**sign_up(installation), "Content-Type": "application/json"}

    def create(*chunks: bytes) -> requests.Response:
        return requests.post(
            f"{installation.url}/wallet/create",
            data=iter(chunks),
            headers=headers,
            timeout=DEADLINE_SECONDS,
        )

    euros = create(b'{"curr', b'ency": "EUR"}')
    unknown = create(b'{"currency": "XXX"}')
    too_large = create(*[b"x" * 65_536] * 20)

    info = f"{installation.url}/wallet/info/{euros.json()['wallet']}"
    wallet = requests.get(info, headers=headers, timeout=DEADLINE_SECONDS).json()
    assert wallet["currency"] == "EUR"
    assert (unknown.status_code, too_large.status_code) == (422, 413)


def test_a_wallet_that_stays_locked_is_a_503_in_time(installation: Installation) -> None:
    installation.serve(WALLET_SERVICE_LOCK_TIMEOUT_MS="300")
    headers = sign_up(installation)
    wallet = requests.post(
        f"{installation.url}/wallet/create", headers=headers, timeout=DEADLINE_SECONDS
    ).json()["wallet"]

    with psycopg.connect(database_url(installation.data_dir, Role.OWNER)) as owner:
        owner.execute("SELECT 1 FROM wallets_wallet WHERE id = %s FOR UPDATE", [wallet])
        refused = requests.post(
            f"{installation.url}/wallet/deposit",
            json={"wallet": wallet, "amount": 1},
            headers=headers,
            timeout=DEADLINE_SECONDS,
        )

    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert refused.headers["Retry-After"] == "1"


def test_unparsable_requests_are_answered_in_json(installation: Installation) -> None:
    installation.serve()
    for request, status in [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /status HTTP/1.1\r\nBad Header: 1\r\n\r\n", 400),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /status HTTP/1.1\r\nA: " + b"a" * 99_000 + b"\r\n\r\n", 431),
        (b"GET /status HTTP/1.1\r\nTransfer-Encoding: x\r\n\r\n", 501),
    ]:
        head, content = send(installation, request)
        body = json.loads(content)
        assert head.startswith(f"HTTP/1.1 {status} {body['error']}\r\n".encode())
        assert b"Content-Type: application/json\r\n" in head
        assert f"X-Request-ID: {body['requestId']}".encode() in head
        assert (body["statusCode"], body["code"]) == (status, "malformed_request")
        assert body["details"] == {}
        assert body["timestamp"].endswith("Z")
    refused = requests.get(
        f"{installation.url}/status", headers={"Host": "evil.example"}, timeout=5
    )
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")
    assert installation.is_answering()
