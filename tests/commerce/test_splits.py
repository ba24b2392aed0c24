"""Splits: parts of what a company takes go on to others, all of it or nothing."""

import uuid
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from ledger.models import Transaction
from tests.factories import Holder, a_client, a_company, a_paytoken, freeze
from tests.http_client import Reply
from tests.races import race
from wallets.models import Fee, PayToken

pytestmark = pytest.mark.usefixtures("books")

CALLS = ("charge", "capture", "request")


@pytest.fixture(params=[True, False], ids=["fast", "plain"], autouse=True)
def both_ways(request: pytest.FixtureRequest, settings: Settings) -> None:
    settings.FAST_PATH = request.param


def part(holder: Holder, amount: Any) -> dict[str, Any]:
    return {"wallet": str(holder.wallet.address), "amount": amount}


def take(call: str, payer: Holder, shop: Holder, splits: list[dict[str, Any]]) -> Reply:
    """Take 10.00 of the payer by one of three calls; return the first answer that is a refusal."""
    fields = {"amount": "10.00", "summary": "Order"}
    wallet = {"wallet": str(payer.wallet_id)}
    if call == "charge":
        return shop.api.post("/wallet/charge", {**wallet, **fields, "splits": splits})
    if call == "capture":
        held = shop.api.post("/holds", {**wallet, **fields}).json["hold"]
        return shop.api.post(f"/holds/{held}/capture", {"splits": splits})
    asked = shop.api.post("/payment-requests", {**fields, "splits": splits})
    if asked.status != 201:
        return asked
    return payer.api.post(f"/payment-requests/{asked.json['id']}/pay", wallet)


def charges_fee(shop: Holder, percent: str) -> None:
    Fee.objects.create(wallet_id=shop.wallet_id, percent=Decimal(percent))


def balances(*holders: Holder) -> list[int]:
    return [holder.balance_minor for holder in holders]


def newest(holder: Holder) -> dict[str, Any]:
    row: dict[str, Any] = holder.api.get(f"/wallet/history/{holder.wallet_id}").json[0]
    return row


@pytest.mark.parametrize("call", CALLS)
def test_parts_go_on_to_others_in_the_same_instant(call: str) -> None:
    payer, shop, one, two = a_client(holds="50.00"), a_company(), a_client(), a_company()
    charges_fee(shop, "5")

    reply = take(call, payer, shop, [part(one, "3.00"), part(two, "1.00"), part(one, "0.50")])

    assert reply.status == 200, reply.json
    assert balances(payer, shop, one, two) == [4_000, 500, 350, 100]
    if call != "request":
        assert (reply.json["balance"], reply.json["fee"]) == (Decimal("5.00"), Decimal("0.50"))
    group = {row["group"] for row in shop.api.get(f"/wallet/history/{shop.wallet_id}").json}
    assert group == {newest(payer)["group"]} == {newest(one)["group"]} == {newest(two)["group"]}
    assert (newest(one)["type"], newest(two)["type"]) == ("split", "split")
    assert Transaction.objects.filter(group_id=group.pop()).count() == 5


@pytest.mark.parametrize("call", CALLS)
def test_one_that_cannot_be_paid_refuses_the_whole(call: str) -> None:
    payer, shop, one, frozen = a_client(holds="50.00"), a_company(), a_client(), a_client()
    freeze(frozen)

    reply = take(call, payer, shop, [part(one, 1), part(frozen, 1)])

    assert (reply.status, reply.code) == (409, "wallet_not_active")
    assert reply.json["details"] == {"split": 1}
    assert balances(payer, shop, one, frozen) == [5_000, 0, 0, 0]
    # The failed charge is on record, not the split.
    failed = newest(payer)
    assert (failed["success"], failed["error"]) == (False, "wallet_not_active")
    assert failed["type"] == ("capture" if call == "capture" else "charge")
    row = Transaction.objects.get(pk=failed["transaction"])
    assert row.group_id is not None
    assert Transaction.objects.filter(group_id=row.group_id).count() == 1
    # A request stays open.
    rows = shop.api.get("/payment-requests?status=open").json
    assert len(rows) == (1 if call == "request" else 0)
    if call == "capture":
        # And a hold active: it can be captured later.
        [held] = shop.api.get("/holds").json
        assert held["status"] == "active"
        assert shop.api.post(f"/holds/{held['hold']}/capture").status == 200


def test_a_pay_token_keeps_its_use_when_a_split_fails() -> None:
    payer, shop, frozen = a_client(holds="50.00"), a_company(), a_client()
    paytoken = a_paytoken(payer)
    freeze(frozen)
    fields = {"paytoken": paytoken, "amount": 5, "summary": "x"}

    refused = shop.api.post("/wallet/charge", {**fields, "splits": [part(frozen, 1)]})

    assert (refused.status, refused.code) == (409, "wallet_not_active")
    assert PayToken.objects.get().uses_left == 1
    assert shop.api.post("/wallet/charge", fields).status == 200


@pytest.mark.parametrize("call", CALLS)
def test_what_is_wrong_with_a_split_is_told_and_nothing_moves(call: str) -> None:
    payer, shop, one = a_client(holds="99.00"), a_company(), a_client()
    euros = a_client(currency="EUR")
    unknown = {"wallet": str(uuid.uuid4()), "amount": 1}
    refused = (
        ([part(one, 1), part(euros, 1)], 400, "currency_mismatch", {"split": 1}),
        ([unknown], 404, "not_found", {"split": 0}),
        ([part(shop, 1)], 400, "same_wallet", {"split": 0}),
        ([part(one, 1), part(payer, 1)], 400, "same_wallet", {"split": 1}),
        ([part(one, 0)], 400, "amount_not_positive", {"split": 0}),
        ([part(one, "5.00"), part(one, "5.01")], 400, "splits_exceed_amount", {"split": 1}),
        ([part(one, "0.01")] * 21, 422, "validation_error", ...),
    )

    for splits, status, code, details in refused:
        reply = take(call, payer, shop, splits)
        assert (reply.status, reply.code) == (status, code), splits
        if details is not ...:
            assert reply.json["details"] == details, splits

    assert balances(payer, shop, one, euros) == [9_900, 0, 0, 0]
    assert not Transaction.objects.filter(kind__in=("charge", "capture", "split")).exists()


@pytest.mark.parametrize("call", CALLS)
def test_splits_leave_the_fee(call: str) -> None:
    payer, shop, one = a_client(holds="50.00"), a_company(), a_client()
    charges_fee(shop, "10")

    refused = take(call, payer, shop, [part(one, "9.01")])

    assert (refused.status, refused.code) == (400, "splits_exceed_amount")
    assert balances(payer, shop, one) == [5_000, 0, 0]
    assert take(call, payer, shop, [part(one, "9.00")]).status == 200
    assert balances(payer, shop, one) == [4_000, 0, 900]


def test_a_tip_and_an_amount_of_the_payers_are_split_too() -> None:
    payer, shop, one = a_client(holds="50.00"), a_company(), a_client()
    fields = {"summary": "x", "splits": [part(one, 4)]}
    tipped = shop.api.post("/payment-requests", {**fields, "amount": 4, "tips": True}).json["id"]
    named = shop.api.post("/payment-requests", fields).json["id"]
    own = {"wallet": str(payer.wallet_id)}

    first = payer.api.post(f"/payment-requests/{tipped}/pay", {**own, "tip": 2})
    too_little = payer.api.post(f"/payment-requests/{named}/pay", {**own, "amount": "3.99"})
    enough = payer.api.post(f"/payment-requests/{named}/pay", {**own, "amount": "4.00"})

    assert (first.status, enough.status) == (200, 200)
    assert (too_little.status, too_little.code) == (400, "splits_exceed_amount")
    assert balances(payer, shop, one) == [4_000, 200, 800]


def test_a_refund_is_the_companys_alone() -> None:
    payer, shop, one = a_client(holds="50.00"), a_company(holds="20.00"), a_client()
    charged = take("charge", payer, shop, [part(one, "8.00")]).json["transaction"]

    refunded = shop.api.post("/wallet/refund", {"transaction": charged})

    assert refunded.status == 200
    assert balances(payer, shop, one) == [5_000, 1_200, 800]


@pytest.mark.parametrize("call", CALLS)
def test_companies_that_split_to_each_other_do_not_wait_in_a_circle(call: str) -> None:
    payers = [a_client(holds="100.00") for _ in range(4)]
    shops = [a_company(), a_company()]

    def run(number: int) -> list[int]:
        shop, other = shops[number % 2], shops[1 - number % 2]
        return [take(call, payers[number], shop, [part(other, "4.00")]).status for _ in range(5)]

    statuses = race(4, run)

    assert statuses == [[200] * 5] * 4
    assert balances(*payers) == [5_000] * 4
    assert balances(*shops) == [10_000, 10_000]
