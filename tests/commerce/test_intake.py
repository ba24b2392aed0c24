"""Intake and its processor: accepted now, run later, exactly once."""

import time
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db.models import F
from django.utils import timezone
from pytest_django import Settings

from commerce.models import ProcessorState, QueuedTransaction, SeedRun
from commerce.processor import Processor
from core.errors import Unavailable
from core.unit_of_work import unit_of_work
from ledger.models import Transaction
from tests.api import Api
from tests.factories import ClientFactory, a_client, a_company, an_operator, api_of, freeze
from tests.infrastructure.conftest import wait_until
from tests.races import race

pytestmark = pytest.mark.usefixtures("books")

SOMEBODY = "0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f11"


def drain() -> None:
    """Run the queue until nothing is ready, and make room for the next processor."""
    processor = Processor()
    while processor.step():
        pass
    unit_of_work(processor.leave)


def queue(api: Api, value: Any = 1, **more: Any) -> str:
    reply = api.post("/transaction", {"value": value, **more})
    assert reply.status == 202, reply.raw
    return str(reply.json["id"])


def test_what_is_accepted_runs_and_goes_to_revenue() -> None:
    client = a_client(holds="10.00")

    reply = client.api.post("/transaction", {"value": "2.50", "latency": 5, "description": "Tea"})
    before = client.api.get(reply.headers["Location"]).json
    drain()
    after = client.api.get(reply.headers["Location"]).json

    assert (reply.status, reply.json["status"]) == (202, "pending")
    assert (before["status"], before["failed"], before["attempts"]) == ("pending", False, 0)
    assert (after["status"], after["attempts"], after["errorMessage"]) == ("completed", 1, None)
    assert (after["value"], after["latency"]) == (Decimal("2.50"), 5)
    spend = Transaction.objects.get(pk=after["transaction"])
    assert (spend.kind, spend.summary, spend.target_is_system) == ("spend", "Tea", True)
    assert client.balance_minor == 750


def test_an_array_is_accepted_in_its_order() -> None:
    client, other = a_client(holds="10.00"), a_client()
    items = [{"amount": 1}, {"value": "2", "target": str(other.wallet_id)}, {"value": 3}]

    reply = client.api.post("/transaction", items)
    drain()

    assert reply.status == 202
    assert "Location" not in reply.headers
    values = [client.api.get(f"/transaction/{row['id']}").json["value"] for row in reply.json]
    assert values == [1, 2, 3]
    assert (client.balance_minor, other.balance_minor) == (400, 200)


def test_operators_name_customers() -> None:
    client, operator = a_client(holds="10.00"), api_of(an_operator())

    queued = queue(operator, 4, customer=str(client.user.pk))
    drain()

    assert client.balance_minor == 600
    assert client.api.get(f"/transaction/{queued}").json["status"] == "completed"
    assert operator.post("/transaction", {"value": 1}).code == "validation_error"
    unknown = operator.post("/transaction", {"value": 1, "customer": str(uuid.uuid4())})
    assert (unknown.status, unknown.code) == (404, "not_found")


def test_others_see_nothing_of_it() -> None:
    client, stranger = a_client(holds="10.00"), a_client()
    queued = queue(client.api)

    assert stranger.api.get(f"/transaction/{queued}").code == "not_found"
    assert client.api.get(f"/transaction/{uuid.uuid4()}").code == "not_found"
    assert client.api.get("/transaction/42").code == "not_found"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ([], 422, "validation_error"),
        ([{"value": 1}] * 1_001, 422, "validation_error"),
        ({}, 422, "validation_error"),
        ({"value": 1, "amount": 2}, 422, "validation_error"),
        ({"value": 0}, 400, "amount_not_positive"),
        ({"value": "1.001"}, 422, "validation_error"),
        ({"value": 1, "latency": 0}, 422, "validation_error"),
        ({"value": 1, "latency": -1}, 422, "validation_error"),
        ({"value": 1, "latency": 1_001}, 422, "validation_error"),
        ({"value": 1, "latency": 1.0}, 422, "validation_error"),
        ({"value": 1, "latency": "1"}, 422, "validation_error"),
        ({"value": 1, "latency": True}, 422, "validation_error"),
        ({"value": 1, "colour": "red"}, 422, "validation_error"),
        ({"value": 1, "customer": SOMEBODY}, 403, "permission_denied"),
        ({"value": 1, "target": SOMEBODY}, 404, "not_found"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_at_the_door(body: Any, status: int, code: str) -> None:
    client = a_client(holds="10.00")

    reply = client.api.post("/transaction", body or b"[]" if body == [] else body)

    assert (reply.status, reply.code) == (status, code)
    assert not QueuedTransaction.objects.exists()


@pytest.mark.parametrize(
    ("bad", "named"),
    [({"value": 0}, "index"), ({"value": "x"}, "[1].value"), ({"v": 1}, "[1].v"), (7, "[1]")],
)
def test_an_array_with_one_bad_item_is_refused_whole_naming_it(bad: Any, named: str) -> None:
    client = a_client(holds="10.00")

    reply = client.api.post("/transaction", [{"value": 1}, bad, {"value": 1}])

    assert reply.status in (400, 422)
    assert named in reply.json["details"]
    assert reply.json["details"].get("index", 1) == 1
    assert not QueuedTransaction.objects.exists()


def test_one_key_queues_once() -> None:
    client = a_client(holds="10.00")

    first = client.api.post("/transaction", {"value": 1}, key="q")
    repeat = client.api.post("/transaction", {"value": 1}, key="q")

    assert (repeat.raw, repeat.headers["Location"]) == (first.raw, first.headers["Location"])
    assert QueuedTransaction.objects.count() == 1


def test_lack_of_balance_waits_an_hour_then_runs(settings: Settings) -> None:
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


def test_the_hour_is_a_whole_one() -> None:
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


def test_a_wallet_that_stays_locked_costs_a_step_not_a_transaction(
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

    told = api_of(user).get(f"/transaction/{queued}").json
    assert (told["status"], told["failed"], told["transaction"]) == ("pending", True, None)


def test_a_frozen_wallet_is_refused_on_record() -> None:
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


def test_what_a_higher_limit_let_in_runs_once_it_has_waited_long_enough(
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


def test_eight_processors_at_once_run_everything_once() -> None:
    client = a_client(holds="1000.00")
    client.api.post("/transaction", [{"value": 1, "latency": 100}] * 200)

    def work(_: int) -> None:
        processor = Processor()
        for _attempt in range(40):
            ProcessorState.objects.update(heartbeat_at=None)
            try:
                processor.step()
            except Exception as pause:
                assert type(pause).__name__ == "ChunkTaken"  # noqa: PT017

    race(8, work)
    ProcessorState.objects.update(heartbeat_at=None)
    drain()

    assert QueuedTransaction.objects.filter(status="completed", attempts=1).count() == 200
    assert Transaction.objects.filter(kind="spend").count() == 200
    assert client.balance_minor == 80_000


def test_seeding_pauses_execution_not_intake() -> None:
    client = a_client(holds="10.00")
    run = SeedRun.objects.create(source="x", version="1", heartbeat_at=timezone.now())

    queued = queue(client.api)
    Processor().step()
    paused = client.api.get("/processor/status").json
    waiting = client.api.get(f"/transaction/{queued}").json
    SeedRun.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=31))
    died = client.api.get("/processor/status").json
    ProcessorState.objects.update(heartbeat_at=None)
    drain()

    assert (paused["state"], paused["seeding"]["state"]) == ("paused_for_seeding", "running")
    assert (died["state"], died["seeding"]["state"]) == ("idle", "interrupted")
    assert waiting["attempts"] == 0
    assert client.api.get(f"/transaction/{queued}").json["status"] == "completed"


def test_the_status_page_tells_the_truth() -> None:
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


@pytest.mark.parametrize("door", ["token", "resource"])
def test_a_transfer_can_be_queued(door: str) -> None:
    client, other = a_client(holds="10.00"), a_company()
    call, body = {
        "token": ("/wallet/transfer", {"source": str(client.wallet_id),
                                       "target": str(other.wallet_id), "amount": 4}),
        "resource": ("/wallets/transfer", {"senderWalletId": str(client.wallet_id),
                                           "receiverWalletId": str(other.wallet_id), "amount": 4}),
    }[door]  # fmt: skip
    path = f"/wallets/{client.wallet_id}/transactions"

    reply = client.api.post(call, body, Prefer="respond-async")
    [pending, *_] = client.api.get(path).json["data"]
    drain()
    [done, *_] = client.api.get(path).json["data"]

    assert (reply.status, reply.json["status"]) == (202, "pending")
    assert reply.headers["Location"] == f"/transaction/{reply.json['id']}"
    assert (pending["id"], pending["status"]) == (reply.json["id"], "pending")
    assert (pending["senderWallet"], pending["receiverWallet"]) == (
        str(client.wallet_id), str(other.wallet_id),
    )  # fmt: skip
    assert (done["status"], done["type"]) == ("completed", "transfer")
    assert (client.balance_minor, other.balance_minor) == (600, 400)


@pytest.mark.parametrize("door", ["token", "resource"])
def test_a_queued_withdrawal_short_of_balance_fails_for_good_on_record(door: str) -> None:
    client = a_client(holds="10.00")
    call, body = {
        "token": ("/wallet/withdraw", {"wallet": str(client.wallet_id), "amount": 11}),
        "resource": (f"/wallets/{client.wallet_id}/withdraw", {"amount": 11}),
    }[door]

    reply = client.api.post(call, body, Prefer="respond-async, wait=5")
    drain()

    told = client.api.get(reply.headers["Location"]).json
    assert (told["status"], told["failed"], told["nextAttemptAt"]) == ("failed", True, None)
    assert Transaction.objects.filter(failure_code="insufficient_funds").count() == 1
    assert client.balance_minor == 1000


def test_what_would_be_refused_at_once_is_not_queued() -> None:
    client = a_client(holds="10.00")
    own = str(client.wallet_id)

    same = client.api.post(
        "/wallet/transfer", {"source": own, "target": own, "amount": 1}, Prefer="respond-async"
    )
    zero = client.api.post(f"/wallets/{own}/withdraw", {"amount": 0}, Prefer="respond-async")

    assert (same.code, zero.code) == ("same_wallet", "amount_not_positive")
    assert not QueuedTransaction.objects.exists()


def an_hour_passes() -> None:
    time_passes(timedelta(hours=1))


def time_passes(time: timedelta) -> None:
    """Move what waits for its next attempt on, as the clock would."""
    QueuedTransaction.objects.update(next_attempt_at=F("next_attempt_at") - time)
