"""Wallets as resources: made, filled, moved between, read page by page, told as a statement."""

from typing import Any

from tests.factories import (
    Holder,
    a_client,
    a_company,
    an_operator,
    an_uncashed_asset,
    api_of,
    freeze,
)
from tests.intake.queueing import drain
from tests.recorded.operations import operator_of
from tests.recorded.recording import NOBODY, Caller, Tape

LATER = {"Prefer": "respond-async"}


def resources_made(tape: Tape) -> None:
    """Create one, with a first deposit or without, and look at it."""
    an_uncashed_asset("GOLD", "Gold")
    tape.settings.MAX_WALLETS_BY_CLIENT = 6
    client, other = tape.holder("client", a_client()), tape.holder("other client", a_client())
    company, operator = tape.holder("company", a_company()), operator_of(tape)
    body = {"currency": "EUR", "balance": "100.50"}
    made = client.post("/wallets", body, key="k").json["id"]
    client.post("/wallets", body, key="k")
    client.post("/wallets", {**body, "balance": "100.51"}, key="k")
    client.post("/wallets")
    client.post("/wallets", {"balance": 0})
    client.post("/wallets", {"balance": 12.5})
    changes: tuple[dict[str, Any], ...] = (
        {"balance": "-1"},
        {"balance": "1.234"},
        {"balance": True},
        {"currency": "GOLD"},
        {"currency": "XXX"},
        {"owner": NOBODY},
    )
    for change in changes:
        client.post("/wallets", {**body, **change})
    client.post("/wallets", {"currency": "USD"})
    client.post("/wallets", {"currency": "USD"}, key="full")
    client.post("/wallets", {"currency": "USD"}, key="full")
    company.post("/wallets")
    operator.post("/wallets")
    for caller in (client, other, company, operator):
        caller.get(f"/wallets/{made}")
    client.get(f"/wallets/{NOBODY}")


def resources_filled(tape: Tape) -> None:
    """Fund, deposit, withdraw."""
    gold = _with_gold(tape)
    holder, other = a_client(), a_client()
    client, operator = tape.holder("client", holder), operator_of(tape)
    company = tape.holder("company", a_company())
    tape.name("other client's wallet", other.wallet_id)
    own, foreign = str(holder.wallet_id), str(other.wallet_id)
    _funds(client, own, foreign)
    for verb in ("deposit", "withdraw"):
        path = f"/wallets/{own}/{verb}"
        body: dict[str, Any] = {"amount": "20.50", "description": "Savings"}
        client.post(path, body, key=verb)
        client.post(path, body, key=verb)
        client.post(path, {**body, "amount": "20.5"}, key=verb)
        changes: tuple[dict[str, Any], ...] = (
            {"amount": 0},
            {"amount": "1.005"},
            {"amount": []},
            {"walletId": own},
            {"description": 5},
            {"description": "a" * 501},
        )
        for change in changes:
            client.post(path, {**body, **change})
        client.post(path)
        for caller in (operator, company):
            caller.post(path, body)
        for wallet in (foreign, NOBODY):
            client.post(f"/wallets/{wallet}/{verb}", body)
        gold.post(f"/wallets/{_wallet_of_gold(gold)}/{verb}", body)
    gold.post("/wallets/fund", {"walletId": _wallet_of_gold(gold), "amount": 1})
    for caller in (operator, company):
        caller.post("/wallets/fund", {"walletId": own, "amount": 1})
    client.post(f"/wallets/{own}/withdraw", {"amount": 9_000}, key="short")
    client.post(f"/wallets/{own}/withdraw", {"amount": 9_000}, key="short")
    later = client.post(f"/wallets/{own}/withdraw", {"amount": 1}, key="later", **LATER)
    client.post(f"/wallets/{own}/withdraw", {"amount": 1}, key="later", **LATER)
    client.post(f"/wallets/{own}/withdraw", {"amount": 1, "description": 5}, **LATER)
    drain()
    client.get(later.headers["Location"])
    client.get(f"/wallets/{own}")
    freeze(holder)
    for path in (f"/wallets/{own}/deposit", f"/wallets/{own}/withdraw"):
        client.post(path, {"amount": 1})
    client.post("/wallets/fund", {"walletId": own, "amount": 1, "idempotencyKey": "frozen"})
    client.post("/wallets/fund", {"walletId": own, "amount": 1, "idempotencyKey": "frozen"})


def _funds(client: Caller, own: str, foreign: str) -> None:
    good = {"wallet_id": own, "amount": "100.50", "idempotencyKey": "b", "description": "First"}
    client.post("/wallets/fund", good)
    client.post("/wallets/fund", good)
    client.post("/wallets/fund", {**good, "amount": "100.51"})
    client.post("/wallets/fund", good, key="b")
    client.post("/wallets/fund", good, key="another")
    plain = {"walletId": own, "amount": 1}
    client.post("/wallets/fund", plain, key="h")
    client.post("/wallets/fund", plain, key="h")
    client.post("/wallets/fund", {**plain, "idempotencyKey": "h"})
    client.post("/wallets/fund", {"amount": 1})
    changes: tuple[dict[str, Any], ...] = (
        {"wallet_id": foreign},
        {"walletId": foreign},
        {"walletId": NOBODY},
        {"amount": "0"},
        {"amount": "1.005"},
        {"idempotencyKey": ""},
        {"idempotencyKey": "é"},
        {"idempotencyKey": 5},
        {"clientTransactionId": "k"},
    )
    for change in changes:
        client.post("/wallets/fund", {**plain, **change})


def resource_transfers(tape: Tape) -> None:
    """With the key in the header, or in the body by two names."""
    gold = _with_gold(tape)
    sender, receiver, frozen = a_client(holds="100.00"), a_client(), a_client()
    client, other = tape.holder("sender", sender), tape.holder("receiver", receiver)
    tape.name("frozen wallet", frozen.wallet_id)
    freeze(frozen)
    good = {
        "senderWalletId": str(sender.wallet_id),
        "receiverWalletId": str(receiver.wallet_id),
        "amount": "10.25",
        "description": "Payment",
    }
    own = client.post("/wallets").json["id"]
    client.post("/wallets/transfer", {**good, "receiverWalletId": own})
    for name in ("idempotencyKey", "clientTransactionId"):
        client.post("/wallets/transfer", {**good, name: name})
        client.post("/wallets/transfer", {**good, name: name})
        client.post("/wallets/transfer", {**good, name: name, "amount": 1})
    client.post("/wallets/transfer", {**good, "clientTransactionId": "a", "idempotencyKey": "b"})
    client.post("/wallets/transfer", good, key="h")
    client.post("/wallets/transfer", good, key="h")
    short = {**good, "amount": 9_000, "idempotencyKey": "short"}
    client.post("/wallets/transfer", short)
    client.post("/wallets/transfer", short)
    changes: tuple[dict[str, Any], ...] = (
        {"receiverWalletId": good["senderWalletId"]},
        {"receiverWalletId": _wallet_of_gold(gold)},
        {"receiverWalletId": str(frozen.wallet_id)},
        {"receiverWalletId": NOBODY},
        {"senderWalletId": good["receiverWalletId"]},
        {"senderWalletId": None},
        {"amount": 0},
        {"amount": "1_0"},
        {"amount": "1.005"},
        {"description": "a\x00"},
        {"clientTransactionId": "x" * 256},
    )
    for change in changes:
        client.post("/wallets/transfer", {**good, **change})
        client.post("/wallets/transfer", {**good, **change}, **LATER)
    for caller in (other, operator_of(tape), tape.holder("company", a_company())):
        caller.post("/wallets/transfer", good)
    later = client.post("/wallets/transfer", {**good, "idempotencyKey": "later"}, **LATER)
    client.post("/wallets/transfer", {**good, "idempotencyKey": "later"}, **LATER)
    headed = client.post("/wallets/transfer", good, key="later too", **LATER)
    client.post("/wallets/transfer", good, key="later too", **LATER)
    drain()
    for reply in (later, headed):
        client.get(reply.headers["Location"])
    client.get(f"/wallets/{sender.wallet_id}")
    other.get(f"/wallets/{receiver.wallet_id}")


def resource_pages(tape: Tape) -> None:
    """Transactions by offset and by cursor."""
    holder = _with_a_past(tape)
    client = tape.holder("client", holder)
    path = f"/wallets/{holder.wallet_id}/transactions"
    client.get(path)
    page = client.get(f"{path}?limit=2")
    while page.json["pagination"]["nextCursor"]:
        page = client.get(f"{path}?limit=2&cursor={page.json['pagination']['nextCursor']}")
    for query in ("offset=1&limit=1", "offset=4", "offset=5000", "limit=200", f"cursor={NOBODY}"):
        client.get(f"{path}?{query}")
    for query in (
        "limit=1000",
        "limit=0",
        "offset=5001",
        "offset=-1",
        f"offset=0&cursor={NOBODY}",
        "cursor=1",
        "from=2001-01-01T00:00:00Z",
    ):
        client.get(f"{path}?{query}")
    client.get(f"/wallets/{holder.wallet_id}")
    client.get(f"/wallets/{NOBODY}/transactions")
    for caller in (tape.holder("stranger", a_client()), operator_of(tape)):
        caller.get(path)


def statements(tape: Tape) -> None:
    """As JSON and as CSV."""
    holder = _with_a_past(tape)
    client = tape.holder("client", holder)
    path = f"/wallets/{holder.wallet_id}/statement"
    client.get(path)
    client.get(path, Accept="text/csv")
    client.get(path, Accept="text/csv, application/json;q=0.5")
    client.get(path, Accept="application/json")
    moment = client.api.get(f"/wallet/history/{holder.wallet_id}").json[2]["date"]
    past = "from=2001-01-01T00:00:00Z&to=2002-01-01T00:00:00Z"
    for query in (
        "format=csv",
        "format=json",
        past,
        f"{past}&format=csv",
        f"from={moment}",
        f"to={moment}&format=csv",
        "to=2001-01-01T00:00:00Z",
        "format=pdf",
        "from=0",
        "from=2001-02-01T00:00:00Z&to=2001-01-01T00:00:00Z",
        "limit=1",
    ):
        client.get(f"{path}?{query}")
    client.get(f"{path}?format=csv", Accept="application/json")
    client.get(f"{path}?format=json", Accept="text/csv")
    client.get(f"/wallets/{NOBODY}/statement")
    client.get(f"/wallets/{NOBODY}/statement?format=csv")
    for caller in (tape.holder("stranger", a_client()), operator_of(tape)):
        caller.get(path)
        caller.get(path, Accept="text/csv")


def _with_a_past(tape: Tape) -> Holder:
    """Return a client with one transaction of most kinds, two of them refused."""
    holder, other, company = a_client(), a_client(holds="1"), a_company()
    tape.name_wallet("other", other)
    tape.name_wallet("company's", company)
    own, theirs = str(holder.wallet_id), str(other.wallet_id)
    api = holder.api
    api.post("/wallet/deposit", {"wallet": own, "amount": "100.00"})
    api.post("/wallet/withdraw", {"wallet": own, "amount": "10.50"})
    api.post("/wallet/withdraw", {"wallet": own, "amount": "1000"})
    api.post("/wallet/transfer", {"source": own, "target": theirs, "amount": 5, "summary": "=1+1"})
    other.api.post(
        "/wallet/transfer",
        {"source": theirs, "target": own, "amount": "0.5", "summary": 'a, "b"\n'},
    )
    charge = {"wallet": own, "amount": "7.25", "summary": "Bücher \uff1d2"}
    charged = company.api.post("/wallet/charge", charge).json["transaction"]
    company.api.post("/wallet/charge", {**charge, "amount": 5_000})
    company.api.post("/wallet/refund", {"transaction": charged, "amount": 1})
    return holder


def _with_gold(tape: Tape) -> Caller:
    an_uncashed_asset("GOLD", "Gold")
    holder = a_client()
    credit = {"userId": str(holder.user.pk), "assetSymbol": "GOLD", "amount": 10}
    assert api_of(an_operator()).post("/api/v1/wallet/topup", credit).status == 200
    return tape.holder("owner of gold", holder)


def _wallet_of_gold(owner: Caller) -> str:
    return str(owner.api.get("/wallet/list").json[-1]["wallet"])


SCENARIOS = (resources_made, resources_filled, resource_transfers, resource_pages, statements)
