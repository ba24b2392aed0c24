"""A streaming replica serves reads, never decisions, and no caller's view goes back in time."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.callers import Caller, a_client
from harness.installation import Installation
from harness.waiting import DEADLINE_SECONDS, wait_until
from ops.embedded_postgres import ensure_running
from tests.ops.servers import Replica, a_replica, server_settings

pytestmark = pytest.mark.slow

CALLERS = 6
ROUNDS = 40
# PostgreSQL may scan a small table instead of using an index.
SCANS = (
    "SELECT coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0) FROM pg_stat_user_tables"
    " WHERE relname LIKE '{}%'"
)


@pytest.fixture
def replica(installation: Installation, workdir: Path) -> Iterator[Replica]:
    """A replica, and the service on it and its primary."""
    with (
        ensure_running(installation.data_dir),
        a_replica(installation.data_dir, workdir / "replica") as replica,
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
    body = caller.get(f"/wallets/{caller.wallet}/statement")
    return float(body["closingBalance"]), len(body["entries"])


def test_reads_use_the_replica_unless_it_is_behind_the_caller(
    installation: Installation, replica: Replica
) -> None:
    # Given two users, and a replica that has replayed all their writes
    ada, ben = a_client(installation.url), a_client(installation.url)
    deposit(ada, 100)
    replica.catch_up()

    settings = server_settings(installation.data_dir)
    doctor = installation.manage("doctor", **settings, DATABASE_REPLICA_URL=replica.url())
    assert "ok     replica: it follows the primary" in doctor.stdout

    # When the replay is paused, and money moves from one to the other
    replica.pause()
    assert give(ada, ben, 10) == 90

    # Then the sender reads the new balance, from the primary
    assert balance(ada) == 90
    assert statement(ada) == (90, 2)
    # And the receiver, who has seen no newer answer, reads the old balance from the replica
    assert balance(ben) == 0
    assert statement(ben) == (0, 0)
    # After an answer of the primary the receiver reads from the primary, too
    assert deposit(ben, 1) == 11
    assert balance(ben) == 11
    assert statement(ben) == (11, 2)
    # And decisions always use the primary
    assert give(ben, ada, 11) == 0

    # When the replica has caught up, reads use it again, and do not show later transactions
    replica.resume()
    replica.catch_up()
    replica.pause()
    assert give(ada, ben, 7) == 94
    assert (balance(ada), balance(ben)) == (94, 0)

    # After an answer from an endpoint that always reads the primary, the caller reads the primary
    assert ben.get(f"/customer/{ben.customer}")["balance"] == 7
    assert balance(ben) == 7

    # And a new caller, whose position is unknown, reads from the primary
    assert balance(a_client(installation.url)) == 0
    replica.resume()


def test_without_the_replica_the_primary_answers(
    installation: Installation, replica: Replica
) -> None:
    ada, ben = a_client(installation.url), a_client(installation.url)
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

    # And when it is back, reads use it again
    replica.start()
    replica.catch_up()
    before = scans(replica)

    def follows() -> bool:
        assert balance(ben) == 10
        return scans(replica) > before

    wait_until(follows)


def test_a_promoted_replica_serves_no_reads(installation: Installation, replica: Replica) -> None:
    ada, ben = a_client(installation.url), a_client(installation.url)
    deposit(ada, 100)
    replica.catch_up()
    assert balance(ben) == 0

    replica.query("SELECT pg_promote()")
    give(ada, ben, 10)

    assert (balance(ada), balance(ben)) == (90, 10)


def test_under_load_no_balance_goes_back_in_time(
    installation: Installation, replica: Replica
) -> None:
    callers = [a_client(installation.url) for _ in range(CALLERS)]
    for caller in callers:
        deposit(caller, 1_000)
    replica.catch_up()
    before = scans(replica)
    is_over = threading.Event()

    def pause_repeatedly() -> None:
        while not is_over.wait(0.02):
            replica.pause()
            is_over.wait(0.05)
            replica.resume()

    def only_gain(number: int) -> None:
        """Deposit and receive; the balance that the caller reads must only grow."""
        me, other = callers[number], callers[(number + 1) % CALLERS]
        last = balance(me)
        for step in range(ROUNDS):
            if step % 4 == 0:
                last = not_lower(last, deposit(me, 5))
                give_and_refill(me, other)
            last = not_lower(last, balance(me))
            last = not_lower(last, statement(me)[0])

    def give_and_refill(me: Caller, other: Caller) -> None:
        # A transfer lowers the balance, so the caller deposits the amount first.
        deposit(me, 1)
        give(me, other, 1)

    with ThreadPoolExecutor(CALLERS + 1) as pool:
        pausing = pool.submit(pause_repeatedly)
        gaining = [pool.submit(only_gain, number) for number in range(CALLERS)]
        try:
            for future in gaining:
                future.result(DEADLINE_SECONDS)
        finally:
            is_over.set()
        pausing.result(DEADLINE_SECONDS)

    wait_until(lambda: scans(replica) > before)
    final = 1_000 + ROUNDS // 4 * 6
    replica.catch_up()
    assert [balance(caller) for caller in callers] == [final] * CALLERS
    assert (
        installation.manage("verify_ledger", **server_settings(installation.data_dir)).returncode
        == 0
    )


def not_lower(last: float, now: float) -> float:
    assert now >= last, f"{last} before, {now} now"
    return now


def scans(replica: Replica) -> int:
    """How often the wallets were looked up in the replica."""
    return int(replica.query(SCANS.format("wallets_wallet")))
