"""`manage.py smoke`: success, failures, and the repair after a kill."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
import pytest
import requests

from harness.installation import Installation
from harness.waiting import DEADLINE_SECONDS
from ops.embedded_postgres import Role, database_url

pytestmark = pytest.mark.slow
BALANCES = (
    "SELECT balance_minor FROM wallets_wallet w JOIN accounts_user u ON u.id = w.owner_id"
    " WHERE u.email = 'smoke@demo.example' ORDER BY w.created_at"
)


def balances(installation: Installation) -> list[int]:
    with psycopg.connect(database_url(installation.data_dir, Role.APP)) as app:
        return [int(balance) for (balance,) in app.execute(BALANCES)]


@contextmanager
def a_proxy(url: str, *, blocked_key: bytes) -> Iterator[tuple[str, threading.Event]]:
    """Forward requests, except those with `blocked_key` in their key; the event: one arrived."""
    arrived, is_done = threading.Event(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def _forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if blocked_key in self.headers.get("Idempotency-Key", "").encode():
                arrived.set()
                is_done.wait(DEADLINE_SECONDS)
                return
            headers = {name: value for name, value in self.headers.items() if name != "Host"}
            reply = requests.request(
                self.command, f"{url}{self.path}", data=body, headers=headers, timeout=60
            )
            self.send_response(reply.status_code)
            self.send_header("Content-Length", str(len(reply.content)))
            if "Idempotent-Replayed" in reply.headers:
                self.send_header("Idempotent-Replayed", "true")
            self.end_headers()
            self.wfile.write(reply.content)

        do_GET = do_POST = _forward

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", arrived
        finally:
            is_done.set()
            server.shutdown()
            thread.join()


def test_smoke_succeeds_also_after_a_kill(installation: Installation) -> None:
    installation.serve(WALLET_SERVICE_RATE_LIMITS="off")

    # The first run creates the account, its wallets and its cent; the next one reuses them
    for _ in range(2):
        done = installation.manage("smoke")
        assert (done.returncode, done.stderr) == (0, "")
        [line] = done.stdout.splitlines()
        assert line.startswith(f"ok: a cent went there and back at {installation.url} in ")
        assert balances(installation) == [1, 0]

    # A run is killed between the two transfers
    with a_proxy(installation.url, blocked_key=b"-back") as (proxy, back_arrived):
        halfway = installation.start("manage.py", "smoke", proxy)
        assert back_arrived.wait(DEADLINE_SECONDS)
        halfway.kill()
        halfway.wait(DEADLINE_SECONDS)
    assert balances(installation) == [0, 1]

    # The next one repairs that
    assert installation.manage("smoke", installation.url).returncode == 0
    assert balances(installation) == [1, 0]
    assert installation.manage("verify_ledger").returncode == 0

    # A wrong password, and a service that is not there, are one line and status 1
    wrong = installation.manage(
        "smoke",
        WALLET_SERVICE_SMOKE_EMAIL="smoke@demo.example",
        WALLET_SERVICE_SMOKE_PASSWORD="wrong-of-mine-7",
    )
    away = installation.manage("smoke", "http://127.0.0.1:1")
    nonsense = installation.manage("smoke", "file:///etc/passwd")
    assert [result.returncode for result in (wrong, away, nonsense)] == [1, 1, 1]
    assert "FAILED at log in: 409 email_taken" in wrong.stderr
    assert "FAILED at log in: http://127.0.0.1:1 does not answer" in away.stderr
    assert "wrong-of-mine-7" not in wrong.stderr
    assert all(len(result.stderr.splitlines()) == 1 for result in (wrong, away, nonsense))
    assert balances(installation) == [1, 0]


def test_where_operators_move_cash_smoke_has_its_cent_from_them(
    installation: Installation,
) -> None:
    installation.serve(WALLET_SERVICE_CASH="operators", WALLET_SERVICE_RATE_LIMITS="off")

    # The demo's account is given one
    done = installation.manage("smoke", WALLET_SERVICE_CASH="operators")
    assert (done.returncode, done.stderr) == (0, "")
    assert balances(installation) == [1, 0]

    # Another account asks for it in one sentence
    other = installation.manage(
        "smoke",
        WALLET_SERVICE_SMOKE_EMAIL="other@demo.example",
        WALLET_SERVICE_SMOKE_PASSWORD="tea-at-half-past-4",
    )
    [line] = other.stderr.splitlines()
    assert other.returncode == 1
    assert "FAILED at deposit: only operators put money into wallets here." in line
