"""Transfers: from a wallet of one's own to any other of the same currency."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from ledger.models import Transaction
from tests.factories import Holder, a_client, a_company, an_operator, api_of, freeze
from tests.http_client import Api, Reply
from wallets.assets import system_wallet_id
from wallets.models import Purpose, Wallet

pytestmark = pytest.mark.usefixtures("books")

MISSING = str(uuid.UUID(int=5))
SYSTEM = str(system_wallet_id("USD", Purpose.FUNDING))

# fmt: off
REFUSED = (
    # changes to a good body       status, code
    ({"target": "own"},            400, "same_wallet"),
    ({"target": "euros"},          400, "currency_mismatch"),
    ({"source": "euros", "target": "target"}, 404, "not_found"),
    ({"source": "target"},         404, "not_found"),
    ({"source": MISSING},          404, "not_found"),
    ({"source": SYSTEM},           404, "not_found"),
    ({"target": MISSING},          404, "not_found"),
    ({"target": SYSTEM},           404, "not_found"),
    ({"amount": 0},                400, "amount_not_positive"),
    ({"amount": "-0.01"},          400, "amount_not_positive"),
    ({"amount": "1.001"},          422, "validation_error"),
    ({"amount": "1e1"},            422, "validation_error"),
    ({"amount": ...},              422, "validation_error"),
    ({"source": ...},              422, "validation_error"),
    ({"target": ...},              422, "validation_error"),
    ({"target": "ben"},            422, "validation_error"),
    ({"summary": 5},               422, "validation_error"),
    ({"summary": "x" * 501},       422, "validation_error"),
    ({"note": "Lunch"},            422, "validation_error"),
)
# fmt: on


def test_transfer_moves_money_and_both_see_it() -> None:
    ada, ben = a_client(holds="10.00"), a_client(holds="1.00")

    reply = _transfer(ada, ben, amount="2.50", summary="Lunch")

    assert reply.status == 200
    assert reply.json == {"wallet": str(ada.wallet_id), "balance": Decimal("7.50")}
    assert (ada.balance_minor, ben.balance_minor) == (750, 350)
    sent, received = _newest(ada), _newest(ben)
    assert (sent["balance"], received["balance"]) == (Decimal("7.50"), Decimal("3.50"))
    assert _unnamed(sent) == _unnamed(received)
    assert (sent["type"], sent["summary"], sent["success"]) == ("transfer", "Lunch", True)
    assert (sent["source__token"], received["target__token"]) == (
        str(ada.wallet_id),
        str(ben.wallet_id),
    )
    assert (received["source__token"], sent["target__token"]) == (
        str(ada.wallet.address),
        str(ben.wallet.address),
    )


def test_summary_can_be_left_out() -> None:
    ada, ben = a_client(holds="10.00"), a_client()

    reply = _transfer(ada, ben, amount=1)

    assert reply.status == 200
    assert _newest(ben)["summary"] == ""


def test_between_own_wallets_and_to_a_company() -> None:
    ada, shop = a_client(holds="10.00"), a_company()
    second = ada.api.post("/wallet/create").json["wallet"]

    own = _transfer(ada, ada, target=second, amount=4)
    to_company = _transfer(ada, shop, amount=1)

    assert [own.status, to_company.status] == [200, 200]
    assert Wallet.objects.get(pk=second).balance_minor == 400
    assert (ada.balance_minor, shop.balance_minor) == (500, 100)


def test_more_than_there_is_is_on_record_for_both() -> None:
    ada, ben = a_client(holds="10.00"), a_client()

    reply = _transfer(ada, ben, amount="12.50", summary="Lunch")

    assert (reply.status, reply.code) == (400, "insufficient_funds")
    assert reply.json["details"] == {"available": Decimal("10.00"), "shortfall": Decimal("2.50")}
    assert (ada.balance_minor, ben.balance_minor) == (1000, 0)
    assert _unnamed(_newest(ada)) == _unnamed(_newest(ben))
    row = _newest(ben)
    assert (row["success"], row["error"], row["balance"]) == (False, "insufficient_funds", None)
    assert (row["amount"], row["summary"]) == (Decimal("12.50"), "Lunch")


@pytest.mark.parametrize("frozen", ["source", "target", "both"])
def test_frozen_wallet_on_either_side_is_on_record_for_both(frozen: str) -> None:
    ada, ben = a_client(holds="10.00"), a_client()
    for side, holder in (("source", ada), ("target", ben)):
        if frozen in (side, "both"):
            freeze(holder)

    reply = _transfer(ada, ben, amount=99)

    assert (reply.status, reply.code) == (409, "wallet_not_active"), "it comes before the balance"
    assert (ada.balance_minor, ben.balance_minor) == (1000, 0)
    for holder in (ada, ben):
        row = _newest(holder)
        assert (row["success"], row["error"], row["balance"]) == (False, "wallet_not_active", None)


@pytest.mark.parametrize(("changes", "status", "code"), REFUSED)
def test_refusal_moves_nothing_and_is_no_attempt(
    changes: dict[str, Any], status: int, code: str
) -> None:
    ada, ben, euros = a_client(holds="10.00"), a_client(holds="5.00"), a_client(currency="EUR")
    wallets = {"own": ada, "target": ben, "euros": euros}
    named = {
        name: str(wallets[value].wallet_id) if value in wallets else value
        for name, value in changes.items()
    }

    reply = _transfer(ada, ben, **{"amount": 5, **named})

    assert (reply.status, reply.code) == (status, code)
    assert (ada.balance_minor, ben.balance_minor, euros.balance_minor) == (1000, 500, 0)
    assert Transaction.objects.count() == 2, "the opening deposits alone"


def test_operator_and_nobody_transfer_nothing(api: Api) -> None:
    ada, ben = a_client(holds="10.00"), a_client()

    nobody = _transfer(Holder(ada.user, api, ada.wallet_id), ben, amount=5)
    operator = _transfer(Holder(ada.user, api_of(an_operator()), ada.wallet_id), ben, amount=5)

    assert (nobody.status, nobody.code) == (401, "not_authenticated")
    assert (operator.status, operator.code) == (403, "permission_denied")
    assert (ada.balance_minor, ben.balance_minor) == (1000, 0)


def _transfer(source: Holder, target: Holder, /, **fields: Any) -> Reply:
    body = {"source": str(source.wallet_id), "target": str(target.wallet_id), **fields}
    return source.api.post(
        "/wallet/transfer", {name: value for name, value in body.items() if value is not ...}
    )


def _unnamed(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without what differs between its two sides: each names the other by address."""
    return {**row, "balance": None, "source__token": None, "target__token": None}


def _newest(holder: Holder) -> dict[str, Any]:
    row: dict[str, Any] = holder.api.get(f"/wallet/history/{holder.wallet_id}?limit=1").json[0]
    return row
