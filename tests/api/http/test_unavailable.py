"""503: the database is unavailable or too slow. Nothing is committed; the key can be reused."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from core.models import IdempotencyRecord
from ledger.models import Transaction
from tests.factories import Holder, a_client
from tests.http_client import Api, Reply

pytestmark = pytest.mark.usefixtures("books")

CREDENTIALS = b'{"email": "ada@example.com", "password": "correct-horse-7"}'


@contextmanager
def _database_away(tmp_path: Path) -> Iterator[None]:
    """Connect to a socket that does not exist."""
    host = connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"] = str(tmp_path)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["HOST"] = host


@pytest.mark.parametrize(
    ("method", "path", "raw"),
    [
        ("GET", "/wallet/list", b""),
        ("POST", "/wallet/deposit", b"{}"),
        ("POST", "/client/login", CREDENTIALS),
        ("POST", "/client/signup", b"{}"),
        ("GET", "/idempotency/k", b""),
        ("GET", "/api/v1/health", b""),
    ],
)
def test_without_the_database(tmp_path: Path, method: str, path: str, raw: bytes) -> None:
    client = a_client()
    api = Api() if "login" in path or "signup" in path else client.api

    with _database_away(tmp_path):
        reply = api.call(method, path, raw)

    _assert_unavailable(reply)


def test_key_may_be_sent_again_when_the_database_is_back(tmp_path: Path) -> None:
    client = a_client()

    with _database_away(tmp_path):
        reply = _deposit(client)
    again = _deposit(client)

    _assert_unavailable(reply)
    assert (again.status, "Idempotent-Replayed" in again.headers) == (200, False)
    assert (client.balance_minor, Transaction.objects.count()) == (500, 1)


def test_status_without_the_database(api: Api, tmp_path: Path) -> None:
    with _database_away(tmp_path):
        reply = api.get("/status")

    assert (reply.status, reply.json) == (200, {"status": "ok"})


def test_health_names_the_part_that_is_away(api: Api, tmp_path: Path) -> None:
    healthy = api.get("/api/v1/health")
    with _database_away(tmp_path):
        unhealthy = api.get("/api/v1/health")

    assert healthy.status == 200
    assert (healthy.json["status"], healthy.json["database"]) == ("ok", "ok")
    assert healthy.json["migrations"] == "ok"
    assert "processor" in healthy.json
    _assert_unavailable(unhealthy)
    assert unhealthy.json["details"]["database"] == "away"


@pytest.mark.parametrize(
    ("ahead", "state", "status"), [(0, "missing", 503), (1, "next_month_missing", 200)]
)
def test_health_reports_a_missing_partition(
    api: Api, owner_dsn: str, ahead: int, state: str, status: int
) -> None:
    month = timezone.now().month - 1 + ahead
    partition = f"ledger_transaction_{timezone.now().year + month // 12}_{month % 12 + 1:02}"

    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        owner.execute(f"ALTER TABLE {partition} RENAME TO gone")
        reply = api.get("/api/v1/health")
        owner.execute(f"ALTER TABLE gone RENAME TO {partition}")
    again = api.get("/api/v1/health")

    body = reply.json if status == 200 else reply.json["details"]
    assert (reply.status, body["partitions"]) == (status, state)
    assert body["database"] == "ok"
    assert (again.status, again.json["partitions"]) == (200, "ok")


@pytest.mark.parametrize("timeout", ["lock_timeout", "statement_timeout"])
def test_lock_and_statement_timeouts(owner_dsn: str, timeout: str) -> None:
    client = a_client()

    with psycopg.connect(owner_dsn) as other:
        other.execute("SELECT 1 FROM wallets_wallet WHERE id = %s FOR UPDATE", [client.wallet_id])
        with connection.cursor() as cursor:
            cursor.execute(f"SET {timeout} = '50ms'")
        reply = _deposit(client)
        other.rollback()
    with connection.cursor() as cursor:
        cursor.execute(f"RESET {timeout}")
    nothing_moved = (client.balance_minor, Transaction.objects.count()) == (0, 0)
    no_key_taken = not IdempotencyRecord.objects.exists()
    again = _deposit(client)

    _assert_unavailable(reply)
    assert nothing_moved
    assert no_key_taken
    assert (again.status, "Idempotent-Replayed" in again.headers) == (200, False)


def _assert_unavailable(reply: Reply) -> None:
    assert (reply.status, reply.code) == (503, "unavailable")
    assert re.fullmatch("[1-9][0-9]*", reply.headers["Retry-After"])


def _deposit(client: Holder) -> Reply:
    body = {"wallet": str(client.wallet_id), "amount": 5}
    return client.api.post("/wallet/deposit", body, key="k")
