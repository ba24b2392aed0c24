"""Paying safely: who may charge a wallet, approvals, freezing, and addresses."""

from typing import Any

from tests.factories import a_client, a_company, a_paytoken
from tests.intake.queueing import drain
from tests.recorded.operations import operator_of, somebody_who_left
from tests.recorded.recording import NOBODY, Tape

LATER = {"Prefer": "respond-async"}
ASK = {"summary": "Two coffees", "amount": "12.50"}


def who_may_charge(tape: Tape) -> None:
    """A wallet's rule, the approvals of its owner, and the charges that they let pass."""
    payer, shop = a_client(holds="500.00"), a_company()
    client, company = tape.holder("payer", payer), tape.holder("company", shop)
    rival = tape.holder("rival", a_company())
    own, shop_id = str(payer.wallet_id), str(shop.user.pk)
    good = {"wallet": own, "amount": "10.00", "summary": "Order"}
    company.post("/wallet/charge", good)
    client.patch(f"/wallet/info/{own}", {"charges": "approved", "label": 'For "shops" ü%s'})
    company.post("/wallet/charge", good, key="k")
    # What nobody but the owner decided stays free under its key.
    limits = {"max_amount": "50.00", "max_per_day": "75.00"}
    client.post("/wallet/approvals", {"wallet": own, "company": shop_id, **limits})
    company.post("/wallet/charge", good, key="k")
    company.post("/wallet/charge", good, key="k")
    company.post("/wallet/charge", {**good, "amount": "50.01"})
    rival.post("/wallet/charge", good)
    items = [{**good, "amount": amount} for amount in ("50.01", 50, 10, 6, 5)]
    company.post("/wallet/charges", {"charges": items}, key="batch")
    company.post("/wallet/charges", {"charges": items}, key="batch")
    company.post("/wallet/charge", {**good, "amount": "0.01"})
    company.post("/wallet/charge", {**good, "amount": 9_000})
    # A new approval gives nothing back, a day does.
    client.post("/wallet/approvals", {"wallet": own, "company": shop_id, **limits})
    company.post("/wallet/charge", {**good, "amount": "0.01"})
    tape.move_time(86_401)
    company.post("/wallet/charge", {**good, "amount": "40.00"})
    client.post("/wallet/approvals", {"wallet": own, "company": shop_id, "expires_in": 60})
    company.post("/wallet/charge", {**good, "amount": "100.00"})
    tape.move_time(86_401 + 61)
    company.post("/wallet/charge", good)
    client.patch(f"/wallet/info/{own}", {"charges": "paytoken"})
    client.post("/wallet/approvals", {"wallet": own, "company": shop_id})
    company.post("/wallet/charge", good)
    asked = company.post("/payment-requests", ASK).json["id"]
    client.post(f"/payment-requests/{asked}/pay", {"wallet": own})
    client.post("/wallet/withdraw", {"wallet": own, "amount": 1})
    client.patch(f"/wallet/info/{own}", {"charges": "open"})
    company.post("/wallet/charge", good)
    client.get(f"/wallet/history/{own}")
    company.get(f"/wallet/history/{shop.wallet_id}")


def wallets_changed(tape: Tape) -> None:
    """Who may charge it, and what its owner calls it."""
    holder, shop = a_client(holds="5.00"), a_company()
    client, company = tape.holder("client", holder), tape.holder("company", shop)
    stranger, operator = tape.holder("stranger", a_client()), operator_of(tape)
    info = f"/wallet/info/{holder.wallet_id}"
    for change in (
        {"charges": "approved"},
        {"label": "Household"},
        {},
        {"charges": "paytoken", "label": ""},
        {"label": "ü" * 60},
        {"charges": "closed"},
        {"charges": None},
        {"charges": ["open"]},
        {"label": "a" * 61},
        {"label": "a\x00"},
        {"label": None},
        {"label": 5},
        {"balance": 5},
        {"charges": "open", "label": 5},
    ):
        client.patch(info, change)
    client.get(info)
    client.get("/wallet/list")
    client.get(f"/wallets/{holder.wallet_id}")
    for caller in (stranger, company, operator):
        caller.patch(info, {"label": "Mine"})
    client.patch(f"/wallet/info/{NOBODY}", {"label": "Mine"})
    company.patch(f"/wallet/info/{shop.wallet_id}", {"label": "Till", "charges": "approved"})
    who_left, closed = somebody_who_left(tape)
    who_left.patch(f"/wallet/info/{closed}", {"label": "x"})


def approvals(tape: Tape) -> None:
    """Made, looked at, revoked."""
    holder, shop = a_client(holds="5.00"), a_company()
    client, company = tape.holder("client", holder), tape.holder("company", shop)
    stranger, operator = tape.holder("stranger", a_client()), operator_of(tape)
    another_shop = a_company()
    other = tape.holder("other company", another_shop)
    own, shop_id = str(holder.wallet_id), str(shop.user.pk)
    good = {"wallet": own, "company": shop_id, "max_amount": "50", "max_per_day": 100.5}
    first = client.post("/wallet/approvals", {**good, "expires_in": 3_600}, key="k")
    client.post("/wallet/approvals", {**good, "expires_in": 3_600}, key="k")
    client.post("/wallet/approvals", good, key="k")
    second = client.post("/wallet/approvals", good)
    client.post("/wallet/approvals", {"wallet": own, "company": str(another_shop.user.pk)})
    changes: tuple[dict[str, Any], ...] = (
        {"max_amount": 0},
        {"max_amount": "1.005"},
        {"max_amount": None},
        {"max_per_day": "-1"},
        {"max_per_day": 10**16},
        {"expires_in": 0},
        {"expires_in": 5 * 365 * 86_400 + 1},
        {"expires_in": "60"},
        {"expires_in": True},
        {"company": NOBODY},
        {"company": str(holder.user.pk)},
        {"company": "x"},
        {"company": None},
        {"wallet": NOBODY},
        {"wallet": str(holder.wallet.address)},
        {"wallet": str(shop.wallet_id)},
        {"label": "x"},
    )
    for change in changes:
        client.post("/wallet/approvals", {**good, **change})
    client.post("/wallet/approvals", {"wallet": own})
    for caller in (stranger, company, operator):
        caller.post("/wallet/approvals", good)
    for caller in (client, company, other, stranger, operator):
        caller.get("/wallet/approvals")
        caller.get(f"/wallet/approvals?wallet={own}")
    for wallet in (NOBODY, holder.wallet.address, shop.wallet_id, "x"):
        client.get(f"/wallet/approvals?wallet={wallet}")
    for caller in (stranger, company, operator, client, client):
        caller.delete(f"/wallet/approvals/{second.json['approval']}")
    client.delete(f"/wallet/approvals/{first.json['approval']}")
    client.delete(f"/wallet/approvals/{NOBODY}")
    company.get("/wallet/approvals")
    who_left, closed = somebody_who_left(tape)
    who_left.post("/wallet/approvals", {"wallet": closed, "company": shop_id})


def own_wallets_frozen(tape: Tape) -> None:
    """An owner freezes; support alone sets free."""
    holder, shop = a_client(holds="20.00"), a_company()
    client, company = tape.holder("client", holder), tape.holder("company", shop)
    own, paytoken = str(holder.wallet_id), a_paytoken(holder)
    for body in (
        {},
        {"wallet": NOBODY},
        {"wallet": str(holder.wallet.address)},
        {"wallet": str(shop.wallet_id)},
        {"wallet": own, "reason": "x" * 501},
        {"wallet": own, "reason": None},
        {"wallet": own, "status": "active"},
    ):
        client.post("/wallet/freeze", body)
    operator_of(tape).post("/wallet/freeze", {"wallet": own})
    body = {"wallet": own, "reason": "I lost my phone"}
    client.post("/wallet/freeze", body, key="k")
    client.post("/wallet/freeze", body, key="k")
    client.post("/wallet/freeze", {"wallet": own}, key="k")
    client.post("/wallet/freeze", {"wallet": own})
    who_left, closed = somebody_who_left(tape)
    who_left.post("/wallet/freeze", {"wallet": closed})
    for payer in ({"wallet": own}, {"paytoken": paytoken}):
        company.post("/wallet/charge", {**payer, "amount": 1, "summary": "x"})
    client.post("/wallet/withdraw", {"wallet": own, "amount": 1})
    client.patch(f"/wallet/info/{own}", {"charges": "approved"})
    company.post("/wallet/freeze", {"wallet": str(shop.wallet_id)})
    client.get(f"/wallet/history/{own}")


def addresses_named(tape: Tape) -> None:
    """An address is paid into and nothing else; other people's wallets are shown by it."""
    sender, receiver, shop = a_client(holds="100.00"), a_client(), a_company(holds="5.00")
    client, other = tape.holder("sender", sender), tape.holder("receiver", receiver)
    company, operator = tape.holder("company", shop), operator_of(tape)
    own, address = str(sender.wallet_id), str(receiver.wallet.address)
    own_address = str(sender.wallet.address)
    send = {"source": own, "target": address, "amount": "1.50", "summary": "Lunch"}
    move = {"senderWalletId": own, "receiverWalletId": address, "amount": 2}
    client.post("/wallet/transfer", send, key="k")
    client.post("/wallet/transfer", send, key="k")
    client.post("/wallets/transfer", move)
    client.post("/wallets/transfer", {**move, "receiverWalletId": str(receiver.wallet_id)})
    savings = client.post("/wallet/create").json
    client.post("/wallets/transfer", {**move, "receiverWalletId": savings["address"]})
    queued = [
        client.post("/wallet/transfer", send, **LATER),
        client.post("/wallets/transfer", move, **LATER),
        client.post("/transaction", {"value": 4, "target": address}),
        operator.post(
            "/transaction",
            {"value": 5, "target": str(shop.wallet.address), "customer": str(sender.user.pk)},
        ),
    ]
    drain()
    for reply in queued:
        client.get(reply.headers["Location"])
    client.post("/wallet/transfer", {**send, "target": own_address})
    client.post("/transaction", {"value": 1, "target": own_address})
    client.post("/wallet/transfer", {**send, "source": own_address})
    client.post("/wallets/transfer", {**move, "senderWalletId": own_address})
    for path in ("/wallet/deposit", "/wallet/withdraw"):
        client.post(path, {"wallet": own_address, "amount": 1})
    client.post("/wallets/fund", {"walletId": own_address, "amount": 1})
    charge = {"amount": 3, "summary": "Order"}
    company.post("/wallet/charge", {**charge, "wallet": own_address})
    company.post("/wallet/charges", {"charges": [{**charge, "wallet": own_address}]})
    for call in ("deposit", "withdraw"):
        client.post(f"/wallets/{own_address}/{call}", {"amount": 1})
    for path in ("/wallet/info/{}", "/wallet/history/{}", "/wallets/{}"):
        client.get(path.format(own_address))
    for path in ("/wallets/{}/transactions", "/wallets/{}/statement"):
        client.get(path.format(own_address))
    client.patch(f"/wallet/info/{own_address}", {"label": "x"})
    company.post("/wallet/charge", {**charge, "wallet": own})
    for caller, holder in ((client, sender), (other, receiver), (company, shop)):
        token = holder.wallet_id
        for path in (
            f"/wallet/history/{token}",
            f"/wallets/{token}",
            f"/wallets/{token}/statement",
        ):
            caller.get(path)
        caller.get(f"/wallets/{token}/transactions")
        caller.get(f"/api/v1/wallet/ledger/{holder.user.pk}")
    operator.get(f"/api/v1/wallet/ledger/{sender.user.pk}")


SCENARIOS = (who_may_charge, wallets_changed, approvals, own_wallets_frozen, addresses_named)
