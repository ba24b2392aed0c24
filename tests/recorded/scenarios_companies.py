"""What companies do: charges, batches of them, refunds."""

from typing import Any

from tests.factories import Holder, a_client, a_company, freeze
from tests.recorded.operations import a_company_without_a_wallet, operator_of
from tests.recorded.recording import NOBODY, Caller, Tape


def charges(tape: Tape) -> None:
    """One at a time."""
    payer, shop, frozen = a_client(holds="100.00"), a_company(), a_client(holds="1.00")
    euro = a_client(holds="9.00", currency="EUR")
    client, company = tape.holder("payer", payer), tape.holder("company", shop)
    tape.name("frozen wallet", frozen.wallet_id)
    tape.name("wallet of euros", euro.wallet_id)
    freeze(frozen)
    good = {"wallet": str(payer.wallet_id), "amount": 12.5, "summary": "Order 1017"}
    company.post("/wallet/charge", good, key="k")
    company.post("/wallet/charge", good, key="k")
    company.post("/wallet/charge", {**good, "amount": "12.51"}, key="k")
    company.post("/wallet/charge", {**good, "amount": "12.50", "summary": ""})
    short = {**good, "amount": "2000"}
    company.post("/wallet/charge", short, key="short")
    company.post("/wallet/charge", short, key="short")
    company.post("/wallet/charge", short)
    changes: tuple[dict[str, Any], ...] = (
        {"wallet": str(shop.wallet_id)},
        {"wallet": str(euro.wallet_id)},
        {"wallet": str(frozen.wallet_id)},
        {"wallet": NOBODY},
        {"wallet": f"{payer.wallet_id}0"},
        {"wallet": None},
        {"amount": 0},
        {"amount": "1.005"},
        {"amount": {"value": 1}},
        {"summary": None},
        {"summary": "x" * 501},
        {"target": NOBODY},
    )
    for change in changes:
        company.post("/wallet/charge", {**good, **change})
    company.post("/wallet/charge", {"wallet": good["wallet"], "amount": 1})
    client.post("/wallet/charge", good)
    operator_of(tape).post("/wallet/charge", good)
    a_company_without_a_wallet(tape).post("/wallet/charge", good)
    client.get(f"/wallet/history/{payer.wallet_id}")
    company.get(f"/wallet/history/{shop.wallet_id}")
    client.get(f"/wallets/{payer.wallet_id}")
    company.get(f"/wallets/{shop.wallet_id}")
    company.get(f"/wallets/{shop.wallet_id}/transactions")
    freeze(shop)
    company.post("/wallet/charge", good)


def batches_of_charges(tape: Tape) -> None:
    """Many at once, each for itself."""
    payer, shop, frozen = a_client(holds="100.00"), a_company(), a_client(holds="1.00")
    euro = a_client(holds="9.00", currency="EUR")
    tape.name("frozen wallet", frozen.wallet_id)
    tape.name("wallet of euros", euro.wallet_id)
    freeze(frozen)
    client, company = tape.holder("payer", payer), tape.holder("company", shop)
    good = {"wallet": str(payer.wallet_id), "amount": "12.50", "summary": "May"}
    items = [
        {**good, "reference": "a-1"},
        good,
        {**good, "amount": 2_000, "reference": "short"},
        {**good, "wallet": NOBODY, "reference": "unknown"},
        {**good, "wallet": str(frozen.wallet_id), "reference": "frozen"},
        {**good, "wallet": str(euro.wallet_id), "reference": "euros"},
        {**good, "wallet": str(shop.wallet_id), "reference": "own"},
        {**good, "amount": 0, "reference": "zero"},
        {**good, "amount": "1.005", "reference": ""},
    ]
    company.post("/wallet/charges", {"charges": items}, key="k")
    company.post("/wallet/charges", {"charges": items}, key="k")
    company.post("/wallet/charges", {"charges": items[:1]}, key="k")
    wrong: tuple[Any, ...] = (
        [],
        [good] * 1_001,
        good,
        [good, None],
        [good, {**good, "amount": True}],
        [{**good, "wallet": "x"}, {**good, "reference": 5}],
        [{**good, "extra": 5}],
        [{}],
    )
    for charges_ in wrong:
        company.post("/wallet/charges", {"charges": charges_})
    company.post("/wallet/charges", {})
    company.post("/wallet/charges", [good])
    client.post("/wallet/charges", {"charges": [good]})
    operator_of(tape).post("/wallet/charges", {"charges": [good]})
    a_company_without_a_wallet(tape).post("/wallet/charges", {"charges": [good]})
    company.get(f"/wallet/history/{shop.wallet_id}")
    freeze(shop)
    company.post("/wallet/charges", {"charges": [good, {**good, "wallet": NOBODY}]})


def refunds(tape: Tape) -> None:
    """In whole, in part, and too much."""
    payer, shop, rival = a_client(holds="100.00"), a_company(), a_company()
    client, company = tape.holder("payer", payer), tape.holder("company", shop)
    other = tape.holder("other company", rival)
    first, second, third = (_charge(tape, company, payer, "10.00") for _ in range(3))
    company.post(
        "/wallet/refund", {"transaction": first, "amount": "2.50", "summary": "x"}, key="k"
    )
    company.post(
        "/wallet/refund", {"transaction": first, "amount": "2.50", "summary": "x"}, key="k"
    )
    company.post(
        "/wallet/refund", {"transaction": first, "amount": "2.51", "summary": "x"}, key="k"
    )
    company.post("/wallet/refund", {"transaction": first, "amount": "7.51"}, key="over")
    company.post("/wallet/refund", {"transaction": first, "amount": "7.51"}, key="over")
    company.post("/wallet/refund", {"transaction": first})
    company.post("/wallet/refund", {"transaction": first})
    deposit = client.api.get(f"/wallet/history/{payer.wallet_id}").json[-1]["transaction"]
    company.post(
        "/wallet/charge", {"wallet": str(payer.wallet_id), "amount": 9_000, "summary": "x"}
    )
    failed = company.get(f"/wallet/history/{shop.wallet_id}?limit=1").json[0]["transaction"]
    company.post("/wallet/refund", {"transaction": failed})
    changes: tuple[dict[str, Any], ...] = (
        {"transaction": NOBODY},
        {"transaction": deposit},
        {"transaction": 5},
        {"amount": 0},
        {"amount": "0.001"},
        {"amount": None},
        {"summary": 5},
        {"extra": 5},
    )
    for change in changes:
        company.post("/wallet/refund", {"transaction": second, "amount": 1, **change})
    company.post("/wallet/refund", {})
    for caller in (other, client, operator_of(tape)):
        caller.post("/wallet/refund", {"transaction": second})
    company.api.post("/wallet/withdraw", {"wallet": str(shop.wallet_id), "amount": "15.00"})
    company.post("/wallet/refund", {"transaction": second}, key="short")
    company.post("/wallet/refund", {"transaction": second}, key="short")
    for caller, holder in ((client, payer), (company, shop)):
        caller.get(f"/wallet/history/{holder.wallet_id}?limit=5")
    freeze(payer)
    company.post("/wallet/refund", {"transaction": third, "amount": 1})


def failed_attempts(tape: Tape) -> None:
    """More of two accounts than go on record, by each call that moves money between two."""
    tape.settings.FAILED_ATTEMPTS = 1
    payer, shop = a_client(holds="5.00"), a_company()
    client, company = tape.holder("payer", payer), tape.holder("company", shop)
    own, theirs = str(payer.wallet_id), str(shop.wallet_id)
    paid = _charge(tape, company, payer, "5.00")
    assert shop.api.post("/wallet/withdraw", {"wallet": theirs, "amount": 5}).status == 200
    asked = company.post("/payment-requests", {"summary": "Tea", "amount": 5}).json["id"]
    charge = {"wallet": own, "amount": 5, "summary": "Tea"}
    company.post("/wallet/charge", charge)
    company.post("/wallet/charge", charge, key="k")
    company.get("/idempotency/k")
    company.post("/wallet/charges", {"charges": [charge, charge]})
    company.post("/wallet/refund", {"transaction": paid})
    client.post("/wallet/transfer", {"source": own, "target": theirs, "amount": 5})
    client.post(
        "/wallets/transfer", {"senderWalletId": own, "receiverWalletId": theirs, "amount": 5}
    )
    client.post(f"/payment-requests/{asked}/pay", {"wallet": own})
    client.get(f"/wallet/history/{own}?success=false")
    tape.move_time(3_700)
    company.post("/wallet/charge", charge, key="k")


def _charge(tape: Tape, company: Caller, payer: Holder, amount: str) -> str:
    body = {"wallet": str(payer.wallet_id), "amount": amount, "summary": "Order"}
    return str(company.api.post("/wallet/charge", body).json["transaction"])


SCENARIOS = (charges, batches_of_charges, refunds, failed_attempts)
