"""A replica that really streams: reads follow, decisions never, and nobody's view steps back."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ops.embedded_postgres import ensure_running
from tests.ops.conftest import DEADLINE_SECONDS, Installation, wait_until
from tests.ops.servers import Caller, Replica, a_replica, server_settings

pytestmark = pytest.mark.slow

CALLERS = 6
ROUNDS = 40
# Of few rows PostgreSQL may read all instead of asking an index.
SCANS = (
    "SELECT coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0) FROM pg_stat_user_tables"
    " WHERE relname LIKE '{}%'"
)


@pytest.fixture
def replica(installation: Installation, place: Path) -> Iterator[Replica]:
    """A replica, and the service on it and its primary."""
    with (
        ensure_running(installation.data_dir),
        a_replica(installation.data_dir, place / "replica") as replica,
    ):
        settings = server_settings(installation.data_dir)
        installation.serve(**settings, DATABASE_REPLICA_URL=replica.url())
        yield replica
        installation.clean_up()


def balance(caller: Caller) -> float:
    return float(caller.get(f"/wallet/info/{caller.wallet}")["balance"])


def deposit(caller: Caller, amount: int) -> float:
    reply = caller.post("/wallet/deposit", {"wallet": caller.wallet, "amount": amount})
    return float(reply["balance"])


def give(source: Caller, target: Caller, amount: int) -> float:
    reply = source.post(
        "/wallet/transfer", {"source": source.wallet, "target": target.wallet, "amount": amount}
    )
    return float(reply["balance"])


def statement(caller: Caller) -> tuple[float, int]:
    told = caller.get(f"/wallets/{caller.wallet}/statement")
    return float(told["closingBalance"]), len(told["entries"])


def test_reads_follow_and_nobody_reads_older_than_what_they_were_told(
    installation: Installation, replica: Replica
) -> None:
    # Given two people, and a replica that has all they know
    ada, ben = Caller(installation, "ada@example.com"), Caller(installation, "ben@example.com")
    deposit(ada, 100)
    replica.catch_up()

    settings = server_settings(installation.data_dir)
    doctor = installation.manage("doctor", **settings, DATABASE_REPLICA_URL=replica.url())
    assert "ok     replica: it follows the primary" in doctor.stdout

    # When the replica stands still, and money moves from one to the other
    replica.pause()
    assert give(ada, ben, 10) == 90

    # Then who moved it sees that, in the primary
    assert balance(ada) == 90
    assert statement(ada) == (90, 2)
    # And who was not told reads the replica, where it has not happened
    assert balance(ben) == 0
    assert statement(ben) == (0, 0)
    # Until they are told by an answer of the primary: from then on they know
    assert deposit(ben, 1) == 11
    assert balance(ben) == 11
    assert statement(ben) == (11, 2)
    # And what decides has looked at the primary all along
    assert give(ben, ada, 11) == 0

    # When the replica goes on, their reads move over to it: what happens next is not there yet
    replica.resume()
    replica.catch_up()
    replica.pause()
    assert give(ada, ben, 7) == 94
    assert (balance(ada), balance(ben)) == (94, 0)

    # But not once they have read it in an answer that always comes from the primary
    assert ben.get(f"/customer/{ben.customer}")["balance"] == 7
    assert balance(ben) == 7

    # And somebody nobody knows yet is answered by the primary
    assert balance(Caller(installation, "eve@example.com")) == 0
    replica.resume()


def test_without_the_replica_the_primary_answers(
    installation: Installation, replica: Replica
) -> None:
    ada, ben = Caller(installation, "ada@example.com"), Caller(installation, "ben@example.com")
    deposit(ada, 100)
    replica.catch_up()
    assert balance(ben) == 0

    replica.stop("immediate")

    settings = server_settings(installation.data_dir)
    doctor = installation.manage("doctor", **settings, DATABASE_REPLICA_URL=replica.url())
    assert "WRONG  replica: it does not answer" in doctor.stdout
    give(ada, ben, 10)
    for _ in range(20):
        assert (balance(ada), balance(ben)) == (90, 10)
        assert statement(ben) == (10, 1)

    # And when it is back, reads follow again
    replica.start()
    replica.catch_up()
    before = scans(replica)

    def follows() -> bool:
        assert balance(ben) == 10
        return scans(replica) > before

    wait_until(follows)


def test_a_promoted_replica_answers_nobody(installation: Installation, replica: Replica) -> None:
    ada, ben = Caller(installation, "ada@example.com"), Caller(installation, "ben@example.com")
    deposit(ada, 100)
    replica.catch_up()
    assert balance(ben) == 0

    replica.query("SELECT pg_promote()")
    give(ada, ben, 10)

    assert (balance(ada), balance(ben)) == (90, 10)


def test_under_load_no_answer_steps_back(installation: Installation, replica: Replica) -> None:
    callers = [Caller(installation, f"user{n}@example.com") for n in range(CALLERS)]
    for caller in callers:
        deposit(caller, 1_000)
    replica.catch_up()
    before = scans(replica)
    is_over = threading.Event()

    def stutter() -> None:
        while not is_over.wait(0.02):
            replica.pause()
            is_over.wait(0.05)
            replica.resume()

    def only_gain(number: int) -> None:
        """Gain, and be given; what one is told only grows."""
        me, other = callers[number], callers[(number + 1) % CALLERS]
        told = balance(me)
        for step in range(ROUNDS):
            if step % 4 == 0:
                told = gained(told, deposit(me, 5))
                give_and_refill(me, other)
            told = gained(told, balance(me))
            told = gained(told, statement(me)[0])

    def give_and_refill(me: Caller, other: Caller) -> None:
        # One that gives sees less; so what is given was deposited by the same caller just before.
        deposit(me, 1)
        give(me, other, 1)

    with ThreadPoolExecutor(CALLERS + 1) as pool:
        stuttering = pool.submit(stutter)
        gaining = [pool.submit(only_gain, number) for number in range(CALLERS)]
        try:
            for future in gaining:
                future.result(DEADLINE_SECONDS)
        finally:
            is_over.set()
        stuttering.result(DEADLINE_SECONDS)

    wait_until(lambda: scans(replica) > before)
    final = 1_000 + ROUNDS // 4 * 6
    replica.catch_up()
    assert [balance(caller) for caller in callers] == [final] * CALLERS
    assert (
        installation.manage("verify_ledger", **server_settings(installation.data_dir)).returncode
        == 0
    )


def gained(told: float, now: float) -> float:
    assert now >= told, f"told {told} before, {now} now"
    return now


def scans(replica: Replica) -> int:
    """How often the wallets were looked up in the replica."""
    return int(replica.query(SCANS.format("wallets_wallet")))
