"""Pay tokens and payment requests: made, looked at, spent and paid."""

from typing import Any

from tests.factories import (
    Holder,
    a_client,
    a_company,
    a_paytoken,
    an_operator,
    an_uncashed_asset,
    api_of,
    freeze,
)
from tests.recorded.operations import a_company_without_a_wallet, operator_of, somebody_who_left
from tests.recorded.recording import NOBODY, Caller, Tape

ASK = {"summary": "Two coffees", "amount": "12.50"}


def pay_tokens_made(tape: Tape) -> None:
    """Made, looked at, revoked; and how many there may be."""
    holder, shop = a_client(holds="5.00"), a_company(holds="5.00")
    client, company = tape.holder("client", holder), tape.holder("company", shop)
    stranger, operator = tape.holder("stranger", a_client()), operator_of(tape)
    own, shop_id = str(holder.wallet_id), str(shop.user.pk)
    good = {"wallet": own, "max_amount": "20", "uses": 3, "company": shop_id, "expires_in": 86_400}
    made = client.post("/paytokens", good, key="k").json["id"]
    client.post("/paytokens", good, key="k")
    client.post("/paytokens", {**good, "uses": 2}, key="k")
    client.get("/idempotency/k")
    client.post("/paytokens", {"wallet": own})
    changes: tuple[dict[str, Any], ...] = (
        {"max_amount": 0},
        {"max_amount": "1.005"},
        {"max_amount": None},
        {"uses": 0},
        {"uses": 101},
        {"uses": "1"},
        {"uses": 1.0},
        {"expires_in": 29},
        {"expires_in": 86_401},
        {"expires_in": None},
        {"company": NOBODY},
        {"company": str(holder.user.pk)},
        {"company": 5},
        {"wallet": NOBODY},
        {"wallet": str(holder.wallet.address)},
        {"wallet": str(shop.wallet_id)},
        {"paytoken": "pt_mine"},
    )
    for change in changes:
        client.post("/paytokens", {**good, **change})
    client.post("/paytokens", {})
    operator.post("/paytokens", good)
    company.post("/paytokens", {"wallet": str(shop.wallet_id)})
    for caller in (client, company, stranger, operator):
        caller.get("/paytokens")
    for caller in (stranger, company, operator, client, client):
        caller.delete(f"/paytokens/{made}")
    client.delete(f"/paytokens/{NOBODY}")
    tape.move_time(301)
    client.get("/paytokens")
    for _ in range(100):
        assert client.api.post("/paytokens", {"wallet": own}).status == 201
    client.post("/paytokens", {"wallet": own}, key="too many")
    client.post("/paytokens", {"wallet": own}, key="too many")
    who_left, closed = somebody_who_left(tape)
    who_left.post("/paytokens", {"wallet": closed})


def pay_tokens_spent(tape: Tape) -> None:
    """Charges by pay tokens: what each lets pass, and what it does not."""
    payer, poor, frozen = a_client(holds="100.00"), a_client(holds="1.00"), a_client(holds="1.00")
    euro, shop = a_client(holds="9.00", currency="EUR"), a_company(holds="5.00")
    client, company = tape.holder("payer", payer), tape.holder("company", shop)
    rival = tape.holder("rival", a_company())
    once = a_paytoken(payer)
    good = {"paytoken": once, "amount": "12.50", "summary": "Order"}
    company.post("/wallet/charge", good, key="k")
    company.post("/wallet/charge", good, key="k")
    company.post("/wallet/charge", good, key="used")
    company.post("/wallet/charge", good, key="used")
    capped = a_paytoken(payer, uses=2, max_amount="10.00", company=str(shop.user.pk))
    for caller, amount in ((rival, 1), (company, "10.01"), (company, 10), (company, 0)):
        caller.post("/wallet/charge", {**good, "paytoken": capped, "amount": amount})
    for paytoken in (a_paytoken(poor), a_paytoken(euro), a_paytoken(shop)):
        company.post("/wallet/charge", {**good, "paytoken": paytoken})
        # The use was not spent.
        company.post("/wallet/charge", {**good, "paytoken": paytoken, "amount": "0.50"})
    of_frozen = a_paytoken(frozen)
    freeze(frozen)
    company.post("/wallet/charge", {**good, "paytoken": of_frozen, "amount": 1})
    row = client.api.post("/paytokens", {"wallet": str(payer.wallet_id)}).json
    client.delete(f"/paytokens/{row['id']}")
    own = str(payer.wallet_id)
    changes: tuple[dict[str, Any], ...] = (
        {"paytoken": row["paytoken"]},
        {"paytoken": "pt_" + "A" * 43},
        {"paytoken": own},
        {"paytoken": "p" * 101},
        {"paytoken": ""},
        {"paytoken": None},
        {"paytoken": "pt_\x00"},
        {"wallet": own},
        {"amount": "1.005"},
    )
    for change in changes:
        company.post("/wallet/charge", {**good, **change})
    company.post("/wallet/charge", {"amount": 1, "summary": "x"})
    client.post("/wallet/charge", good)
    twice = a_paytoken(payer, uses=2, max_amount="5.00")
    items = [
        {"paytoken": twice, "amount": amount, "summary": "May", "reference": str(amount)}
        for amount in ("5.01", 5, 0, 4, 3)
    ]
    items += [{**items[0], "paytoken": row["paytoken"]}, {"wallet": own, **good, "amount": 2}]
    company.post("/wallet/charges", {"charges": items}, key="batch")
    company.post("/wallet/charges", {"charges": items[:-1]}, key="batch")
    company.post("/wallet/charges", {"charges": items[:-1]}, key="batch")
    company.post("/wallet/charges", {"charges": [{"amount": 1, "summary": "x"}]})
    short_lived = a_paytoken(payer, expires_in=30)
    tape.move_time(31)
    for key in ("old", "old"):
        company.post("/wallet/charge", {**good, "paytoken": short_lived, "amount": 1}, key=key)
    rows = company.get(f"/wallet/history/{shop.wallet_id}").json
    last = next(row["transaction"] for row in rows if row["success"])
    company.post("/wallet/refund", {"transaction": last, "amount": 1})
    company.get(f"/wallet/history/{shop.wallet_id}?limit=1")
    client.get(f"/wallet/history/{own}")
    client.get(f"/wallets/{own}/transactions")
    company.get(f"/wallets/{shop.wallet_id}/statement")


def payment_requests_made(tape: Tape) -> None:
    """Asked, looked at by whoever has the id, cancelled, expired."""
    holder, shop = a_client(holds="5.00"), a_company()
    client, company = tape.holder("client", holder), tape.holder("company", shop)
    stranger, operator = tape.holder("stranger", a_client()), operator_of(tape)
    own, gold = str(holder.wallet_id), a_wallet_of_gold(tape, holder)
    full = {
        **ASK,
        "wallet": str(shop.wallet_id),
        "reference": "order-1017",
        "metadata": {"table": "4", "a_b": "ü \u2028"},
        "tips": True,
        "expires_in": 2_592_000,
    }
    asked = company.post("/payment-requests", full, key="k").json["id"]
    company.post("/payment-requests", full, key="k")
    company.post("/payment-requests", {**full, "tips": False}, key="k")
    open_amount = client.post("/payment-requests", {"summary": "Rent"}).json["id"]
    changes: tuple[dict[str, Any], ...] = (
        {"summary": None},
        {"summary": "x" * 501},
        {"amount": 0},
        {"amount": "1.005"},
        {"amount": None},
        {"wallet": NOBODY},
        {"wallet": str(holder.wallet.address)},
        {"wallet": str(shop.wallet_id)},
        {"wallet": gold},
        {"reference": "x" * 101},
        {"reference": 5},
        {"metadata": {str(number): "x" for number in range(21)}},
        {"metadata": {"Table": "4"}},
        {"metadata": {"": "4"}},
        {"metadata": {"a" * 41: "4"}},
        {"metadata": {"table": 4}},
        {"metadata": {"table": "x" * 501}},
        {"metadata": {"table": "\x00"}},
        {"metadata": []},
        {"expires_in": 59},
        {"expires_in": 2_592_001},
        {"expires_in": "900"},
        {"tips": True},
        {"tips": "true"},
        {"tips": None},
        {"splits": []},
    )
    for change in changes:
        client.post("/payment-requests", {**ASK, "wallet": own, **change})
    client.post("/payment-requests", {})
    operator.post("/payment-requests", ASK)
    a_company_without_a_wallet(tape).post("/payment-requests", ASK)
    who_left, closed = somebody_who_left(tape)
    who_left.post("/payment-requests", ASK)
    who_left.post("/payment-requests", {**ASK, "wallet": closed})
    for caller in (tape.nobody(), client, company, operator):
        caller.get(f"/payment-requests/{asked}")
        caller.get(f"/payment-requests/{open_amount}")
    tape.nobody().get(f"/payment-requests/{asked}", Authorization="Token nonsense")
    tape.nobody().get(f"/payment-requests/{NOBODY}")
    for caller in (stranger, client, operator):
        caller.post(f"/payment-requests/{asked}/cancel")
    company.post(f"/payment-requests/{asked}/cancel", key="c")
    company.post(f"/payment-requests/{asked}/cancel", key="c")
    company.post(f"/payment-requests/{open_amount}/cancel", key="c")
    company.post(f"/payment-requests/{asked}/cancel")
    company.post(f"/payment-requests/{NOBODY}/cancel")
    first = company.post("/payment-requests", {**ASK, "expires_in": 60}).json["id"]
    tape.settings.PUBLIC_URL = "https://wallet.example"
    company.post("/payment-requests", {**ASK, "reference": ""})
    tape.move_time(61)
    tape.nobody().get(f"/payment-requests/{first}")
    company.post(f"/payment-requests/{first}/cancel")
    page = company.get("/payment-requests?limit=2")
    company.get(page.headers["Link"].split(">")[0].removeprefix("<http://testserver"))
    for query in ("status=open", "status=expired", "status=cancelled", "status=paid", "limit=0"):
        company.get(f"/payment-requests?{query}")
    for query in ("status=lost", f"cursor={NOBODY}", f"cursor={open_amount}", "cursor=1"):
        company.get(f"/payment-requests?{query}")
    operator.get("/payment-requests")


def payment_requests_paid(tape: Tape) -> None:
    """Paid once, by whoever has the id."""
    payer, shop = a_client(holds="100.00"), a_company()
    friend, frozen = a_client(holds="20.00"), a_client(holds="20.00")
    client, company = tape.holder("payer", payer), tape.holder("company", shop)
    other, operator = tape.holder("friend", friend), operator_of(tape)
    own = {"wallet": str(payer.wallet_id)}
    euro = client.post("/wallet/create", {"currency": "EUR"}).json["wallet"]
    ask = {**ASK, "reference": "order-1017", "metadata": {"table": "4"}}
    plain, tipped, rent, late, dead = (
        _asked(company, **ask),
        _asked(company, **ask, tips=True),
        _asked(other, summary="Rent 100 %"),
        _asked(company, **ask, expires_in=60),
        _asked(company, **ask),
    )
    for sent in ({"amount": 1}, {"tip": 1}, {"wallet": euro}, {"wallet": NOBODY}, {"extra": 1}):
        client.post(f"{plain}/pay", {**own, **sent})
    client.post(f"{plain}/pay", {"wallet": str(payer.wallet.address)})
    client.post(f"{plain}/pay", {"wallet": str(friend.wallet_id)})
    client.post(f"{plain}/pay", {})
    company.post(f"{plain}/pay", {"wallet": str(shop.wallet_id)})
    operator.post(f"{plain}/pay", own)
    client.post(f"/payment-requests/{NOBODY}/pay", own)
    client.post(f"{plain}/pay", own, key="k")
    client.post(f"{plain}/pay", own, key="k")
    client.post(f"{tipped}/pay", own, key="k")
    client.post(f"{plain}/pay", own, key="again")
    client.post(f"{plain}/pay", own, key="again")
    for tip in (0, "0.001", "1e2", None, 10**15):
        client.post(f"{tipped}/pay", {**own, "tip": tip})
    client.post(f"{tipped}/pay", {**own, "tip": 5_000}, key="short")
    client.post(f"{tipped}/pay", {**own, "tip": 5_000}, key="short")
    client.post(f"{tipped}/pay", {**own, "tip": "1.50"})
    for sent in ({}, {"amount": 0}, {"amount": "1.005"}, {"amount": 5, "tip": 1}):
        client.post(f"{rent}/pay", {**own, **sent})
    client.post(f"{rent}/pay", {**own, "amount": 20})
    company.post(f"{dead}/cancel")
    tape.move_time(61)
    for path in (dead, late):
        client.post(f"{path}/pay", own)
    company.post(f"{plain}/cancel")
    freeze(frozen)
    by_frozen = _asked(tape.holder("who is frozen", frozen), **ASK)
    client.post(f"{by_frozen}/pay", own)
    for caller in (tape.nobody(), client, other, company, operator):
        for path in (plain, tipped, rent):
            caller.get(path)
    client.get(by_frozen)
    company.get("/payment-requests?status=paid")
    for caller, holder in ((client, payer), (company, shop), (other, friend)):
        caller.get(f"/wallet/history/{holder.wallet_id}")
    charge = company.api.get(f"/wallet/history/{shop.wallet_id}?type=charge").json[0]
    company.post("/wallet/refund", {"transaction": charge["transaction"], "amount": 1})
    company.get(f"/wallet/history/{shop.wallet_id}?limit=1")


def a_wallet_of_gold(tape: Tape, holder: Holder) -> str:
    """Return the holder's wallet of gold, which an operator put there."""
    an_uncashed_asset("GOLD", "Gold")
    credit = {"userId": str(holder.user.pk), "assetSymbol": "GOLD", "amount": 10}
    assert api_of(an_operator()).post("/api/v1/wallet/topup", credit).status == 200
    wallet = str(holder.api.get("/wallet/list").json[-1]["wallet"])
    tape.name("wallet of gold", wallet)
    return wallet


def _asked(payee: Caller, **fields: Any) -> str:
    """Return the path of a new request."""
    return f"/payment-requests/{payee.api.post('/payment-requests', fields).json['id']}"


SCENARIOS = (pay_tokens_made, pay_tokens_spent, payment_requests_made, payment_requests_paid)
