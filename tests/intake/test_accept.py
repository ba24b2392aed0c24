"""Intake: which transactions are queued, and which are refused."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from intake.models import QueuedTransaction
from ledger.models import Transaction
from tests.factories import a_client, a_company, an_operator, api_of
from tests.intake.queueing import drain, queue

pytestmark = pytest.mark.usefixtures("books")

UNKNOWN_ID = "0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f11"


def test_an_accepted_transaction_runs_and_goes_to_revenue() -> None:
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


def test_an_array_is_accepted_in_order() -> None:
    client, other = a_client(holds="10.00"), a_client()
    items = [{"amount": 1}, {"value": "2", "target": str(other.wallet_id)}, {"value": 3}]

    reply = client.api.post("/transaction", items)
    drain()

    assert reply.status == 202
    assert "Location" not in reply.headers
    values = [client.api.get(f"/transaction/{row['id']}").json["value"] for row in reply.json]
    assert values == [1, 2, 3]
    assert (client.balance_minor, other.balance_minor) == (400, 200)


def test_an_operator_must_name_the_customer() -> None:
    client, operator = a_client(holds="10.00"), api_of(an_operator())

    queued = queue(operator, 4, customer=str(client.user.pk))
    drain()

    assert client.balance_minor == 600
    assert client.api.get(f"/transaction/{queued}").json["status"] == "completed"
    assert operator.post("/transaction", {"value": 1}).code == "validation_error"
    unknown = operator.post("/transaction", {"value": 1, "customer": str(uuid.uuid4())})
    assert (unknown.status, unknown.code) == (404, "not_found")


def test_a_queued_transaction_is_not_found_by_others() -> None:
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
        ({"value": 1, "customer": UNKNOWN_ID}, 403, "permission_denied"),
        ({"value": 1, "target": UNKNOWN_ID}, 404, "not_found"),
    ],
)  # fmt: skip
def test_an_invalid_request_is_refused_and_not_queued(body: Any, status: int, code: str) -> None:
    client = a_client(holds="10.00")

    reply = client.api.post("/transaction", body or b"[]" if body == [] else body)

    assert (reply.status, reply.code) == (status, code)
    assert not QueuedTransaction.objects.exists()


@pytest.mark.parametrize(
    ("invalid", "detail"),
    [({"value": 0}, "index"), ({"value": "x"}, "[1].value"), ({"v": 1}, "[1].v"), (7, "[1]")],
)
def test_one_invalid_item_refuses_the_whole_array(invalid: Any, detail: str) -> None:
    client = a_client(holds="10.00")

    reply = client.api.post("/transaction", [{"value": 1}, invalid, {"value": 1}])

    assert reply.status in (400, 422)
    assert detail in reply.json["details"]
    assert reply.json["details"].get("index", 1) == 1
    assert not QueuedTransaction.objects.exists()


@pytest.mark.parametrize(
    ("invalid", "caller", "field"),
    [({"value": "x"}, "a client", "value"), ({"value": "1.001"}, "a client", "value"),
     ({"value": 1}, "an operator", "customer")],
)  # fmt: skip
def test_a_field_is_named_with_its_index_in_an_array_even_of_one(
    invalid: Any, caller: str, field: str
) -> None:
    api = a_client(holds="10.00").api if caller == "a client" else api_of(an_operator())

    alone, in_array = api.post("/transaction", invalid), api.post("/transaction", [invalid])

    assert (alone.status, in_array.status) == (422, 422)
    assert (set(alone.json["details"]), set(in_array.json["details"])) == (
        {field}, {f"[0].{field}"},
    )  # fmt: skip
    assert not QueuedTransaction.objects.exists()


def test_a_repeated_idempotency_key_queues_once() -> None:
    client = a_client(holds="10.00")

    first = client.api.post("/transaction", {"value": 1}, key="q")
    repeat = client.api.post("/transaction", {"value": 1}, key="q")

    assert (repeat.raw, repeat.headers["Location"]) == (first.raw, first.headers["Location"])
    assert QueuedTransaction.objects.count() == 1


@pytest.mark.parametrize("audience", ["token", "resource"])
def test_a_transfer_can_be_queued(audience: str) -> None:
    client, other = a_client(holds="10.00"), a_company()
    call, body = {
        "token": ("/wallet/transfer", {"source": str(client.wallet_id),
                                       "target": str(other.wallet_id), "amount": 4}),
        "resource": ("/wallets/transfer", {"senderWalletId": str(client.wallet_id),
                                           "receiverWalletId": str(other.wallet_id), "amount": 4}),
    }[audience]  # fmt: skip
    path = f"/wallets/{client.wallet_id}/transactions"

    reply = client.api.post(call, body, Prefer="respond-async")
    [pending, *_] = client.api.get(path).json["data"]
    drain()
    [done, *_] = client.api.get(path).json["data"]

    assert (reply.status, reply.json["status"]) == (202, "pending")
    assert reply.headers["Location"] == f"/transaction/{reply.json['id']}"
    assert (pending["id"], pending["status"]) == (reply.json["id"], "pending")
    assert (pending["senderWallet"], pending["receiverWallet"]) == (
        str(client.wallet_id), str(other.wallet.address),
    )  # fmt: skip
    assert (done["status"], done["type"]) == ("completed", "transfer")
    assert (client.balance_minor, other.balance_minor) == (600, 400)


@pytest.mark.parametrize("audience", ["token", "resource"])
def test_a_queued_withdrawal_without_enough_balance_fails_and_is_recorded(audience: str) -> None:
    client = a_client(holds="10.00")
    call, body = {
        "token": ("/wallet/withdraw", {"wallet": str(client.wallet_id), "amount": 11}),
        "resource": (f"/wallets/{client.wallet_id}/withdraw", {"amount": 11}),
    }[audience]

    reply = client.api.post(call, body, Prefer="respond-async, wait=5")
    drain()

    queued = client.api.get(reply.headers["Location"]).json
    assert (queued["status"], queued["failed"], queued["nextAttemptAt"]) == ("failed", True, None)
    assert Transaction.objects.filter(failure_code="insufficient_funds").count() == 1
    assert client.balance_minor == 1000


def test_a_transfer_that_is_refused_immediately_is_not_queued() -> None:
    client = a_client(holds="10.00")
    own = str(client.wallet_id)

    same = client.api.post(
        "/wallet/transfer", {"source": own, "target": own, "amount": 1}, Prefer="respond-async"
    )
    zero = client.api.post(f"/wallets/{own}/withdraw", {"amount": 0}, Prefer="respond-async")

    assert (same.code, zero.code) == ("same_wallet", "amount_not_positive")
    assert not QueuedTransaction.objects.exists()
