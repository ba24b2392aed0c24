"""Intake: what is accepted now to run later, and what is refused at the door."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from intake.models import QueuedTransaction
from ledger.models import Transaction
from tests.factories import a_client, a_company, an_operator, api_of
from tests.intake.queueing import drain, queue

pytestmark = pytest.mark.usefixtures("books")

SOMEBODY = "0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f11"


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


@pytest.mark.parametrize(
    ("bad", "who", "field"),
    [({"value": "x"}, "a client", "value"), ({"value": "1.001"}, "a client", "value"),
     ({"value": 1}, "an operator", "customer")],
)  # fmt: skip
def test_a_field_is_named_with_its_place_in_an_array_even_of_one(
    bad: Any, who: str, field: str
) -> None:
    api = a_client(holds="10.00").api if who == "a client" else api_of(an_operator())

    alone, in_array = api.post("/transaction", bad), api.post("/transaction", [bad])

    assert (alone.status, in_array.status) == (422, 422)
    assert (set(alone.json["details"]), set(in_array.json["details"])) == (
        {field}, {f"[0].{field}"},
    )  # fmt: skip
    assert not QueuedTransaction.objects.exists()


def test_one_key_queues_once() -> None:
    client = a_client(holds="10.00")

    first = client.api.post("/transaction", {"value": 1}, key="q")
    repeat = client.api.post("/transaction", {"value": 1}, key="q")

    assert (repeat.raw, repeat.headers["Location"]) == (first.raw, first.headers["Location"])
    assert QueuedTransaction.objects.count() == 1


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
