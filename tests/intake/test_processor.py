"""The processor: queued transactions run by value and age, each exactly once."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import F
from django.utils import timezone
from pytest_django import Settings

from core.errors import Unavailable
from core.unit_of_work import snapshot, unit_of_work
from harness.waiting import wait_until
from intake.chunks import choose, run, take_lease
from intake.models import CustomerImport, ProcessorState, QueuedTransaction
from intake.processor import Processor
from intake.status import processor_status
from ledger.models import Transaction
from ops.collectors.intake import collect_queue
from tests.factories import ClientFactory, a_client, api_of, freeze
from tests.http_client import Api
from tests.intake.queueing import drain, queue
from tests.races import race

pytestmark = pytest.mark.usefixtures("books")


def test_a_transaction_that_lacks_balance_is_retried_after_an_hour(settings: Settings) -> None:
    client = a_client(holds="1.00")
    queued = queue(client.api, 5)

    drain()
    short = client.api.get(f"/transaction/{queued}").json
    client.api.post(f"/wallets/{client.wallet_id}/deposit", {"amount": 10})
    drain()
    too_early = client.api.get(f"/transaction/{queued}").json
    an_hour_passes()
    drain()
    done = client.api.get(f"/transaction/{queued}").json

    assert (short["status"], short["failed"], short["attempts"]) == ("pending", True, 1)
    assert short["errorMessage"] == "The wallet does not hold enough."
    assert short["nextAttemptAt"] is not None
    assert too_early == short
    assert (done["status"], done["failed"], done["attempts"]) == ("completed", False, 2)
    assert done["nextAttemptAt"] is None
    attempts = Transaction.objects.filter(source_id=client.wallet_id).order_by("id")
    assert [row.failure_code for row in attempts] == ["insufficient_funds", None]
    assert client.balance_minor == 600


def test_a_retry_is_not_due_before_the_hour_has_passed() -> None:
    client = a_client()
    queued = queue(client.api, 5)
    drain()
    client.api.post(f"/wallets/{client.wallet_id}/deposit", {"amount": 10})

    time_passes(timedelta(minutes=59))
    drain()
    early = client.api.get(f"/transaction/{queued}").json
    time_passes(timedelta(minutes=1))
    drain()

    assert (early["status"], early["attempts"]) == ("pending", 1)
    assert client.api.get(f"/transaction/{queued}").json["status"] == "completed"


def test_a_locked_wallet_delays_the_chunk_and_loses_nothing(
    settings: Settings, owner_dsn: str
) -> None:
    settings.LOCK_TIMEOUT_MS = 100
    client = a_client(holds="10.00")
    queued = queue(client.api)
    processor = Processor()
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("SELECT FROM wallets_wallet WHERE id = %s FOR UPDATE", [client.wallet_id])

        with pytest.raises(Unavailable):
            processor.step()

        waiting = client.api.get(f"/transaction/{queued}").json
    processor.step()

    assert (waiting["status"], waiting["attempts"]) == ("pending", 0)
    assert client.api.get(f"/transaction/{queued}").json["status"] == "completed"
    assert client.balance_minor == 900
    assert Transaction.objects.filter(kind="spend").count() == 1


def test_attempts_are_used_up(settings: Settings) -> None:
    settings.MAX_ATTEMPTS = 3
    client = a_client(holds="1.00")
    queued = queue(client.api, 5)

    for _ in range(5):
        drain()
        an_hour_passes()

    dead = client.api.get(f"/transaction/{queued}").json
    assert (dead["status"], dead["failed"], dead["attempts"]) == ("failed", True, 3)
    assert Transaction.objects.filter(failure_code="insufficient_funds").count() == 3
    assert client.api.get("/processor/status").json["failed"] == 1


def test_a_customer_without_a_wallet_waits_too() -> None:
    user = ClientFactory.create().user
    queued = queue(api_of(user))

    drain()

    seen = api_of(user).get(f"/transaction/{queued}").json
    assert (seen["status"], seen["failed"], seen["transaction"]) == ("pending", True, None)


def test_an_attempt_on_a_frozen_wallet_fails_and_is_recorded() -> None:
    client = a_client(holds="5.00")
    queued = queue(client.api)
    freeze(client)

    drain()

    assert client.api.get(f"/transaction/{queued}").json["failed"] is True
    assert Transaction.objects.filter(failure_code="wallet_not_active").count() == 1
    assert client.balance_minor == 500


def test_the_most_valuable_chunk_goes_first(settings: Settings) -> None:
    settings.CHUNK_LATENCY_MS = 10
    client = a_client(holds="1000.00")
    ids = [queue(client.api, value, latency=5) for value in (1, 50, 2, 40)]

    Processor().step()

    done = [client.api.get(f"/transaction/{each}").json["status"] for each in ids]
    assert done == ["pending", "completed", "pending", "completed"]


def test_age_beats_value(settings: Settings) -> None:
    settings.CHUNK_LATENCY_MS = 10
    client = a_client(holds="1000.00")
    old = queue(client.api, 1, latency=10)
    queue(client.api, 900, latency=10)
    deadline = time.monotonic() + 20
    settings.MAX_WAIT_SECONDS = 0
    first = QueuedTransaction.objects.get(pk=old)
    while timezone.now() <= first.created_at:
        assert time.monotonic() < deadline

    Processor().step()

    assert client.api.get(f"/transaction/{old}").json["status"] == "completed"


def test_a_transaction_over_a_lowered_latency_limit_runs_when_overdue(
    settings: Settings,
) -> None:
    settings.CHUNK_LATENCY_MS = 1_000
    client, processor = a_client(holds="1000.00"), Processor()
    accepted = queue(client.api, 1, latency=900)
    settings.CHUNK_LATENCY_MS = 500
    processor.step()
    before = client.api.get(f"/transaction/{accepted}").json["status"]
    settings.MAX_WAIT_SECONDS = 0
    queued = QueuedTransaction.objects.get(pk=accepted)
    wait_until(lambda: timezone.now() > queued.created_at + timedelta(milliseconds=1))

    processor.step()

    after = client.api.get(f"/transaction/{accepted}").json["status"]
    assert (before, after) == ("pending", "completed")
    assert client.balance_minor == 99_900


def test_a_second_processor_stands_by_and_takes_over() -> None:
    client = a_client(holds="1000.00")
    first, second = Processor(), Processor()
    queue(client.api)
    assert first.step()
    queue(client.api)

    stood_by = second.step()
    ProcessorState.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=60))
    took_over = second.step()

    assert (stood_by, took_over) == (False, True)
    assert client.balance_minor == 99_800


@pytest.mark.parametrize("planned_for", ["what is there", "what an emptied queue holds"])
def test_a_chunk_reads_only_its_own_rows_however_many_have_ended(
    owner_dsn: str, planned_for: str
) -> None:
    client = a_client(holds="10.00")
    if planned_for == "what an emptied queue holds":
        queue(client.api)
        with psycopg.connect(owner_dsn) as owner:
            owner.execute("DELETE FROM intake_queuedtransaction")
            owner.execute("ANALYZE intake_queuedtransaction")
    queue(client.api)
    with psycopg.connect(owner_dsn) as owner:
        owner.execute(INSERT_COMPLETED, [5_000])

    read = queued_rows_read_by_a_chunk()

    # Of 5,000: its row is read to choose, to lock and to mark it, and perhaps some that tests
    # before it deleted, which no VACUUM has taken out of the index yet.
    assert read <= 20
    assert client.balance_minor == 900


def test_eight_concurrent_processors_run_each_transaction_once() -> None:
    client = a_client(holds="1000.00")
    client.api.post("/transaction", [{"value": 1, "latency": 100}] * 200)

    def work(_: int) -> None:
        processor = Processor()
        for _attempt in range(40):
            ProcessorState.objects.update(heartbeat_at=None)
            try:
                processor.step()
            except Exception as error:
                assert type(error).__name__ == "ChunkTaken"  # noqa: PT017

    race(8, work)
    ProcessorState.objects.update(heartbeat_at=None)
    drain()

    assert QueuedTransaction.objects.filter(status="completed", attempts=1).count() == 200
    assert Transaction.objects.filter(kind="spend").count() == 200
    assert client.balance_minor == 80_000


def test_an_import_pauses_the_processor_not_intake() -> None:
    client = a_client(holds="10.00")
    run = CustomerImport.objects.create(source="x", version="1", heartbeat_at=timezone.now())

    queued = queue(client.api)
    Processor().step()
    paused = client.api.get("/processor/status").json
    waiting = client.api.get(f"/transaction/{queued}").json
    CustomerImport.objects.filter(pk=run.pk).update(
        heartbeat_at=timezone.now() - timedelta(seconds=31)
    )
    died = client.api.get("/processor/status").json
    ProcessorState.objects.update(heartbeat_at=None)
    drain()

    assert (paused["state"], paused["seeding"]["state"]) == ("paused_for_seeding", "running")
    assert (died["state"], died["seeding"]["state"]) == ("idle", "interrupted")
    assert waiting["attempts"] == 0
    assert client.api.get(f"/transaction/{queued}").json["status"] == "completed"


def test_processor_status() -> None:
    client = a_client(holds="10.00")
    never = client.api.get("/processor/status").json
    client.api.post("/transaction", [{"value": 1, "latency": 2}, {"value": 500}])

    waiting = client.api.get("/processor/status").json
    processor = Processor()
    while processor.step():
        pass
    done = client.api.get("/processor/status").json

    assert (never["state"], never["queued"]) == ("stopped", 0)
    assert (waiting["queued"], waiting["oldestQueuedSeconds"] >= 0) == (2, True)
    assert (done["state"], done["queued"], done["failed"], done["completed"]) == ("idle", 0, 1, 1)
    assert set(done["lastChunk"]) == {"size", "value", "latency", "seconds"}
    assert (done["lastChunk"]["size"], done["lastChunk"]["value"]) == (2, 501)
    assert done["nextRetryAt"] is not None
    assert Api().get("/processor/status").status == 401


def test_status_and_metrics_read_no_ended_transactions(owner_dsn: str) -> None:
    client = a_client(holds="1.00")
    queue(client.api, 5)
    drain()
    queue(client.api, 1)
    queue(client.api, 1)
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        owner.execute(INSERT_COMPLETED, [5_000])
        owner.execute("ANALYZE intake_queuedtransaction")

    status = client.api.get("/processor/status").json

    assert (status["queued"], status["failed"], status["nextRetryAt"] is None) == (2, 1, False)
    # Each pending row is read for the count, and again for the oldest or the next.
    assert queued_rows_read_by(lambda _: processor_status()) <= 2 * 3
    assert queued_rows_read_by(lambda cursor: list(collect_queue(cursor))) <= 2 * 3


#: Inserts so many completed copies of the oldest row of the queue.
INSERT_COMPLETED = """
    INSERT INTO intake_queuedtransaction (
        id, caller_id, customer_id, kind, asset_id, amount_minor, latency_ms, summary, request_id,
        status, is_failed, attempts, max_attempts, transaction_id, created_at, updated_at)
    SELECT uuidv7(), caller_id, customer_id, kind, asset_id, amount_minor, latency_ms, summary,
           request_id, 'completed', false, 1, max_attempts, uuidv7(), now(), now()
      FROM (SELECT * FROM intake_queuedtransaction ORDER BY id LIMIT 1) AS one,
           generate_series(1, %s)
"""


def queued_rows_read_by(read: Callable[[Any], object]) -> int:
    """Return how many rows of the queue PostgreSQL fetched while `read` ran."""
    with snapshot() as cursor:
        before = _queued_rows_fetched(cursor)
        read(cursor)
        return _queued_rows_fetched(cursor) - before


def queued_rows_read_by_a_chunk() -> int:
    """Run a chunk and return how many rows of the queue PostgreSQL fetched for it."""

    def work() -> int:
        take_lease()
        with connection.cursor() as cursor:
            before = _queued_rows_fetched(cursor)
            run(choose())
            return _queued_rows_fetched(cursor) - before

    return unit_of_work(work)


def _queued_rows_fetched(cursor: CursorWrapper) -> int:
    cursor.execute(
        "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)"
        " FROM pg_stat_xact_user_tables WHERE relname = 'intake_queuedtransaction'"
    )
    return int(cursor.fetchone()[0])


def an_hour_passes() -> None:
    time_passes(timedelta(hours=1))


def time_passes(time: timedelta) -> None:
    """Bring every retry forward by this time, as if it had passed."""
    QueuedTransaction.objects.update(next_attempt_at=F("next_attempt_at") - time)
