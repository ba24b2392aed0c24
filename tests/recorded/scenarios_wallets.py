"""Wallets by token: created, filled, emptied, moved between, looked at."""

from typing import Any

from tests.factories import a_client, a_company, an_operator, an_uncashed_asset, api_of, freeze
from tests.intake.queueing import drain
from tests.recorded.operations import operator_of
from tests.recorded.recording import NOBODY, Caller, Tape

LATER = {"Prefer": "respond-async"}
#: How an amount may be spelled, and may not.
AMOUNTS: tuple[bytes, ...] = (
    b"1",
    b"1.5",
    b"1.50",
    b"100",
    b'"2"',
    b'"2.5"',
    b'"2.50"',
    b"0.01",
    b'"007"',
    b"1000000000000000",
    b"0",
    b"0.00",
    b'"0"',
    b"-1",
    b'"-0.00"',
    b"1.005",
    b'"1.000"',
    b"1e2",
    b'"1e2"',
    b'"+1"',
    b'" 1"',
    b'"1_000"',
    b'".5"',
    b'"5."',
    b'"\\u0665"',
    b'"NaN"',
    b"NaN",
    b'"Infinity"',
    b'"12,50"',
    b'""',
    b"true",
    b"null",
    b"[]",
    b"{}",
    b"1000000000000000.01",
    b"10000000000000000",
    b"99999999999999999999999999999999999999",
)


def wallets_made(tape: Tape) -> None:
    """Create, look at one, look at all."""
    an_uncashed_asset("GOLD", "Gold")
    tape.settings.MAX_WALLETS_BY_CLIENT = 3
    holder = a_client()
    client, other = tape.holder("client", holder), tape.holder("other client", a_client(holds="7"))
    company, operator = tape.holder("company", a_company()), operator_of(tape)
    client.get("/wallet/list")
    client.post("/wallet/create")
    made = client.post("/wallet/create", {"currency": "EUR"}, key="k").json["wallet"]
    client.post("/wallet/create", {"currency": "EUR"}, key="k")
    client.post("/wallet/create", {"currency": "USD"}, key="k")
    client.post("/wallet/create", {"currency": "EUR"})
    client.post("/wallet/create", {"currency": "EUR"}, key="full")
    client.post("/wallet/create", {"currency": "EUR"}, key="full")
    for wrong in ("XXX", "usd", "", None, 5, "A" * 13, "US\x00", "GOLD"):
        client.post("/wallet/create", {"currency": wrong})
    company.post("/wallet/create")
    operator.post("/wallet/create")
    client.get("/wallet/list")
    for path in (f"/wallet/info/{made}", f"/wallet/info/{holder.wallet_id}"):
        for caller in (client, other, company, operator):
            caller.get(path)
    client.get(f"/wallet/info/{NOBODY}")
    freeze(holder)
    client.get(f"/wallet/info/{holder.wallet_id}")
    for caller in (other, company, operator):
        caller.get("/wallet/list")


def amounts_spelled(tape: Tape) -> None:
    """Money in: which spellings of an amount are taken, and how it is spelled in the answer."""
    holder = a_client()
    client = tape.holder("client", holder)
    for spelled in AMOUNTS:
        raw = b'{"wallet": "%s", "amount": %s}' % (str(holder.wallet_id).encode(), spelled)
        client.post("/wallet/deposit", raw)
    client.get("/wallet/list")


def cash_by_token(tape: Tape) -> None:
    """Deposits and withdrawals."""
    gold = _a_client_with_gold(tape)
    holder, other = a_client(), a_client()
    client, operator = tape.holder("client", holder), operator_of(tape)
    company = tape.holder("company", a_company(holds="5.00"))
    tape.name("other client's wallet", other.wallet_id)
    own = str(holder.wallet_id)
    for path in ("/wallet/deposit", "/wallet/withdraw"):
        body: dict[str, Any] = {"wallet": own, "amount": "80.00"}
        client.post(path, body, key=path)
        client.post(path, body, key=path)
        client.post(path, {**body, "amount": "80.01"}, key=path)
        client.post(path, {**body, "amount": 1})
        for wrong in ({"amount": 0}, {"amount": "1.005"}, {"wallet": 5}, {"wallet": own + "0"}):
            client.post(path, {**body, **wrong})
        client.post(path, {})
        for wallet in (NOBODY, str(other.wallet_id)):
            client.post(path, {**body, "wallet": wallet})
        operator.post(path, body)
        company.post(path, body)
        gold[0].post(path, {"wallet": gold[1], "amount": 1})
        client.post("/wallet/deposit", {"wallet": own, "amount": "100.5"})
    client.post("/wallet/withdraw", {"wallet": own, "amount": 1_000}, key="short")
    client.post("/wallet/withdraw", {"wallet": own, "amount": 1_000}, key="short")
    queued = [
        client.post(
            "/wallet/withdraw", {"wallet": own, "amount": amount}, key=f"l{amount}", **LATER
        )
        for amount in ("1.50", "5000", "1.50")
    ]
    for wrong in ({"amount": 0}, {"amount": "1.005"}, {"wallet": NOBODY}):
        client.post("/wallet/withdraw", {"wallet": own, "amount": 1, **wrong}, **LATER)
    client.post("/wallet/withdraw", {"wallet": own, "amount": "1.50"}, key="l1.50")
    drain()
    for reply in queued:
        client.get(reply.headers["Location"])
    freeze(holder)
    for path in ("/wallet/deposit", "/wallet/withdraw"):
        client.post(path, {"wallet": own, "amount": 1}, key=f"frozen{path}")
        client.post(path, {"wallet": own, "amount": 1}, key=f"frozen{path}")
    client.get(f"/wallet/history/{own}")


def transfers_by_token(tape: Tape) -> None:
    """From an own wallet to anybody's."""
    gold = _a_client_with_gold(tape)
    sender, receiver, frozen = a_client(holds="100.00"), a_client(), a_client()
    client, other = tape.holder("sender", sender), tape.holder("receiver", receiver)
    tape.name("frozen wallet", frozen.wallet_id)
    freeze(frozen)
    good = {
        "source": str(sender.wallet_id),
        "target": str(receiver.wallet_id),
        "amount": "15.50",
        "summary": "Lunch",
    }
    euro = client.post("/wallet/create", {"currency": "EUR"}).json["wallet"]
    client.post("/wallet/transfer", good, key="k")
    client.post("/wallet/transfer", good, key="k")
    client.post("/wallet/transfer", {**good, "summary": "Tea"}, key="k")
    client.post("/wallet/transfer", {**good, "amount": 1_000}, key="short")
    client.post("/wallet/transfer", {**good, "amount": 1_000}, key="short")
    changes: tuple[dict[str, Any], ...] = (
        {"target": good["source"]},
        {"target": euro},
        {"target": str(frozen.wallet_id)},
        {"target": gold[1]},
        {"target": NOBODY},
        {"source": good["target"]},
        {"source": NOBODY},
        {"amount": 0},
        {"amount": "1.005"},
        {"summary": "x" * 501},
        {"summary": "a\x00"},
        {"summary": None},
        {"idempotencyKey": "k"},
    )
    for change in changes:
        client.post("/wallet/transfer", {**good, **change})
        client.post("/wallet/transfer", {**good, **change}, **LATER)
    other.post("/wallet/transfer", good)
    operator_of(tape).post("/wallet/transfer", good)
    tape.holder("company", a_company()).post("/wallet/transfer", good)
    later = client.post("/wallet/transfer", good, key="later", **LATER)
    client.post("/wallet/transfer", good, key="later", **LATER)
    client.post("/wallet/transfer", good, key="later")
    short = client.post("/wallet/transfer", {**good, "amount": 900}, **LATER)
    drain()
    client.get(later.headers["Location"])
    client.get(short.headers["Location"])
    other.get(later.headers["Location"])
    for caller, wallet in ((client, good["source"]), (other, good["target"])):
        caller.get(f"/wallet/history/{wallet}")
    freeze(sender)
    client.post("/wallet/transfer", good)


def histories(tape: Tape) -> None:
    """Pages, filters, and whose."""
    holder, other = a_client(), a_client()
    client, stranger = tape.holder("client", holder), tape.holder("stranger", other)
    own = str(holder.wallet_id)
    path = f"/wallet/history/{own}"
    client.get(path)
    for amount in ("10", "20.5", "30.25"):
        client.api.post("/wallet/deposit", {"wallet": own, "amount": amount})
    send = {
        "source": own,
        "target": str(other.wallet_id),
        "amount": 5,
        "summary": "ü \u2028 \"'\\ \n",
    }
    client.api.post("/wallet/transfer", send)
    client.api.post("/wallet/withdraw", {"wallet": own, "amount": 5_000})
    page = client.get(f"{path}?limit=2")
    while "Link" in page.headers:
        page = client.get(page.headers["Link"].split(">")[0].removeprefix("<http://testserver"))
    rows = client.get(path).json
    moment = rows[2]["date"]
    for query in (
        "success=true",
        "success=false",
        "type=transfer",
        "type=deposit&limit=1&success=true",
        f"from={moment}",
        f"to={moment}",
        "from=2001-01-01T00:00:00Z&to=2002-01-01T00:00:00Z",
        f"cursor={rows[0]['transaction']}&limit=200",
        f"cursor={NOBODY}",
        *WRONG_QUERIES,
    ):
        client.get(f"{path}?{query}")
    for caller in (stranger, tape.holder("company", a_company()), operator_of(tape)):
        caller.get(path)
    client.get(f"/wallet/history/{NOBODY}")
    stranger.get(f"/wallet/history/{other.wallet_id}")


WRONG_QUERIES = (
    "limit=0",
    "limit=201",
    "limit=-1",
    "limit=1.0",
    "limit=",
    "limit=1&limit=2",
    "offset=1",
    "cursor=1",
    "success=yes",
    "type=DEPOSIT",
    "type=",
    "from=yesterday",
    "from=2001-01-01",
    "from=2001-13-01T00:00:00Z",
    "from=2001-01-01T00:00:00%2B01:00",
    "to=2001-01-01T00:00:00",
    "from=2001-02-01T00:00:00Z&to=2001-01-01T00:00:00Z",
    "limit=0&type=x&success=x",
)


def _a_client_with_gold(tape: Tape) -> tuple[Caller, str]:
    """Return a client to whom an operator gave gold, and the wallet that it is in."""
    an_uncashed_asset("GOLD", "Gold")
    holder = a_client()
    credit = {"userId": str(holder.user.pk), "assetSymbol": "GOLD", "amount": 10}
    assert api_of(an_operator()).post("/api/v1/wallet/topup", credit).status == 200
    wallet = str(holder.api.get("/wallet/list").json[-1]["wallet"])
    tape.name("wallet of gold", wallet)
    return tape.holder("owner of gold", holder), wallet


SCENARIOS = (wallets_made, amounts_spelled, cash_by_token, transfers_by_token, histories)
