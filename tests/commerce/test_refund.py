"""Refunds: a charge goes back, in whole or in parts, never more than it was."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from ledger.models import Transaction
from tests.factories import Holder, a_client, a_company, an_operator, api_of, freeze
from tests.http_client import Api, Reply
from tests.races import race

pytestmark = pytest.mark.usefixtures("books")

# fmt: off
REFUSED = (
    # changes to a good body       status, code
    ({"amount": 0},                400, "amount_not_positive"),
    ({"amount": "-1.00"},          400, "amount_not_positive"),
    ({"amount": "12.51"},          409, "refund_exceeds_charge"),
    ({"amount": 99},               409, "refund_exceeds_charge"),
    ({"amount": "1.001"},          422, "validation_error"),
    ({"amount": "1e1"},            422, "validation_error"),
    ({"amount": None},             422, "validation_error"),
    ({"transaction": ...},         422, "validation_error"),
    ({"transaction": "mine"},      422, "validation_error"),
    ({"transaction": str(uuid.UUID(int=5))}, 404, "not_found"),
    ({"summary": 5},               422, "validation_error"),
    ({"wallet": str(uuid.UUID(int=5))}, 422, "validation_error"),
)
# fmt: on


def test_whole_charge_goes_back() -> None:
    payer, shop, charge = _a_charge("12.50")

    reply = _refund(shop, charge, summary="Sorry")

    assert reply.status == 200
    transaction = reply.json["transaction"]
    assert transaction != charge
    assert reply.json == {
        "wallet": str(shop.wallet_id),
        "balance": Decimal("0.00"),
        "transaction": str(uuid.UUID(transaction)),
        "refunded": Decimal("12.50"),
        "fee_returned": Decimal("0.00"),
    }
    assert (payer.balance_minor, shop.balance_minor) == (10_000, 0)
    given, got = _newest(shop), _newest(payer)
    assert (given["balance"], got["balance"]) == (Decimal("0.00"), Decimal("100.00"))
    assert _unnamed(given) == _unnamed(got)
    assert (got["type"], got["summary"], got["success"]) == ("refund", "Sorry", True)
    assert got["transaction"] == transaction
    assert (got["source__token"], got["target__token"]) == (
        str(shop.wallet.address),
        str(payer.wallet_id),
    )
    # As in the charge, which was made by this token.
    assert (given["source__token"], given["target__token"]) == (
        str(shop.wallet_id),
        str(payer.wallet_id),
    )


def test_charge_goes_back_in_parts_and_the_last_one_is_what_is_left() -> None:
    payer, shop, charge = _a_charge("12.50")

    replies = [_refund(shop, charge, amount=2.5), _refund(shop, charge, amount="4.01")]
    replies.append(_refund(shop, charge))

    assert [reply.status for reply in replies] == [200] * 3
    assert [str(reply.json["refunded"]) for reply in replies] == ["2.50", "6.51", "12.50"]
    assert len({reply.json["transaction"] for reply in replies}) == 3
    assert (payer.balance_minor, shop.balance_minor) == (10_000, 0)


@pytest.mark.parametrize("amount", [..., "0.01", 12.5])
def test_nothing_is_left_after_the_whole_charge_went_back(amount: object) -> None:
    payer, shop, charge = _a_charge("12.50", shop_holds="50.00")
    _refund(shop, charge)

    reply = _refund(shop, charge, amount=amount)

    assert (reply.status, reply.code) == (409, "refund_exceeds_charge")
    assert (payer.balance_minor, shop.balance_minor) == (10_000, 5000)


def test_parts_never_exceed_the_charge() -> None:
    payer, shop, charge = _a_charge("12.50", shop_holds="50.00")
    _refund(shop, charge, amount=10)

    reply = _refund(shop, charge, amount="2.51")
    rest = _refund(shop, charge, amount="2.50")

    assert (reply.status, reply.code) == (409, "refund_exceeds_charge")
    assert (rest.status, rest.json["refunded"]) == (200, Decimal("12.50"))
    assert (payer.balance_minor, shop.balance_minor) == (10_000, 5000)


def test_refunds_that_race_never_exceed_the_charge() -> None:
    payer, shop, charge = _a_charge("10.00", shop_holds="50.00")

    replies = race(10, lambda _: _refund(shop, charge, amount=3))

    assert sorted(reply.status for reply in replies) == [200] * 3 + [409] * 7
    assert (payer.balance_minor, shop.balance_minor) == (9900, 5100)


@pytest.mark.parametrize(("changes", "status", "code"), REFUSED)
def test_refusal_moves_nothing_and_is_no_attempt(
    changes: dict[str, Any], status: int, code: str
) -> None:
    payer, shop, charge = _a_charge("12.50")

    reply = _refund(shop, charge, **changes)

    assert (reply.status, reply.code) == (status, code)
    assert (payer.balance_minor, shop.balance_minor) == (8750, 1250)
    assert Transaction.objects.count() == 2, "the opening deposit and the charge alone"


def test_refund_by_another_company_is_like_one_of_no_charge() -> None:
    payer, shop, charge = _a_charge("12.50")
    rival = a_company(holds="50.00")

    stolen = _refund(rival, charge)
    missing = _refund(rival, str(uuid.uuid4()))

    assert (stolen.status, stolen.code) == (missing.status, missing.code) == (404, "not_found")
    assert stolen.json["message"] == missing.json["message"]
    assert (payer.balance_minor, shop.balance_minor, rival.balance_minor) == (8750, 1250, 5000)


def test_only_charges_go_back() -> None:
    _, shop, charge = _a_charge("12.50", shop_holds="50.00")
    refund = _refund(shop, charge).json["transaction"]
    deposit = shop.api.get(f"/wallet/history/{shop.wallet_id}?type=deposit").json[0]

    replies = [_refund(shop, refund), _refund(shop, deposit["transaction"])]

    assert [(reply.status, reply.code) for reply in replies] == [(404, "not_found")] * 2
    assert shop.balance_minor == 5000


def test_charge_that_failed_has_nothing_to_give_back() -> None:
    payer, shop = a_client(), a_company(holds="50.00")
    _charge(shop, payer, "12.50")
    [failed] = shop.api.get(f"/wallet/history/{shop.wallet_id}?type=charge").json

    reply = _refund(shop, failed["transaction"])

    assert reply.status == 409
    assert reply.code not in ("", "refund_exceeds_charge")
    assert (payer.balance_minor, shop.balance_minor) == (0, 5000)


def test_company_that_spent_the_money_learns_what_is_missing_and_can_try_again() -> None:
    payer, shop, charge = _a_charge("12.50")
    shop.api.post("/wallet/withdraw", {"wallet": str(shop.wallet_id), "amount": 10})

    short = _refund(shop, charge)
    shop.api.post("/wallet/deposit", {"wallet": str(shop.wallet_id), "amount": 10})
    again = _refund(shop, charge)

    assert (short.status, short.code) == (400, "insufficient_funds")
    assert short.json["details"] == {"available": Decimal("2.50"), "shortfall": Decimal("10.00")}
    assert (again.status, again.json["refunded"]) == (200, Decimal("12.50"))
    rows = payer.api.get(f"/wallet/history/{payer.wallet_id}?type=refund").json
    assert [(row["success"], row["error"]) for row in rows] == [
        (True, None),
        (False, "insufficient_funds"),
    ]
    assert (payer.balance_minor, shop.balance_minor) == (10_000, 0)


@pytest.mark.parametrize("side", ["payer", "company"])
def test_refund_with_a_frozen_wallet_is_on_record(side: str) -> None:
    payer, shop, charge = _a_charge("12.50")
    freeze(payer if side == "payer" else shop)

    reply = _refund(shop, charge)

    assert (reply.status, reply.code) == (409, "wallet_not_active")
    assert (payer.balance_minor, shop.balance_minor) == (8750, 1250)
    for holder in (payer, shop):
        row = _newest(holder)
        assert (row["type"], row["error"]) == ("refund", "wallet_not_active")


def test_only_companies_refund(api: Api) -> None:
    payer, shop, charge = _a_charge("12.50")

    nobody = api.post("/wallet/refund", {"transaction": charge})
    others = [
        caller.post("/wallet/refund", {"transaction": charge})
        for caller in (payer.api, api_of(an_operator()))
    ]

    assert (nobody.status, nobody.code) == (401, "not_authenticated")
    assert [(reply.status, reply.code) for reply in others] == [(403, "permission_denied")] * 2
    assert (payer.balance_minor, shop.balance_minor) == (8750, 1250)


def test_repeated_refund_under_one_key_goes_back_once() -> None:
    payer, shop, charge = _a_charge("12.50")

    first, again = (
        shop.api.post("/wallet/refund", {"transaction": charge, "amount": 5}, key="k")
        for _ in range(2)
    )

    assert (first.status, again.raw) == (200, first.raw)
    assert (payer.balance_minor, shop.balance_minor) == (9250, 750)


def _a_charge(amount: str, *, shop_holds: str | None = None) -> tuple[Holder, Holder, str]:
    """Return a payer who had 100.00, a company, and the id of a charge between them."""
    payer, shop = a_client(holds="100.00"), a_company(holds=shop_holds)
    return payer, shop, str(_charge(shop, payer, amount).json["transaction"])


def _charge(shop: Holder, payer: Holder, amount: str) -> Reply:
    return shop.api.post(
        "/wallet/charge", {"wallet": str(payer.wallet_id), "amount": amount, "summary": "Tea"}
    )


def _refund(shop: Holder, charge: str, **fields: Any) -> Reply:
    body = {"transaction": charge, **fields}
    return shop.api.post(
        "/wallet/refund", {name: value for name, value in body.items() if value is not ...}
    )


def _unnamed(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without what differs between its two sides: each names the other by address."""
    return {**row, "balance": None, "source__token": None, "target__token": None}


def _newest(holder: Holder) -> dict[str, Any]:
    row: dict[str, Any] = holder.api.get(f"/wallet/history/{holder.wallet_id}?limit=1").json[0]
    return row
