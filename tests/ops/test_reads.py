"""Reads under writes, over HTTP and two workers: what anybody was told never steps back."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from harness.callers import Caller, a_client
from harness.installation import Installation
from harness.waiting import DEADLINE_SECONDS
from tests.ops.reads import DOORS

pytestmark = pytest.mark.slow

PEOPLE = 3
READERS = 2
DEPOSITS = 40


def test_no_reader_sees_a_step_back_and_a_writer_sees_its_write_at_once(
    installation: Installation,
) -> None:
    installation.serve(WALLET_SERVICE_WORKERS="2", WALLET_SERVICE_RATE_LIMITS="off")
    people = [a_client(installation.url) for _ in range(PEOPLE)]
    for me in people:
        deposit(me)
    is_over = threading.Event()

    def write(me: Caller) -> None:
        told = Decimal(1)
        for number in range(DEPOSITS):
            told += 1
            assert deposit(me) == told
            door = list(DOORS)[number % len(DOORS)]
            assert read(me, door) == told, door

    def read_on(me: Caller) -> set[Decimal]:
        mine = me.at(installation.url)
        told, seen = Decimal(0), set()
        while not is_over.is_set():
            for door in DOORS:
                now = read(mine, door)
                assert now >= told, f"{door}: told {told} before, {now} now"
                told = now
                seen.add(now)
        return seen

    with ThreadPoolExecutor(PEOPLE * (1 + READERS)) as pool:
        reading = [pool.submit(read_on, me) for me in people for _ in range(READERS)]
        writing = [pool.submit(write, me) for me in people]
        try:
            for written in writing:
                written.result(DEADLINE_SECONDS)
        finally:
            is_over.set()
        seen = [future.result(DEADLINE_SECONDS) for future in reading]

    # They did read while there was writing.
    assert all(len(each) > 1 for each in seen)
    assert [read(me, door) for me in people for door in DOORS] == [DEPOSITS + 1] * (
        PEOPLE * len(DOORS)
    )


def deposit(me: Caller) -> Decimal:
    reply = me.post("/wallet/deposit", {"wallet": me.wallet, "amount": 1})
    return Decimal(str(reply["balance"]))


def read(me: Caller, door: str) -> Decimal:
    return Decimal(str(DOORS[door](me)))
