"""Holds: money of a payer set aside, then taken, set free or expired."""

from typing import Any

from tests.factories import Holder, a_client, a_company, a_paytoken, freeze, set_charges
from tests.recorded.operations import a_company_without_a_wallet, operator_of
from tests.recorded.recording import NOBODY, Caller, Tape

#: As many as a wallet may have.
MOST = 200


def holds_made(tape: Tape) -> None:
    """Set aside by the wallet's token, and more of it; what refuses either."""
    payer, shop, frozen = a_client(holds="100.00"), a_company(), a_client(holds="5.00")
    client, company = tape.holder("payer", payer), tape.holder("company", shop)
    rival, operator = tape.holder("rival", a_company()), operator_of(tape)
    tape.name("frozen wallet", frozen.wallet_id)
    own, euro = str(payer.wallet_id), a_client(holds="9.00", currency="EUR")
    tape.name("wallet of euros", euro.wallet_id)
    good = {
        "wallet": own,
        "amount": "40.00",
        "summary": "Two nights",
        "reference": "booking-4711",
        "metadata": {"room": "12"},
        "expires_in": 86_400,
    }
    of_frozen = _held(company, frozen)
    freeze(frozen)
    made = company.post("/holds", good, key="k").json["hold"]
    company.post("/holds", good, key="k")
    company.post("/holds", {**good, "amount": 41}, key="k")
    company.get("/idempotency/k")
    client.get(f"/wallet/info/{own}")
    client.get(f"/wallets/{own}")
    client.get(f"/api/v1/wallet/balance/{payer.user.pk}/USD")
    for _ in range(2):
        company.post("/holds", {**good, "amount": "60.01"}, key="short")
    changes: tuple[dict[str, Any], ...] = (
        {"wallet": str(shop.wallet_id)},
        {"wallet": str(euro.wallet_id)},
        {"wallet": str(frozen.wallet_id)},
        {"wallet": str(payer.wallet.address)},
        {"wallet": NOBODY},
        {"wallet": None},
        {"amount": 0},
        {"amount": "1.005"},
        {"summary": None},
        {"summary": "x" * 501},
        {"reference": "x" * 101},
        {"metadata": {"Room": "12"}},
        {"expires_in": 59},
        {"expires_in": 2_592_001},
        {"expires_in": "60"},
        {"splits": []},
    )
    for change in changes:
        company.post("/holds", {**good, **change})
    company.post("/holds", {"wallet": own, "summary": "x"})
    for caller in (client, operator, a_company_without_a_wallet(tape)):
        caller.post("/holds", good)
    more = f"/holds/{made}/increment"
    for _ in range(2):
        company.post(more, {"amount": "10.00"}, key="more")
    company.post(more, {"amount": "11.00"}, key="more")
    for _ in range(2):
        company.post(more, {"amount": "50.01"}, key="too much")
    for sent in ({}, {"amount": 0}, {"amount": "1.005"}, {"amount": 1, "expires_in": 60}):
        company.post(more, sent)
    company.post(f"/holds/{of_frozen}/increment", {"amount": 1})
    for caller in (rival, client, operator):
        caller.post(more, {"amount": 1})
    company.post(f"/holds/{NOBODY}/increment", {"amount": 1})
    _by_approval(client, company, str(shop.user.pk), good, more)
    set_charges(payer, "open")
    client.post("/wallet/withdraw", {"wallet": own, "amount": 60})
    client.delete(f"/customer/{payer.user.pk}")
    client.get(f"/wallet/history/{own}")
    client.get(f"/wallets/{own}/transactions")
    client.get(f"/wallets/{own}/statement")
    company.get(f"/wallet/history/{shop.wallet_id}")
    freeze(shop)
    company.post("/holds", good)


def _by_approval(
    client: Caller, company: Caller, shop_id: str, good: dict[str, Any], more: str
) -> None:
    """Try both by what the payer's wallet allows of the moment."""
    own = good["wallet"]
    client.patch(f"/wallet/info/{own}", {"charges": "approved"})
    small = {**good, "amount": 1}
    company.post("/holds", small)
    company.post(more, {"amount": 1})
    client.post("/wallet/approvals", {"wallet": own, "company": shop_id, "max_amount": "2.00"})
    approved = company.post("/holds", small).json["hold"]
    company.post("/holds", {**small, "amount": "2.01"})
    company.post(f"/holds/{approved}/increment", {"amount": "0.50"})
    company.post(f"/holds/{approved}/increment", {"amount": "1.01"})


def holds_by_pay_token(tape: Tape) -> None:
    """Set aside by a pay token, which takes a use of it; more up to what it may take."""
    payer, poor, shop = a_client(holds="100.00"), a_client(holds="1.00"), a_company()
    client, company = tape.holder("payer", payer), tape.holder("company", shop)
    rival = tape.holder("rival", a_company())
    once = a_paytoken(payer)
    good = {"paytoken": once, "amount": "12.50", "summary": "Deposit"}
    made = company.post("/holds", good, key="k").json["hold"]
    company.post("/holds", good, key="k")
    company.post("/holds", good, key="used")
    company.post(f"/holds/{made}/increment", {"amount": 1})
    capped = a_paytoken(payer, uses=2, max_amount="10.00", company=str(shop.user.pk))
    rival.post("/holds", {**good, "paytoken": capped})
    company.post("/holds", {**good, "paytoken": capped, "amount": "10.01"})
    of_capped = company.post("/holds", {**good, "paytoken": capped, "amount": 9}).json["hold"]
    for amount in ("1.01", "1.00", "0.01"):
        company.post(f"/holds/{of_capped}/increment", {"amount": amount})
    of_poor = a_paytoken(poor)
    # The use was not spent.
    for held in (2, 1):
        company.post("/holds", {**good, "paytoken": of_poor, "amount": held})
    short_lived = a_paytoken(payer, expires_in=30)
    changes: tuple[dict[str, Any], ...] = (
        {"paytoken": "pt_" + "A" * 43},
        {"paytoken": None},
        {"wallet": str(payer.wallet_id)},
    )
    for change in changes:
        company.post("/holds", {**good, **change})
    tape.move_time(31)
    company.post("/holds", {**good, "paytoken": short_lived})
    company.post(f"/holds/{made}/capture", {"amount": "2.50", "final": False})
    company.post(f"/holds/{of_capped}/capture")
    client.get(f"/wallet/history/{payer.wallet_id}")
    company.get(f"/wallet/history/{shop.wallet_id}")
    client.get("/paytokens")


def holds_captured(tape: Tape) -> None:
    """Taken in whole, in part, with splits and a fee; and what refuses it."""
    payer, shop, seller = a_client(holds="200.00"), a_company(), a_client()
    client, company = tape.holder("payer", payer), tape.holder("company", shop)
    other, operator = tape.holder("seller", seller), operator_of(tape)
    rival, euro = tape.holder("rival", a_company()), a_client(currency="EUR")
    tape.name("wallet of euros", euro.wallet_id)
    whole, parts, split, rest = (_held(company, payer, amount=20) for _ in range(4))
    for _ in range(2):
        company.post(f"/holds/{whole}/capture", key="k")
    company.post(f"/holds/{whole}/capture", {"amount": 1}, key="k")
    for call in ("capture", "void", "increment"):
        company.post(f"/holds/{whole}/{call}", {"amount": 1} if call == "increment" else {})
    path = f"/holds/{parts}/capture"
    company.post(path, {"amount": "5.00", "final": False})
    for _ in range(2):
        company.post(path, {"amount": "15.01"}, key="over")
    wrong: tuple[dict[str, Any], ...] = (
        {"amount": 0},
        {"amount": "1.005"},
        {"amount": None},
        {"final": "true"},
        {"summary": "x"},
        {"splits": {}},
    )
    for sent in wrong:
        company.post(path, sent)
    for caller in (rival, client, operator):
        caller.post(path)
    company.post(f"/holds/{NOBODY}/capture")
    charge = company.post(path, {"amount": "6.00"}).json["transaction"]
    client.get(f"/holds/{parts}")
    operator.call("PUT", f"/company/{shop.user.pk}/fee", b'{"percent": "10"}')
    part = {"wallet": str(seller.wallet.address), "amount": "8.00"}
    path = f"/holds/{split}/capture"
    for change in (
        {"amount": "18.01"},
        {"wallet": str(payer.wallet_id)},
        {"wallet": str(shop.wallet.address)},
        {"wallet": str(euro.wallet_id)},
        {"wallet": NOBODY},
        {"amount": 0},
        {"amount": "0.001"},
    ):
        company.post(path, {"splits": [{**part, **change}]})
    company.post(path, {"splits": [part] * 21})
    company.post(path, {"splits": [part, {**part, "amount": "0.50"}]}, key="split")
    for sent in ({"amount": 1}, {"amount": 5}, {"amount": 1}, {"amount": 1, "fee": "return"}):
        company.post("/wallet/refund", {"transaction": charge, **sent})
    freeze(seller)
    company.post(f"/holds/{rest}/capture", {"splits": [part]})
    freeze(payer)
    company.post(f"/holds/{rest}/capture")
    company.post(f"/holds/{rest}/increment", {"amount": 1})
    company.post(f"/holds/{rest}/void")
    for caller, holder in ((client, payer), (company, shop), (other, seller)):
        caller.get(f"/wallet/history/{holder.wallet_id}")
        caller.get(f"/wallets/{holder.wallet_id}/transactions")
        caller.get(f"/wallets/{holder.wallet_id}/statement")
    client.get(f"/api/v1/wallet/ledger/{payer.user.pk}")


def holds_ended(tape: Tape) -> None:
    """Voided by its company or an operator, expired; and lists of what there is."""
    payer, shop = a_client(holds="100.00"), a_company()
    client, company = tape.holder("payer", payer), tape.holder("company", shop)
    rival, stranger = tape.holder("rival", a_company()), tape.holder("stranger", a_client())
    operator, nobody = operator_of(tape), tape.nobody()
    first, second = _held(company, payer, amount=5), _held(company, payer, amount=6)
    short = _held(company, payer, amount=80, expires_in=60)
    lasting = _held(company, payer, amount=7)
    for caller in (nobody, rival, client):
        caller.post(f"/holds/{first}/void")
    for _ in range(2):
        company.post(f"/holds/{first}/void", key="v")
    company.post(f"/holds/{second}/void", key="v")
    company.post(f"/holds/{first}/void")
    company.post(f"/holds/{first}/capture")
    company.post(f"/holds/{first}/increment", {"amount": 1})
    company.post(f"/holds/{second}/void", {"amount": 1})
    company.post(f"/holds/{NOBODY}/void")
    operator.post(f"/holds/{second}/void", key="v")
    client.get(f"/wallet/info/{payer.wallet_id}")
    tape.move_time(60)
    client.get(f"/wallet/info/{payer.wallet_id}")
    company.post(f"/holds/{short}/void")
    for _ in range(2):
        company.post(f"/holds/{short}/capture", key="late")
    company.post(f"/holds/{short}/increment", {"amount": 1})
    operator.post(f"/holds/{short}/void")
    for caller in (company, client, operator, rival, stranger, nobody):
        caller.get(f"/holds/{short}")
    company.get(f"/holds/{NOBODY}")
    client.get(f"/holds/{lasting}")
    for caller in (client, company, stranger, nobody):
        caller.get("/holds")
    operator.get(f"/holds?wallet={payer.wallet_id}")
    page = company.get("/holds?limit=2")
    company.get(page.headers["Link"].split(">")[0].removeprefix("<http://testserver"))
    for query in (
        "status=active",
        "status=captured",
        "status=voided",
        "status=expired",
        f"wallet={shop.wallet_id}",
        f"wallet={NOBODY}",
        "status=lost",
        "limit=0",
        "limit=201",
        "wallet=1",
        f"cursor={NOBODY}",
        f"cursor={lasting}",
        "company=1",
    ):
        company.get(f"/holds?{query}")
    stranger.get(f"/holds?cursor={lasting}")
    client.get(f"/wallet/history/{payer.wallet_id}")


def holds_beyond_what_may_be(tape: Tape) -> None:
    """As many as a wallet has, a till that is full, and more failures than go on record."""
    payer, shop, seller = a_client(holds="300.00"), a_company(), a_client()
    client, company = tape.holder("payer", payer), tape.holder("company", shop)
    good = {"wallet": str(payer.wallet_id), "amount": 1, "summary": "Tea"}
    held = [_held(company, payer) for _ in range(MOST)]
    for _ in range(2):
        company.post("/holds", good, key="too many")
    tape.settings.FAILED_ATTEMPTS = 1
    company.post(f"/holds/{held[0]}/increment", {"amount": 500})
    company.post(f"/holds/{held[0]}/increment", {"amount": 500})
    company.post("/holds", {**good, "amount": 500})
    freeze(seller)
    part = {"wallet": str(seller.wallet_id), "amount": 1}
    company.post(f"/holds/{held[0]}/capture", {"splits": [part]})
    company.post(f"/holds/{held[0]}/capture")
    client.get(f"/wallet/history/{payer.wallet_id}?success=false")


def _held(company: Caller, payer: Holder, **fields: Any) -> str:
    """Return the id of a new hold."""
    body = {"wallet": str(payer.wallet_id), "amount": 1, "summary": "Tea", **fields}
    return str(company.api.post("/holds", body).json["hold"])


SCENARIOS = (
    holds_made,
    holds_by_pay_token,
    holds_captured,
    holds_ended,
    holds_beyond_what_may_be,
)
