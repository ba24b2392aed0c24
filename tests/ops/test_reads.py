"""Concurrent reads and writes over HTTP with two workers: no balance goes back in time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from harness.callers import Caller, a_client
from harness.installation import Installation
from harness.waiting import DEADLINE_SECONDS
from tests.ops.balance_reads import BALANCE_READS

pytestmark = pytest.mark.slow

USERS = 3
READERS = 2
DEPOSITS = 40


def test_reads_never_go_back_and_a_writer_reads_its_own_write(
    installation: Installation,
) -> None:
    installation.serve(WALLET_SERVICE_WORKERS="2", WALLET_SERVICE_RATE_LIMITS="off")
    callers = [a_client(installation.url) for _ in range(USERS)]
    for caller in callers:
        deposit(caller)
    is_over = threading.Event()

    def write(caller: Caller) -> None:
        balance = Decimal(1)
        for number in range(DEPOSITS):
            balance += 1
            assert deposit(caller) == balance
            endpoint = list(BALANCE_READS)[number % len(BALANCE_READS)]
            assert read(caller, endpoint) == balance, endpoint

    def read_on(caller: Caller) -> set[Decimal]:
        reader = caller.at(installation.url)
        balance, seen = Decimal(0), set()
        while not is_over.is_set():
            for endpoint in BALANCE_READS:
                now = read(reader, endpoint)
                assert now >= balance, f"{endpoint}: {balance} before, {now} now"
                balance = now
                seen.add(now)
        return seen

    with ThreadPoolExecutor(USERS * (1 + READERS)) as pool:
        reading = [pool.submit(read_on, caller) for caller in callers for _ in range(READERS)]
        writing = [pool.submit(write, caller) for caller in callers]
        try:
            for written in writing:
                written.result(DEADLINE_SECONDS)
        finally:
            is_over.set()
        seen = [future.result(DEADLINE_SECONDS) for future in reading]

    # The readers read during the writes.
    assert all(len(each) > 1 for each in seen)
    assert [read(caller, endpoint) for caller in callers for endpoint in BALANCE_READS] == [
        DEPOSITS + 1
    ] * (USERS * len(BALANCE_READS))


def deposit(caller: Caller) -> Decimal:
    reply = caller.post("/wallet/deposit", {"wallet": caller.wallet, "amount": 1})
    return Decimal(str(reply["balance"]))


def read(caller: Caller, endpoint: str) -> Decimal:
    return Decimal(str(BALANCE_READS[endpoint](caller)))
