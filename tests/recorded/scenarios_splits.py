"""Parts of what is taken that go on to others, and what becomes of the fee."""

from typing import Any

from tests.factories import Holder, a_client, a_company, a_paytoken, freeze
from tests.recorded.operations import operator_of
from tests.recorded.recording import NOBODY, Caller, Tape


def splits_of_charges(tape: Tape) -> None:
    """A charge of which others get parts: all are paid, or nobody."""
    payer, shop, seller = a_client(holds="100.00"), a_company(), a_client()
    client, company = tape.holder("payer", payer), tape.holder("company", shop)
    other, operator = tape.holder("seller", seller), operator_of(tape)
    frozen, euro = a_client(), a_client(currency="EUR")
    tape.name("frozen wallet", frozen.wallet_id)
    tape.name("wallet of euros", euro.wallet_id)
    freeze(frozen)
    _set_fee(operator, shop)
    part = {"wallet": str(seller.wallet.address), "amount": "6.00"}
    good = {
        "wallet": str(payer.wallet_id),
        "amount": "10.00",
        "summary": "Order",
        "splits": [part, {"wallet": str(seller.wallet_id), "amount": "2.50"}],
    }
    paid = company.post("/wallet/charge", good, key="k").json["transaction"]
    company.post("/wallet/charge", good, key="k")
    company.post("/wallet/charge", {**good, "splits": [part]}, key="k")
    paytoken = {name: value for name, value in good.items() if name != "wallet"}
    company.post("/wallet/charge", {**paytoken, "paytoken": a_paytoken(payer)})
    company.post("/wallet/charge", {**good, "splits": []})
    for change in _WRONG_PARTS:
        company.post("/wallet/charge", {**good, "splits": [{**part, **change}]})
    for wallet in (payer.wallet_id, shop.wallet.address, euro.wallet_id):
        company.post("/wallet/charge", {**good, "splits": [{**part, "wallet": str(wallet)}]})
    company.post("/wallet/charge", {**good, "splits": [{**part, "amount": "9.01"}]})
    unpaid = [part, {"wallet": str(frozen.wallet_id), "amount": 1}]
    for _ in range(2):
        company.post("/wallet/charge", {**good, "splits": unpaid}, key="unpaid")
    wrong: tuple[Any, ...] = (None, {}, [None], [part] * 21)
    for splits in wrong:
        company.post("/wallet/charge", {**good, "splits": splits})
    company.post("/wallet/charge", {**good, "amount": 9_000})
    company.post("/wallet/charges", {"charges": [good]})
    company.post("/wallet/refund", {"transaction": paid})
    for caller, holder in ((client, payer), (company, shop), (other, seller)):
        _read(caller, holder)


def splits_of_payment_requests(tape: Tape) -> None:
    """The payee fixes who gets parts of what is paid."""
    payer, shop, seller = a_client(holds="100.00"), a_company(), a_client()
    client, company = tape.holder("payer", payer), tape.holder("company", shop)
    other, operator = tape.holder("seller", seller), operator_of(tape)
    euro = a_client(currency="EUR")
    tape.name("wallet of euros", euro.wallet_id)
    _set_fee(operator, shop)
    part = {"wallet": str(seller.wallet.address), "amount": "6.00"}
    ask = {"summary": "Order", "amount": "10.00", "splits": [part]}
    asked, open_, late = (
        company.post("/payment-requests", sent).json["id"]
        for sent in (ask, {"summary": "Rent", "splits": [part]}, ask)
    )
    for change in _WRONG_PARTS:
        company.post("/payment-requests", {**ask, "splits": [{**part, **change}]})
    for wallet in (shop.wallet.address, euro.wallet_id):
        company.post("/payment-requests", {**ask, "splits": [{**part, "wallet": str(wallet)}]})
    company.post("/payment-requests", {**ask, "splits": [{**part, "amount": "10.01"}]})
    company.post("/payment-requests", {**ask, "splits": [part] * 21})
    client.post("/payment-requests", ask)
    own = {"wallet": str(payer.wallet_id)}
    for caller in (tape.nobody(), client, other, company):
        caller.get(f"/payment-requests/{asked}")
    other.post(f"/payment-requests/{asked}/pay", {"wallet": str(seller.wallet_id)})
    for _ in range(2):
        client.post(f"/payment-requests/{asked}/pay", own, key="k")
    client.post(f"/payment-requests/{open_}/pay", {**own, "amount": "6.00"})
    client.post(f"/payment-requests/{open_}/pay", {**own, "amount": "20.00"})
    freeze(seller)
    for _ in range(2):
        client.post(f"/payment-requests/{late}/pay", own, key="unpaid")
    company.get(f"/payment-requests/{late}")
    for caller, holder in ((client, payer), (company, shop), (other, seller)):
        _read(caller, holder)


def fees_returned(tape: Tape) -> None:
    """Refunds that keep the fee, and that return its share."""
    payer, shop = a_client(holds="100.00"), a_company()
    client, company = tape.holder("payer", payer), tape.holder("company", shop)
    operator = operator_of(tape)
    _set_fee(operator, shop)
    charge = {"wallet": str(payer.wallet_id), "amount": "10.00", "summary": "Order"}
    first, second = (company.post("/wallet/charge", charge).json["transaction"] for _ in range(2))
    for amount, fee in (("3.33", "return"), ("3.33", "keep"), ("3.34", "return")):
        refund = {"transaction": first, "amount": amount, "fee": fee}
        for _ in range(2):
            company.post("/wallet/refund", refund, key=amount + fee)
    company.post("/wallet/refund", {"transaction": first, "fee": "return"})
    for wrong in ("all", True, None, 1):
        company.post("/wallet/refund", {"transaction": second, "fee": wrong})
    company.post("/wallet/refund", {"transaction": second, "amount": "10.01", "fee": "return"})
    company.api.post("/wallet/withdraw", {"wallet": str(shop.wallet_id), "amount": "7.00"})
    company.post("/wallet/refund", {"transaction": second, "fee": "return"}, key="short")
    company.api.post("/wallet/deposit", {"wallet": str(shop.wallet_id), "amount": "20.00"})
    company.post("/wallet/refund", {"transaction": second, "fee": "return"})
    _read(company, shop)
    _read(client, payer)


_WRONG_PARTS: tuple[dict[str, Any], ...] = (
    {"wallet": NOBODY},
    {"wallet": "x"},
    {"amount": 0},
    {"amount": "0.001"},
    {"summary": "x"},
)


def _set_fee(operator: Caller, company: Holder) -> None:
    """Have the company pay a tenth of what it takes."""
    reply = operator.call("PUT", f"/company/{company.user.pk}/fee", b'{"percent": "10"}')
    assert reply.status == 200


def _read(caller: Caller, holder: Holder) -> None:
    caller.get(f"/wallet/history/{holder.wallet_id}")
    caller.get(f"/wallets/{holder.wallet_id}/transactions")
    caller.get(f"/wallets/{holder.wallet_id}/statement")


SCENARIOS = (splits_of_charges, splits_of_payment_requests, fees_returned)
