"""`/wallets*`: wallets as resources."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from ledger.models import Transaction
from tests.factories import Holder, a_client, a_company, an_operator, api_of, freeze
from tests.races import race
from wallets.assets import create_asset
from wallets.models import Wallet

pytestmark = pytest.mark.usefixtures("books")

OF_ITS_OWNER = {"balance", "address", "charges", "label"}
RESOURCE = {"id", "currency", "createdAt", "updatedAt", *OF_ITS_OWNER}


def transfer_body(source: Holder, target: Holder, amount: Any, **more: str) -> dict[str, Any]:
    return {
        "senderWalletId": str(source.wallet_id),
        "receiverWalletId": str(target.wallet_id),
        "amount": amount,
        **more,
    }


@pytest.mark.parametrize(
    ("body", "currency", "balance", "deposits"),
    [
        ({}, "USD", "0", 0),
        ({"currency": "EUR"}, "EUR", "0", 0),
        ({"balance": 0}, "USD", "0", 0),
        ({"balance": "100.50"}, "USD", "100.50", 1),
    ],
)
def test_a_wallet_is_created_with_its_first_balance(
    body: dict[str, Any], currency: str, balance: str, deposits: int
) -> None:
    client = a_client()

    reply = client.api.post("/wallets", body)

    assert reply.status == 201
    assert set(reply.json) == RESOURCE
    assert (reply.json["currency"], reply.json["balance"]) == (currency, Decimal(balance))
    assert reply.json["address"] == str(Wallet.objects.get(pk=reply.json["id"]).address)
    assert (reply.json["charges"], reply.json["label"]) == ("open", "")
    assert Transaction.objects.filter(target_id=reply.json["id"]).count() == deposits


def test_a_new_wallet_is_as_old_as_its_last_change_whatever_the_hosts_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = a_client()
    yesterday = timezone.now() - timedelta(days=1)
    monkeypatch.setattr(timezone, "now", lambda: yesterday)

    made = client.api.post("/wallets", {}).json

    assert made["updatedAt"] == made["createdAt"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"currency": "XXX"}, 422, "validation_error"),
        ({"currency": "GOLD"}, 403, "permission_denied"),
        ({"balance": "-1"}, 400, "amount_not_positive"),
        ({"balance": "1.001"}, 422, "validation_error"),
        ({"balance": None}, 422, "validation_error"),
        ({"name": "x"}, 422, "validation_error"),
    ],
)
def test_a_wrong_creation_leaves_no_wallet(body: dict[str, Any], status: int, code: str) -> None:
    create_asset(symbol="GOLD", name="Gold", decimals=2, is_cash=False)
    client = a_client()

    reply = client.api.post("/wallets", body)

    assert (reply.status, reply.code) == (status, code)
    assert Wallet.objects.filter(owner_id=client.user.pk).count() == 1


def test_operators_hold_no_wallets() -> None:
    reply = api_of(an_operator()).post("/wallets", {})

    assert (reply.status, reply.code) == (403, "permission_denied")


@pytest.mark.parametrize("spelling", ["wallet_id", "walletId"])
def test_fund_deposits_the_amount(spelling: str) -> None:
    client = a_client()

    reply = client.api.post(
        "/wallets/fund",
        {spelling: str(client.wallet_id), "amount": 100.5, "description": "Initial funding"},
    )

    assert reply.status == 200
    assert (reply.json["id"], reply.json["balance"]) == (str(client.wallet_id), Decimal("100.50"))


@pytest.mark.parametrize(
    "body",
    [
        {"amount": 1},
        {"wallet_id": "0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f11", "walletId": None, "amount": 1},
        {
            "wallet_id": "0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f11",
            "walletId": "4d2f7c61-1f0f-4c7e-8a53-8b7e5f6a2c22",
            "amount": 1,
        },
        {"wallet_id": "0b8e3d567d0f4b569f6a5f0f4f4a8f11", "amount": 1},
        {"wallet_id": "{0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f11}", "amount": 1},
    ],
)
def test_fund_requires_exactly_one_wallet(body: dict[str, Any]) -> None:
    reply = a_client().api.post("/wallets/fund", body)

    assert (reply.status, reply.code) == (422, "validation_error")


def test_a_repeat_with_the_key_in_the_body_conflicts_and_names_the_first() -> None:
    client = a_client()
    body = {"wallet_id": str(client.wallet_id), "amount": 10, "idempotencyKey": "fund-1"}

    first = client.api.post("/wallets/fund", body)
    repeat = client.api.post("/wallets/fund", body)

    [deposit] = Transaction.objects.filter(target_id=client.wallet_id)
    assert first.status == 200
    assert (repeat.status, repeat.code) == (409, "duplicate_idempotency_key")
    assert repeat.json["details"] == {"transactionId": str(deposit.id)}
    assert client.balance_minor == 1000


def test_a_repeat_with_the_key_in_the_header_replays() -> None:
    client = a_client()
    body = {"wallet_id": str(client.wallet_id), "amount": 10}

    first = client.api.post("/wallets/fund", body, key="fund-1")
    repeat = client.api.post("/wallets/fund", {**body, "idempotencyKey": "fund-1"}, key="fund-1")

    assert (repeat.status, repeat.raw) == (200, first.raw)
    assert repeat.headers["Idempotent-Replayed"] == "true"
    assert client.balance_minor == 1000


def test_a_refusal_under_a_key_in_the_body_replays() -> None:
    client, other = a_client(holds="1.00"), a_client()
    body = transfer_body(client, other, 5, clientTransactionId="t-1")

    first = client.api.post("/wallets/transfer", body)
    repeat = client.api.post("/wallets/transfer", body)

    assert (first.status, first.code) == (400, "insufficient_funds")
    assert (repeat.status, repeat.raw) == (400, first.raw)
    assert Transaction.objects.filter(source_id=client.wallet_id).count() == 1


def test_one_body_key_for_another_request_moves_nothing() -> None:
    client, other = a_client(holds="10.00"), a_client()
    client.api.post("/wallets/transfer", transfer_body(client, other, 5, idempotencyKey="k"))

    reply = client.api.post(
        "/wallets/transfer", transfer_body(client, other, 4, idempotencyKey="k")
    )

    assert (reply.status, reply.code) == (409, "idempotency_key_reused")
    assert (client.balance_minor, other.balance_minor) == (500, 500)


def test_two_different_keys_in_one_request_are_refused() -> None:
    client, other = a_client(holds="10.00"), a_client()
    body = transfer_body(client, other, 5, idempotencyKey="a", clientTransactionId="b")

    by_body = client.api.post("/wallets/transfer", body)
    by_header = client.api.post(
        "/wallets/transfer", transfer_body(client, other, 5, idempotencyKey="a"), key="b"
    )

    assert (by_body.status, by_header.status) == (422, 422)
    assert client.balance_minor == 1000


@pytest.mark.parametrize("named_by", ["token", "address"])
def test_the_receivers_balance_and_what_its_owner_decides_are_shown_to_its_owner_only(
    named_by: str,
) -> None:
    client, other = a_client(holds="10.00"), a_client()
    second_id = client.api.post("/wallets", {}).json["id"]
    name = str(other.wallet_id if named_by == "token" else other.wallet.address)

    to_other = client.api.post(
        "/wallets/transfer", {**transfer_body(client, other, "2.25"), "receiverWalletId": name}
    )
    to_self = client.api.post(
        "/wallets/transfer", {**transfer_body(client, other, 1), "receiverWalletId": second_id}
    )

    assert set(to_other.json["sender"]) == set(to_other.json["receiver"]) == RESOURCE
    assert to_other.json["sender"]["balance"] == Decimal("7.75")
    assert to_other.json["receiver"]["id"] == name
    assert {to_other.json["receiver"][field] for field in OF_ITS_OWNER} == {None}
    assert to_self.json["receiver"]["balance"] == Decimal("1.00")


def test_refused_transfers_move_nothing() -> None:
    client, other = a_client(holds="10.00"), a_client()
    euros = client.api.post("/wallets", {"currency": "EUR"}).json["id"]
    good = transfer_body(client, other, 1)
    missing = "0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f11"
    table: list[tuple[dict[str, Any], int, str]] = [
        ({"receiverWalletId": str(client.wallet_id)}, 400, "same_wallet"),
        ({"receiverWalletId": euros}, 400, "currency_mismatch"),
        ({"receiverWalletId": missing}, 404, "not_found"),
        ({"senderWalletId": str(other.wallet_id)}, 404, "not_found"),
        ({"amount": 0}, 400, "amount_not_positive"),
        ({"amount": "1.005"}, 422, "validation_error"),
        ({"receiverWalletId": "x"}, 422, "validation_error"),
    ]

    replies = [client.api.post("/wallets/transfer", {**good, **wrong}) for wrong, _, _ in table]

    assert [(reply.status, reply.code) for reply in replies] == [row[1:] for row in table]
    assert (client.balance_minor, other.balance_minor) == (1000, 0)


def test_deposit_and_withdraw_by_path() -> None:
    client = a_client()

    deposited = client.api.post(
        f"/wallets/{client.wallet_id}/deposit", {"amount": 5, "description": "Savings"}
    )
    withdrawn = client.api.post(f"/wallets/{client.wallet_id}/withdraw", {"amount": "1.25"})
    short = client.api.post(f"/wallets/{client.wallet_id}/withdraw", {"amount": 100})

    assert (deposited.json["balance"], withdrawn.json["balance"]) == (5, Decimal("3.75"))
    assert (short.status, short.code) == (400, "insufficient_funds")
    assert short.json["details"] == {"available": Decimal("3.75"), "shortfall": Decimal("96.25")}
    assert client.balance_minor == 375


@pytest.mark.parametrize("action", ["deposit", "withdraw"])
def test_a_frozen_wallet_refuses_on_record(action: str) -> None:
    client = a_client(holds="10.00")
    freeze(client)

    reply = client.api.post(f"/wallets/{client.wallet_id}/{action}", {"amount": 1})

    assert (reply.status, reply.code) == (409, "wallet_not_active")
    assert client.balance_minor == 1000
    assert Transaction.objects.filter(failure_code="wallet_not_active").count() == 1


def test_wallets_of_others_are_not_found() -> None:
    client, other_holder = a_client(holds="10.00"), a_company()

    for call in ("deposit", "withdraw"):
        reply = other_holder.api.post(f"/wallets/{client.wallet_id}/{call}", {"amount": 1})
        assert (reply.status, reply.code) == (404, "not_found")
    for path in ("", "/transactions", "/statement"):
        reply = other_holder.api.get(f"/wallets/{client.wallet_id}{path}")
        assert (reply.status, reply.code) == (404, "not_found")
    assert client.balance_minor == 1000


def test_one_body_key_twenty_times_at_once_moves_money_once() -> None:
    client = a_client()
    body = {"wallet_id": str(client.wallet_id), "amount": 10, "idempotencyKey": "race"}

    replies = race(20, lambda _: client.api.post("/wallets/fund", body))

    assert sorted(reply.status for reply in replies) == [200] + [409] * 19
    assert client.balance_minor == 1000
