"""Deposits and withdrawals: what they move, and what they refuse."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from commerce.credits import order_top_up
from core.unit_of_work import unit_of_work
from ledger.kinds import Kind
from ledger.models import Transaction
from ledger.orders import Order
from ledger.post import post
from tests.factories import Holder, a_client, a_company, an_operator, api_of, carry_out, freeze
from tests.http_client import Api
from wallets.assets import create_asset, system_wallet_id
from wallets.models import Purpose, Status, Wallet
from wallets.selectors import wallets_of

pytestmark = pytest.mark.usefixtures("books")

DEPOSIT, WITHDRAW = "/wallet/deposit", "/wallet/withdraw"
BOTH = pytest.mark.parametrize("path", [DEPOSIT, WITHDRAW])

# fmt: off
REFUSED = (
    # changes to a good body           status, code
    ({"amount": 0},                    400, "amount_not_positive"),
    ({"amount": -5},                   400, "amount_not_positive"),
    ({"amount": "0.00"},               400, "amount_not_positive"),
    ({"amount": 1.005},                422, "validation_error"),
    ({"amount": "1e1"},                422, "validation_error"),
    ({"amount": None},                 422, "validation_error"),
    ({"amount": ...},                  422, "validation_error"),
    ({"wallet": ...},                  422, "validation_error"),
    ({"wallet": "mine"},               422, "validation_error"),
    ({"wallet": str(uuid.UUID(int=5))}, 404, "not_found"),
    ({"summary": "Rent"},              422, "validation_error"),
)
# fmt: on


def _body(holder: Holder, amount: object = 5) -> dict[str, Any]:
    return {"wallet": str(holder.wallet_id), "amount": amount}


def test_deposit_adds_and_is_on_record() -> None:
    client = a_client(holds="10.00")

    reply = client.api.post(DEPOSIT, _body(client, "2.50"))

    assert reply.status == 200
    assert reply.json == {"wallet": str(client.wallet_id), "balance": Decimal("12.50")}
    assert client.balance_minor == 1250
    row = _newest(client)
    assert (row["type"], row["success"], row["error"]) == ("deposit", True, None)
    assert (row["source__token"], row["target__token"]) == (None, str(client.wallet_id))
    assert (row["amount"], row["balance"]) == (Decimal("2.50"), Decimal("12.50"))


def test_withdrawal_takes_and_is_on_record() -> None:
    client = a_client(holds="10.00")

    reply = client.api.post(WITHDRAW, _body(client, 2.5))

    assert reply.status == 200
    assert reply.json == {"wallet": str(client.wallet_id), "balance": Decimal("7.50")}
    assert client.balance_minor == 750
    row = _newest(client)
    assert (row["type"], row["success"], row["error"]) == ("withdrawal", True, None)
    assert (row["source__token"], row["target__token"]) == (str(client.wallet_id), None)
    assert (row["amount"], row["balance"]) == (Decimal("2.50"), Decimal("7.50"))


def test_everything_can_be_withdrawn() -> None:
    client = a_client(holds="10.00")

    reply = client.api.post(WITHDRAW, _body(client, 10))

    assert (reply.status, reply.json["balance"]) == (200, 0)


def test_company_deposits_and_withdraws_too() -> None:
    company = a_company()

    replies = [
        company.api.post(DEPOSIT, _body(company)),
        company.api.post(WITHDRAW, _body(company, 2)),
    ]

    assert [reply.status for reply in replies] == [200, 200]
    assert company.balance_minor == 300


def test_more_than_there_is_tells_the_owner_what_is_missing() -> None:
    client = a_client(holds="10.00")

    reply = client.api.post(WITHDRAW, _body(client, "10.01"))

    assert (reply.status, reply.code) == (400, "insufficient_funds")
    assert reply.json["details"] == {"available": Decimal("10.00"), "shortfall": Decimal("0.01")}
    assert client.balance_minor == 1000
    row = _newest(client)
    assert (row["type"], row["success"], row["error"]) == (
        "withdrawal",
        False,
        "insufficient_funds",
    )
    assert (row["source__token"], row["target__token"]) == (str(client.wallet_id), None)
    assert (row["amount"], row["balance"]) == (Decimal("10.01"), None)


@BOTH
@pytest.mark.parametrize("status", [Status.FROZEN, Status.CLOSED])
@pytest.mark.parametrize("amount", [5, 5000])
def test_wallet_that_is_not_active(path: str, status: Status, amount: int) -> None:
    client = a_client(holds="10.00")
    Wallet.objects.filter(pk=client.wallet_id).update(status=status)

    reply = client.api.post(path, _body(client, amount))

    assert (reply.status, reply.code) == (409, "wallet_not_active")
    assert client.balance_minor == 1000
    row = _newest(client)
    assert (row["success"], row["error"]) == (False, "wallet_not_active")
    assert (row["amount"], row["balance"]) == (amount, None)


@BOTH
@pytest.mark.parametrize(("changes", "status", "code"), REFUSED)
def test_refusal_moves_nothing_and_is_no_attempt(
    path: str, changes: dict[str, Any], status: int, code: str
) -> None:
    client = a_client(holds="10.00")
    body = {name: v for name, v in {**_body(client), **changes}.items() if v is not ...}

    reply = client.api.post(path, body)

    assert (reply.status, reply.code) == (status, code)
    assert client.balance_minor == 1000
    assert Transaction.objects.count() == 1, "the opening deposit alone"


@BOTH
def test_credits_are_neither_deposited_nor_withdrawn(path: str) -> None:
    client, operator = a_client(), an_operator()
    gold = unit_of_work(lambda: create_asset(symbol="GOLD", name="Gold", decimals=2, is_cash=False))
    carry_out(order_top_up, operator, user=client.user, asset=gold, amount="9")
    wallet = wallets_of(client.user).get(asset=gold)

    reply = client.api.post(path, {"wallet": str(wallet.id), "amount": 5})

    assert (reply.status, reply.code) == (403, "permission_denied")
    wallet.refresh_from_db()
    assert wallet.balance_minor == 900
    assert Transaction.objects.count() == 1


@BOTH
def test_where_owners_do_it_operator_and_nobody_move_no_cash(api: Api, path: str) -> None:
    client = a_client(holds="10.00")

    nobody = api.post(path, _body(client))
    operator = api_of(an_operator()).post(path, _body(client))

    assert (nobody.status, nobody.code) == (401, "not_authenticated")
    assert (operator.status, operator.code) == (404, "not_found")
    assert client.balance_minor == 1000


def test_balance_that_a_wallet_cannot_hold() -> None:
    client = a_client()
    funding = system_wallet_id("USD", Purpose.FUNDING)
    fill = [Order(Kind.DEPOSIT, funding, client.wallet_id, 10**17, "USD")] * 90
    unit_of_work(lambda: post(fill))

    reply = client.api.post(DEPOSIT, _body(client, "0.01"))

    assert (reply.status, reply.code) == (409, "balance_limit")
    assert client.balance_minor == 90 * 10**17
    assert _newest(client)["error"] == "balance_limit"
    assert str(_newest_success(client)["balance"]) == "90000000000000000.00"


def test_frozen_wallet_still_shows_what_happened() -> None:
    client = a_client(holds="10.00")
    freeze(client)

    [row] = client.api.get(f"/wallet/history/{client.wallet_id}").json

    assert row["balance"] == 10


def _newest(holder: Holder) -> dict[str, Any]:
    row: dict[str, Any] = holder.api.get(f"/wallet/history/{holder.wallet_id}?limit=1").json[0]
    return row


def _newest_success(holder: Holder) -> dict[str, Any]:
    path = f"/wallet/history/{holder.wallet_id}?limit=1&success=true"
    row: dict[str, Any] = holder.api.get(path).json[0]
    return row
