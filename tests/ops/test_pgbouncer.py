"""Behind a real PgBouncer in transaction mode, where sessions are shared, money moves correctly."""

import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from harness.callers import a_client
from harness.installation import Installation
from harness.waiting import DEADLINE_SECONDS, wait_until
from ops.embedded_postgres import Role, database_url, ensure_running
from tests.ops.servers import Pooler, a_pooler, server_settings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("pgbouncer") is None, reason="PgBouncer is not installed on this machine."
    ),
]

#: Fewer than the threads that need one.
SESSIONS = 3
CALLERS = 8


@pytest.fixture
def pooler(installation: Installation, workdir: Path) -> Iterator[Pooler]:
    """PgBouncer, and the service behind it."""
    data_dir = installation.data_dir
    with (
        ensure_running(data_dir),
        a_pooler(data_dir, workdir / "pooler", sessions=SESSIONS) as pooler,
    ):
        settings = server_settings(data_dir) | {
            "DATABASE_URL": pooler.url(),
            "DATABASE_DIRECT_URL": database_url(data_dir, Role.APP),
            "WALLET_SERVICE_LOCK_TIMEOUT_MS": "500",
        }
        installation.serve(**settings)
        yield pooler
        installation.clean_up()
        verified = installation.manage("verify_ledger", **settings)
        assert verified.returncode == 0, verified.stdout


def test_money_moves_once_and_adds_up(installation: Installation, pooler: Pooler) -> None:
    # Given users with money, more of them than sessions
    people = [a_client(installation.url) for _ in range(CALLERS)]
    for person in people:
        person.post("/wallet/deposit", {"wallet": person.wallet, "amount": 100})
    before = pooler.transactions()

    # When all transfer concurrently in a circle, and each sends every request twice under one key
    def transfer(number: int) -> list[Any]:
        source, target = people[number], people[(number + 1) % CALLERS]
        return [
            source.post(
                "/wallets/transfer",
                {
                    "senderWalletId": source.wallet,
                    "receiverWalletId": target.wallet,
                    "amount": 1,
                },
                key=f"key-{step // 2}",
            )["sender"]["id"]
            for step in range(40)
        ]

    with ThreadPoolExecutor(CALLERS) as callers:
        assert all(callers.map(transfer, range(CALLERS)))

    # Then each transfer happened once, through the pooler, and every balance is correct
    assert pooler.transactions() - before >= CALLERS * 40
    for person in people:
        assert person.get(f"/wallet/info/{person.wallet}")["balance"] == 100
        statement = person.get(f"/wallets/{person.wallet}/statement")
        assert (statement["closingBalance"], len(statement["entries"])) == (100, 1 + 2 * 20)


def test_queued_transactions_run(installation: Installation, pooler: Pooler) -> None:
    person = a_client(installation.url)
    person.post("/wallet/deposit", {"wallet": person.wallet, "amount": 100})

    queued = person.post("/transaction", [{"value": 1}] * 60)

    def states() -> Counter[str]:
        return Counter(person.get(f"/transaction/{each['id']}")["status"] for each in queued)

    wait_until(lambda: states() == {"completed": 60})
    assert person.get(f"/wallet/info/{person.wallet}")["balance"] == 40


def test_a_wallet_that_stays_locked_is_a_503_in_time_and_no_session_remembers_it(
    installation: Installation, pooler: Pooler
) -> None:
    person = a_client(installation.url)
    owner_url = database_url(installation.data_dir, Role.OWNER)

    with psycopg.connect(owner_url) as owner:
        owner.execute("SELECT 1 FROM wallets_wallet WHERE id = %s FOR UPDATE", [person.wallet])
        refused = requests.post(
            f"{installation.url}/wallet/deposit",
            json={"wallet": person.wallet, "amount": 1},
            headers=person.headers,
            timeout=DEADLINE_SECONDS,
        )

    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    for _ in range(2 * SESSIONS):
        with psycopg.connect(pooler.url(), autocommit=True, prepare_threshold=None) as session:
            assert session.execute("SHOW lock_timeout").fetchone() == ("0",)
