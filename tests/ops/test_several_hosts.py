"""Two hosts, each with web processes and a worker, on one database."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from harness.callers import Caller, a_client
from harness.installation import Installation
from harness.waiting import wait_until
from ops.embedded_postgres import ensure_running
from tests.ops.servers import server_settings

pytestmark = pytest.mark.slow

CALLERS = 6
STEPS = 30


@pytest.fixture
def hosts(installation: Installation) -> Iterator[list[Installation]]:
    """Two services on the database of the first."""
    settings = server_settings(installation.data_dir)
    with ensure_running(installation.data_dir):
        other = Installation(installation.data_dir)
        for host in (installation, other):
            host.serve(**settings)
        yield [installation, other]
        for host in (installation, other):
            host.clean_up()
        verified = installation.manage("verify_ledger", **settings)
        assert verified.returncode == 0, verified.stdout


def test_a_request_that_is_sent_to_both_hosts_runs_once(hosts: list[Installation]) -> None:
    # Given users with money, and their sessions on both hosts
    people = [a_client(hosts[0].url) for _ in range(CALLERS)]
    twins = [person.at(hosts[1].url) for person in people]
    for person in people:
        person.post("/wallet/deposit", {"wallet": person.wallet, "amount": 100})

    # When each sends each transfer to both hosts concurrently, under one key
    def transfer(number: int, caller: Caller) -> list[Any]:
        target = people[(number + 1) % CALLERS]
        body = {"source": caller.wallet, "target": target.wallet, "amount": 1}
        return [caller.post("/wallet/transfer", body, key=f"key-{n}") for n in range(STEPS)]

    with ThreadPoolExecutor(2 * CALLERS) as threads:
        answers = [
            [threads.submit(transfer, number, caller) for caller in pair]
            for number, pair in enumerate(zip(people, twins, strict=True))
        ]

    # Then both got the same answers, and each transfer happened once
    for one, other in answers:
        assert one.result() == other.result()
    for twin in twins:
        statement = twin.get(f"/wallets/{twin.wallet}/statement")
        assert (statement["closingBalance"], len(statement["entries"])) == (100, 1 + 2 * STEPS)

    # And transactions queued on both hosts run once, whichever processor is active
    queued = [*people[0].post("/transaction", [{"value": 1}] * 40)]
    queued += twins[0].post("/transaction", [{"value": 1}] * 40)

    def states() -> Counter[str]:
        return Counter(twins[0].get(f"/transaction/{each['id']}")["status"] for each in queued)

    wait_until(lambda: states() == {"completed": 80})
    assert twins[0].get(f"/wallet/info/{people[0].wallet}")["balance"] == 20
