"""A process that dies between lock and commit leaves nothing, and the retry succeeds."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from django.db import connection

from config.environment import BASE_DIR
from core.models import IdempotencyRecord
from harness.waiting import wait_until
from ledger.kinds import Kind
from ledger.models import Transaction
from tests.factories import Holder, a_client, a_company
from tests.http_client import Reply

pytestmark = pytest.mark.usefixtures("books")

KEY = "order-1017"
CHARGE = (
    "import sys, django; django.setup();"
    " from tests.ledger.charge_process import main; main(*sys.argv[1:])"
)
Start = Callable[[Holder, Holder], "subprocess.Popen[str]"]


@pytest.fixture
def start_charge() -> Iterator[Start]:
    """Start a process that charges 10.00 and stops before its commit."""
    processes = []

    def start(company: Holder, payer: Holder) -> "subprocess.Popen[str]":
        database = connection.settings_dict
        arguments = [database["NAME"], database["USER"], company.user.id, payer.wallet_id, KEY]
        process = subprocess.Popen(
            [sys.executable, "-c", CHARGE, *map(str, arguments)],
            cwd=BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def backend_of(process: "subprocess.Popen[str]") -> int:
    """Wait until the process has written everything; return its backend's id."""
    assert process.stdout is not None
    marker, backend = process.stdout.readline().split()
    assert marker == "READY"
    return int(backend)


def is_alive(backend: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s AND datname = %s)",
            [backend, connection.settings_dict["NAME"]],
        )
        [(alive,)] = cursor.fetchall()
    return bool(alive)


def charge(company: Holder, payer: Holder) -> Reply:
    body = {"wallet": str(payer.wallet_id), "amount": "10.00", "summary": "Tea"}
    return company.api.post("/wallet/charge", body, key=KEY)


def state_of(*holders: Holder) -> list[tuple[int | None, int]]:
    return [(holder.wallet.balance_minor, holder.wallet.version) for holder in holders]


def test_a_charge_killed_before_commit_leaves_nothing_and_its_retry_succeeds(
    start_charge: Start,
) -> None:
    payer, company = a_client(holds="100.00"), a_company()
    process = start_charge(company, payer)
    backend = backend_of(process)
    assert is_alive(backend)

    process.kill()
    process.wait()
    wait_until(lambda: not is_alive(backend))

    assert state_of(payer, company) == [(10_000, 1), (0, 0)]
    assert not Transaction.objects.filter(kind=Kind.CHARGE).exists()
    assert not IdempotencyRecord.objects.exists()
    assert company.api.get(f"/idempotency/{KEY}").json["state"] == "unknown"

    retried = charge(company, payer)
    again = charge(company, payer)

    assert retried.status == 200
    assert retried.json["balance"] == Decimal("10.00")
    assert "Idempotent-Replayed" not in retried.headers
    assert (again.raw, again.headers["Idempotent-Replayed"]) == (retried.raw, "true")
    assert state_of(payer, company) == [(9_000, 2), (1_000, 1)]
    assert Transaction.objects.filter(kind=Kind.CHARGE).count() == 1


def test_the_same_charge_commits_when_it_is_not_killed(start_charge: Start) -> None:
    """Control: the process of the test above writes the charge when it is not killed."""
    payer, company = a_client(holds="100.00"), a_company()
    process = start_charge(company, payer)
    backend_of(process)
    assert state_of(payer, company) == [(10_000, 1), (0, 0)]

    process.communicate("\n")

    assert process.returncode == 0
    assert state_of(payer, company) == [(9_000, 2), (1_000, 1)]
    replayed = charge(company, payer)
    assert (replayed.raw, replayed.headers["Idempotent-Replayed"]) == (b"{}", "true")
    assert state_of(payer, company) == [(9_000, 2), (1_000, 1)]
