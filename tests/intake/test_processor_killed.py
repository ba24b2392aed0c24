"""Processors killed in the middle of chunks: each accepted transaction runs exactly once."""

import random
import subprocess
from collections import Counter
from dataclasses import dataclass, field

import psutil
import pytest
from django.db import connection
from django.db.models import Sum

from harness.waiting import DEADLINE_SECONDS, wait_until
from intake.chunks import CHUNK_LOCK
from intake.models import ProcessorState, QueuedTransaction
from ledger.models import Transaction
from tests.factories import Holder, a_client, an_operator, api_of
from tests.http_client import Api
from tests.processes import Workers

pytestmark = pytest.mark.slow

KILLS = 20
#: Processors running at a time: one works, the others start or stand by.
PROCESSORS = 3
#: Transactions accepted before the first kill and at each one, so that the queue is never empty.
ACCEPTED_PER_KILL = 150


@dataclass
class Killer:
    """Starts processors, and kills the one that runs a chunk."""

    workers: Workers
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    stopped: str | None = None

    def replenish(self) -> None:
        while len(self.processes) < PROCESSORS:
            name = f"processor {random.random()}"
            self.processes[name] = self.workers.start(PGAPPNAME=name)

    def kill_one_at_any_moment(self) -> None:
        """Kill the processor that holds the lease, at any point of its chunk."""
        wait_until(lambda: self.holder() is not None)
        self.kill(self.holder() or next(iter(self.processes)))

    def kill_one_that_has_written(self) -> None:
        """Kill a processor whose chunk is posted and not yet committed.

        It is stopped first, so that it cannot commit before it is killed.
        """
        wait_until(lambda: self.stop_one_that_has_written() is not None)
        assert self.stopped is not None
        self.kill(self.stopped)

    def stop_one_that_has_written(self) -> str | None:
        self.stopped = self.holder()
        if self.stopped is None:
            return None
        process = psutil.Process(self.processes[self.stopped].pid)
        process.suspend()
        wait_until(lambda: process.status() == psutil.STATUS_STOPPED)
        # PostgreSQL first completes the statement that it was sent.
        wait_until(lambda: self.state(self.stopped) != "active")
        if self.is_written_and_open(self.stopped):
            return self.stopped
        process.resume()
        return None

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        process.kill()
        process.communicate(timeout=DEADLINE_SECONDS)
        wait_until(lambda: self.state(name) is None)
        # As after the heartbeat's timeout: another processor takes over.
        ProcessorState.objects.update(heartbeat_at=None)

    def holder(self) -> str | None:
        """Return the name of the processor that holds the lease."""
        return _one(
            "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE locktype = 'advisory' AND objid = %s AND datname = current_database()"
            " AND application_name LIKE 'processor %%'",
            CHUNK_LOCK,
        )

    def is_written_and_open(self, name: str) -> bool:
        """Return whether its session is idle in a transaction that has written to the ledger."""
        return bool(
            _one(
                "SELECT a.pid FROM pg_stat_activity a JOIN pg_locks USING (pid)"
                " WHERE application_name = %s AND state = 'idle in transaction'"
                " AND mode = 'RowExclusiveLock' AND relation::regclass::text"
                " LIKE 'ledger_transaction%%' LIMIT 1",
                name,
            )
        )

    def state(self, name: str | None) -> str | None:
        """Return the state of its sessions: active if any of them is, None if it has none."""
        return _one(
            "SELECT min(state) FROM pg_stat_activity"
            " WHERE application_name = %s AND datname = current_database()",
            name,
        )


def _one(query: str, *values: str | int | None) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        row = cursor.fetchone()
    return row[0] if row else None


def attempted() -> int:
    return QueuedTransaction.objects.filter(attempts__gt=0).count()


def accept(operator: Api, customers: list[Holder]) -> list[str]:
    items = [
        {
            "value": random.choice(("0.10", "0.25", "1.00")),
            "latency": random.choice((50, 100, 200)),
            "customer": str(random.choice(customers).user.pk),
        }
        for _ in range(ACCEPTED_PER_KILL)
    ]
    reply = operator.post("/transaction", items)
    assert reply.status == 202
    return [each["id"] for each in reply.json]


def test_every_transaction_runs_once_although_processors_are_killed(workers: Workers) -> None:
    # Given a queue, and customers of whom some run out of balance
    customers = [a_client(holds="5.00" if number % 4 == 0 else "1000.00") for number in range(20)]
    operator = api_of(an_operator())
    accepted = accept(operator, customers)
    killer = Killer(workers)

    # When processors are killed during chunks, while more is accepted
    for number in range(KILLS):
        done = attempted()
        killer.replenish()
        wait_until(lambda: attempted() > done)  # noqa: B023
        if number % 2:
            killer.kill_one_that_has_written()
        else:
            killer.kill_one_at_any_moment()
        accepted += accept(operator, customers)
    assert attempted() < len(accepted), "the queue ran empty before the last kill"
    killer.replenish()
    wait_until(lambda: attempted() == len(accepted))

    # Then each transaction ran once
    rows = QueuedTransaction.objects.in_bulk([*accepted])
    assert {str(each) for each in rows} == set(accepted)
    assert QueuedTransaction.objects.count() == len(accepted) == ACCEPTED_PER_KILL * (KILLS + 1)
    assert {row.attempts for row in rows.values()} == {1}
    assert Counter((row.status, row.is_failed) for row in rows.values()).keys() == {
        ("completed", False),
        ("pending", True),
    }

    # And each has one transaction in the ledger, which holds no others
    spends = Transaction.objects.filter(kind="spend")
    assert spends.count() == len(rows)
    in_ledger = {
        spend.id: (spend.source_id, spend.amount_minor, spend.failure_code) for spend in spends
    }
    wallet_of = {customer.user.pk: customer.wallet_id for customer in customers}
    assert in_ledger == {
        row.transaction_id: (wallet_of[row.customer_id], row.amount_minor, row.error_code)
        for row in rows.values()
    }

    # And each customer paid exactly for what was completed
    for customer in customers:
        paid = QueuedTransaction.objects.filter(
            customer_id=customer.user.pk, status="completed"
        ).aggregate(Sum("amount_minor", default=0))["amount_minor__sum"]
        received = Transaction.objects.get(kind="deposit", target_id=customer.wallet_id)
        assert customer.balance_minor == received.amount_minor - paid
    completed = QueuedTransaction.objects.filter(status="completed").count()
    assert ProcessorState.objects.get().completed == completed
