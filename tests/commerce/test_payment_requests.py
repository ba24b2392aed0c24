"""Payment requests: somebody asks, whoever has the id pays, once."""

import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import Settings

import ledger.post_once
from commerce import payment_requests
from commerce.models import PaymentRequest
from ledger.models import Transaction
from tests.clock import Clock
from tests.factories import Holder, a_client, a_company, an_uncashed_asset, freeze, set_charges
from tests.http_client import Api, Reply
from tests.races import race
from tests.wallets.test_paytokens import scanned

pytestmark = pytest.mark.usefixtures("books")


def ask(payee: Holder, *, key: str | None = None, **fields: Any) -> Reply:
    return payee.api.post("/payment-requests", {"summary": "Two coffees", **fields}, key=key)


def pay(payer: Holder, request: Reply, *, key: str | None = None, **fields: Any) -> Reply:
    body = {"wallet": str(payer.wallet_id), **fields}
    return payer.api.post(f"/payment-requests/{request.json['id']}/pay", body, key=key)


def cancel(payee: Holder, request: Reply) -> Reply:
    return payee.api.post(f"/payment-requests/{request.json['id']}/cancel")


def seen(api: Api, request: Reply) -> dict[str, Any]:
    reply = api.get(f"/payment-requests/{request.json['id']}")
    assert reply.status == 200
    return dict(reply.json)


def a_pair(**fields: Any) -> tuple[Holder, Holder, Reply]:
    """Return a company, a client with 100.00, and a request of the company's for 12.50."""
    shop = a_company()
    asked = ask(shop, **{"amount": "12.50", **fields})
    assert asked.status == 201
    return shop, a_client(holds="100.00"), asked


def test_a_company_is_paid_by_a_charge_that_it_can_refund() -> None:
    shop, payer, asked = a_pair(tips=True, reference="order-1017", metadata={"table": "4"})

    paid = pay(payer, asked, tip="1.50")
    back = shop.api.post("/wallet/refund", {"transaction": paid.json["transaction"]})

    assert (paid.status, paid.json["wallet"], paid.json["balance"]) == (
        200, str(payer.wallet_id), 86,
    )  # fmt: skip
    assert (back.status, back.json["refunded"]) == (200, 14)
    moved = Transaction.objects.get(pk=paid.json["transaction"])
    assert (moved.kind, moved.amount_minor, moved.summary) == ("charge", 1_400, "Two coffees")
    assert (payer.balance_minor, shop.balance_minor) == (10_000, 0)


def test_a_client_is_paid_by_a_transfer() -> None:
    payee, payer = a_client(), a_client(holds="100.00")
    asked = ask(payee)

    paid = pay(payer, asked, amount="7.00")

    assert asked.json["payee"] == {"name": "Ada Lovelace", "kind": "client"}
    assert (asked.json["amount"], paid.status) == (None, 200)
    assert Transaction.objects.get(pk=paid.json["transaction"]).kind == "transfer"
    assert (payer.balance_minor, payee.balance_minor) == (9_300, 700)


def test_who_sees_what_of_it(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://wallet.example"
    shop, payer, asked = a_pair(tips=True, reference="order-1017", metadata={"table": "4"})
    stranger = a_client(holds="1.00")
    before = seen(Api(), asked)
    paid = pay(payer, asked, tip=1)

    of_payee, of_payer, of_stranger, of_nobody = (
        seen(api, asked) for api in (shop.api, payer.api, stranger.api, Api())
    )

    url = f"https://wallet.example/pay/{asked.json['id']}"
    assert (asked.json["url"], scanned(asked.json["qr"])) == (url, [url])
    assert asked.json["payee"] == {
        "name": "Corner Shop", "kind": "company", "id": str(shop.user.pk),
    }  # fmt: skip
    assert before == {**asked.json, "reference": None, "metadata": None}
    private = {"reference": None, "metadata": None, "fee": None, "transaction": None}
    assert of_stranger == of_nobody == {**of_payee, **private}
    assert of_payer == {**of_nobody, "transaction": paid.json["transaction"]}
    assert {name: of_payee[name] for name in ("status", "amount", "paid_amount", "tip", "fee")} == {
        "status": "paid", "amount": Decimal("12.50"), "paid_amount": Decimal("13.50"),
        "tip": 1, "fee": 0,
    }  # fmt: skip
    assert (of_payee["reference"], of_payee["metadata"]) == ("order-1017", {"table": "4"})
    assert of_payee["paid_at"] > "2026"
    assert str(payer.wallet_id) not in json.dumps(of_payee, default=str)


def test_it_is_paid_once(clock: Clock) -> None:
    shop, payer, asked = a_pair()
    paid = pay(payer, asked, key="k")

    repeat = pay(payer, asked, key="k")
    again = pay(payer, asked, key="another")
    again_repeated = pay(payer, asked, key="another")
    clock.move(1_000)

    assert (repeat.raw, repeat.headers["Idempotent-Replayed"]) == (paid.raw, "true")
    assert (again.status, again.code) == (409, "payment_request_paid")
    assert again_repeated.raw == again.raw
    assert pay(payer, asked).code == cancel(shop, asked).code == "payment_request_paid"
    assert seen(shop.api, asked)["status"] == "paid"
    assert (payer.balance_minor, shop.balance_minor) == (8_750, 1_250)


def test_it_expires_by_the_database_s_clock(clock: Clock) -> None:
    shop, payer, asked = a_pair(expires_in=60)
    clock.move(60)

    refused = pay(payer, asked, key="k")

    assert (refused.status, refused.code) == (409, "payment_request_expired")
    assert pay(payer, asked, key="k").raw == refused.raw
    assert cancel(shop, asked).code == "payment_request_expired"
    assert seen(Api(), asked)["status"] == "expired"
    assert [each["id"] for each in shop.api.get("/payment-requests?status=expired").json] == [
        asked.json["id"]
    ]
    assert shop.api.get("/payment-requests?status=open").json == []
    assert (payer.balance_minor, shop.balance_minor) == (10_000, 0)


def test_its_payee_cancels_it() -> None:
    shop, payer, asked = a_pair()

    not_theirs = cancel(payer, asked)
    cancelled = cancel(shop, asked)

    assert (not_theirs.status, not_theirs.code) == (403, "permission_denied")
    assert (cancelled.status, cancelled.json["status"]) == (200, "cancelled")
    assert cancel(shop, asked).code == pay(payer, asked).code == "payment_request_cancelled"
    assert cancelled.json == seen(shop.api, asked)
    assert (payer.balance_minor, Transaction.objects.filter(kind="charge").count()) == (10_000, 0)


@pytest.mark.parametrize("frozen_side", ["payer", "payee", None])
def test_a_refused_payment_leaves_it_open_and_is_on_record(frozen_side: str | None) -> None:
    shop, payer, asked = a_pair(amount="100.01")
    if frozen_side is not None:
        freeze({"payer": payer, "payee": shop}[frozen_side])

    refused = pay(payer, asked)

    code = "wallet_not_active" if frozen_side else "insufficient_funds"
    assert refused.code == code
    if frozen_side is None:
        assert refused.json["details"] == {"available": 100, "shortfall": Decimal("0.01")}
    failed = Transaction.objects.get(kind="charge")
    assert (failed.failure_code, str(failed.payment_request_id)) == (code, asked.json["id"])
    assert seen(Api(), asked)["status"] == "open"
    assert (payer.balance_minor, shop.balance_minor) == (10_000, 0)


def test_one_s_own_is_the_same_wallet() -> None:
    payee = a_client(holds="100.00")
    other = payee.api.post("/wallets", {"balance": 5}).json["id"]
    asked = ask(payee, amount=1)
    path = f"/payment-requests/{asked.json['id']}/pay"

    replies = [payee.api.post(path, {"wallet": each}) for each in (str(payee.wallet_id), other)]

    assert [each.code for each in replies] == ["same_wallet"] * 2
    assert payee.balance_minor == 10_000


def test_a_payer_cannot_pay_from_another_s_wallet_or_in_another_currency() -> None:
    shop, payer, asked = a_pair()
    stranger, euros = a_client(holds="100.00"), a_client(holds="100.00", currency="EUR")

    by_token = pay(payer, asked, wallet=str(stranger.wallet_id))
    by_address = pay(payer, asked, wallet=str(payer.wallet.address))

    assert (by_token.status, by_address.status) == (404, 404)
    assert pay(euros, asked).code == "currency_mismatch"
    missing = payer.api.post(f"/payment-requests/{uuid.uuid4()}/pay", {"wallet": str(uuid.uuid4())})
    assert (missing.status, Api().get(f"/payment-requests/{uuid.uuid4()}").status) == (404, 404)
    assert (shop.balance_minor, euros.balance_minor) == (0, 10_000)
    assert seen(Api(), asked)["status"] == "open"


@pytest.mark.parametrize(
    ("asked", "paid", "field"),
    [
        ({"amount": 5}, {"amount": 5}, "amount"),
        ({}, {}, "amount"),
        ({}, {"amount": "1.001"}, "amount"),
        ({"amount": 5}, {"tip": 1}, "tip"),
        ({"amount": 5, "tips": True}, {"tip": "0.001"}, "tip"),
        ({"tips": True}, {"amount": 10**15, "tip": 1}, "tip"),
    ],
)
def test_amount_and_tip_are_only_where_they_are_taken(
    asked: dict[str, Any], paid: dict[str, Any], field: str
) -> None:
    shop, payer = a_company(), a_client(holds="100.00")
    request = ask(shop, **asked)

    reply = pay(payer, request, **paid)

    assert (reply.status, list(reply.json["details"])) == (422, [field])
    assert (seen(Api(), request)["status"], payer.balance_minor) == ("open", 10_000)


@pytest.mark.parametrize("fields", [{"amount": 0}, {"amount": 5, "tip": 0}, {"amount": -1}])
def test_amount_and_tip_are_positive(fields: dict[str, Any]) -> None:
    shop, payer = a_company(), a_client(holds="100.00")

    reply = pay(payer, ask(shop, tips=True), **fields)

    assert (reply.status, reply.code, payer.balance_minor) == (400, "amount_not_positive", 10_000)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"amount": "1.001"}, "amount"),
        ({"expires_in": 59}, "expires_in"),
        ({"expires_in": 30 * 86_400 + 1}, "expires_in"),
        ({"reference": "x" * 101}, "reference"),
        ({"metadata": {str(number): "x" for number in range(21)}}, "metadata"),
        ({"metadata": {"Key": "x"}}, "metadata"),
        ({"metadata": {"key": 1}}, "metadata"),
        ({"metadata": {"key": "x" * 501}}, "metadata"),
        ({"metadata": {"key": "\0"}}, "metadata"),
        ({"metadata": []}, "metadata"),
        ({"tips": "true"}, "tips"),
        ({"tips": 1}, "tips"),
        ({"summary": "x" * 501}, "summary"),
        ({"splits": {}}, "splits"),
    ],
)
def test_what_is_asked_wrongly_is_refused(fields: dict[str, Any], field: str) -> None:
    reply = ask(a_company(), **fields)

    assert (reply.status, list(reply.json["details"])) == (422, [field])
    assert PaymentRequest.objects.count() == 0


def test_which_wallet_is_paid_into() -> None:
    payee, payer = a_client(holds="0.01"), a_client(holds="100.00")
    an_uncashed_asset("GOLD", "Gold")
    euros = payee.api.post("/wallet/create", {"currency": "EUR"}).json["wallet"]

    asked = ask(payee, amount=1)
    in_euros = ask(payee, amount=1, wallet=euros)
    not_own = ask(payee, amount=1, wallet=str(payer.wallet_id))
    by_address = ask(payee, amount=1, wallet=str(payee.wallet.address))
    by_clients = ask(payee, amount=1, tips=True)

    assert (asked.json["currency"], in_euros.json["currency"]) == ("USD", "EUR")
    assert (not_own.status, by_address.status) == (404, 404)
    assert (by_clients.status, list(by_clients.json["details"])) == (422, ["tips"])
    freeze(payee)
    assert ask(payee, amount=1).json["currency"] == "EUR"
    nobody = a_client()
    assert PaymentRequest.objects.count() == 3
    assert nobody.api.call("DELETE", f"/customer/{nobody.user.pk}").status == 204


def test_without_a_wallet_nobody_asks() -> None:
    signed_up = Api().post(
        "/client/signup",
        {
            "email": "ada@example.com",
            "password": "tea-at-half-past-4",
            "client": {"first_name": "A", "last_name": "L", "phone_number": "+34666666666"},
        },
    )

    reply = Api(signed_up.json["token"]).post("/payment-requests", {"summary": "x"})

    assert (reply.status, reply.code) == (409, "no_wallet")


def test_of_two_payers_at_once_one_pays() -> None:
    shop, _, asked = a_pair()
    payers = [a_client(holds="100.00") for _ in range(8)]

    replies = race(8, lambda number: pay(payers[number], asked, key="k"))

    assert sorted(each.status for each in replies) == [200] + [409] * 7
    assert {each.code for each in replies if each.status == 409} == {"payment_request_paid"}
    assert shop.balance_minor == 1_250
    assert sum(each.balance_minor for each in payers) == 80_000 - 1_250


@pytest.mark.parametrize("attempt", range(3))
def test_of_a_payment_and_a_cancellation_at_once_one_happens(attempt: int) -> None:
    shop, payer, asked = a_pair()

    paid, cancelled = race(
        2, lambda number: pay(payer, asked) if number == attempt % 2 else cancel(shop, asked)
    )[:: 1 if attempt % 2 == 0 else -1]

    assert sorted((paid.status, cancelled.status)) == [200, 409]
    assert (shop.balance_minor == 1_250) == (paid.status == 200)
    assert seen(Api(), asked)["status"] == ("paid" if paid.status == 200 else "cancelled")


def test_the_fast_way_notices_an_end_that_came_in_between(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a payment that has found the request open, when its time is over before the money moves
    shop, payer, asked = a_pair(expires_in=60)
    post_once = ledger.post_once.post_once

    def late(*arguments: Any, **options: Any) -> Any:
        clock.move(61)
        return post_once(*arguments, **options)

    monkeypatch.setattr(payment_requests, "post_once", late)

    refused = pay(payer, asked)

    assert (refused.status, refused.code) == (409, "payment_request_expired")
    assert (payer.balance_minor, shop.balance_minor) == (10_000, 0)
    assert not Transaction.objects.filter(kind="charge").exists()


@pytest.mark.parametrize("fast", [True, False])
def test_both_ways_of_money_pay_alike(settings: Settings, fast: bool) -> None:
    settings.FAST_PATH = fast
    shop, payer, asked = a_pair(tips=True)
    set_charges(payer, "paytoken")

    assert pay(payer, asked, tip="0.50").status == 200
    assert pay(payer, asked).code == "payment_request_paid"
    assert (seen(shop.api, asked)["tip"], shop.balance_minor) == (Decimal("0.50"), 1_300)


def test_the_list_is_paged_newest_first() -> None:
    shop, other = a_company(), a_company()
    made = [ask(shop, amount=number + 1).json["id"] for number in range(5)]
    ask(other)
    cancel_path = f"/payment-requests/{made[2]}/cancel"
    assert shop.api.post(cancel_path).status == 200

    first = shop.api.get("/payment-requests?limit=2")
    link = first.headers["Link"].split(">")[0].removeprefix("<http://testserver")
    second = shop.api.get(link)
    third = shop.api.get(second.headers["Link"].split(">")[0].removeprefix("<http://testserver"))

    ids = [[row["id"] for row in page.json] for page in (first, second, third)]
    assert ids == [made[:2:-1], made[2:0:-1], made[:1]]
    assert "Link" not in third.headers
    opened = shop.api.get("/payment-requests?status=open").json
    assert [row["id"] for row in opened] == [made[4], made[3], made[1], made[0]]
    assert shop.api.get("/payment-requests?status=gone").status == 422
    others = shop.api.get(f"/payment-requests?cursor={ask(other).json['id']}")
    assert (others.status, list(others.json["details"])) == (422, ["cursor"])


def test_the_database_lets_none_be_paid_apart_from_the_money() -> None:
    shop, payer, asked = a_pair()
    other = ask(shop, amount="12.50")
    paid = pay(payer, other).json["transaction"]

    for transaction_id in (uuid.uuid4(), paid):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT settle_payment_request(%s, now(), %s, %s, 1250, 0)",
                [asked.json["id"], transaction_id, payer.wallet_id],
            )
    with pytest.raises(IntegrityError), transaction.atomic():
        PaymentRequest.objects.filter(pk=other.json["id"]).update(status="open")

    assert seen(Api(), asked)["status"] == "open"
    assert shop.balance_minor == 1_250
