"""Credits of a platform; and wallets that can hold no more."""

from typing import Any

from tests.factories import (
    ClientFactory,
    Holder,
    a_client,
    a_company,
    an_uncashed_asset,
    freeze,
)
from tests.recorded.operations import operator_of
from tests.recorded.recording import NOBODY, Tape

#: The most that one deposit takes, and how many of them fill a wallet.
MOST, TIMES = 10**15, 90


def credits_moved(tape: Tape) -> None:
    """Top up, give, spend."""
    an_uncashed_asset("GOLD", "Gold")
    holder, other, shop = a_client(), a_client(), a_company(currency="EUR")
    client, stranger = tape.holder("client", holder), tape.holder("stranger", other)
    company, operator = tape.holder("company", shop), operator_of(tape)
    good: dict[str, Any] = {
        "userId": str(holder.user.pk),
        "assetSymbol": "GOLD",
        "amount": "100.50",
        "description": "Welcome",
    }
    for path in ("/api/v1/wallet/topup", "/api/v1/wallet/bonus", "/api/v1/wallet/spend"):
        for keyed in ({**good, "idempotencyKey": path}, {**good, "amount": 1}):
            operator.post(path, keyed)
            operator.post(path, keyed)
        operator.post(path, {**good, "idempotencyKey": path, "amount": 2})
        operator.post(path, good, key=path)
        operator.post(path, {**good, "idempotencyKey": path}, key="another")
        changes: tuple[dict[str, Any], ...] = (
            {"userId": NOBODY},
            {"userId": "1"},
            {"assetSymbol": "XXX"},
            {"assetSymbol": "gold"},
            {"assetSymbol": ""},
            {"assetSymbol": "A" * 13},
            {"amount": 0},
            {"amount": "1.005"},
            {"amount": 10**18},
            {"idempotencyKey": "a\nb"},
            {"description": 5},
            {"type": "TOPUP"},
        )
        for change in changes:
            operator.post(path, {**good, **change})
        operator.post(path)
        for caller in (client, stranger, company):
            caller.post(path, {**good, "amount": 1})
        operator.post(
            path, {**good, "userId": str(shop.user.pk), "assetSymbol": "USD"}, key=f"limit {path}"
        )
    client.post("/api/v1/wallet/spend", {**good, "amount": 9_000}, key="short")
    client.post("/api/v1/wallet/spend", {**good, "amount": 9_000}, key="short")
    operator.post("/api/v1/wallet/spend", {**good, "amount": 9_000})
    freeze(holder)
    for path in ("/api/v1/wallet/topup", "/api/v1/wallet/bonus", "/api/v1/wallet/spend"):
        operator.post(path, {**good, "assetSymbol": "USD"})


def credits_read(tape: Tape) -> None:
    """Balances, transactions, and both sides of them."""
    an_uncashed_asset("GOLD", "Gold")
    holder, sender = a_client(holds="50.25"), a_client(holds="10.00")
    client, operator = tape.holder("client", holder), operator_of(tape)
    other, company = tape.holder("sender", sender), tape.holder("company", a_company())
    user = str(holder.user.pk)
    credit = {"userId": user, "assetSymbol": "GOLD", "amount": "100"}
    for path, amount in (("topup", "100"), ("bonus", "2.5"), ("spend", "0.25"), ("spend", "999")):
        operator.api.post(f"/api/v1/wallet/{path}", {**credit, "amount": amount})
    other.api.post(
        "/wallet/transfer",
        {"source": str(sender.wallet_id), "target": str(holder.wallet_id), "amount": 4},
    )
    root = "/api/v1/wallet"
    reads = (f"balance/{user}/GOLD", f"balances/{user}", f"transactions/{user}", f"ledger/{user}")
    for read in reads:
        for caller in (client, operator, other, company):
            caller.get(f"{root}/{read}")
        operator.get(f"{root}/{read.replace(user, NOBODY)}")
        client.get(f"{root}/{read.replace(user, NOBODY)}")
    for symbol in ("USD", "EUR", "XXX", "gold", "%00", "USD/EUR"):
        client.get(f"{root}/balance/{user}/{symbol}")
    for listed in ("transactions", "ledger"):
        path = f"{root}/{listed}/{user}"
        page = operator.get(f"{path}?limit=3")
        while page.json["pagination"]["nextCursor"]:
            page = operator.get(f"{path}?limit=3&cursor={page.json['pagination']['nextCursor']}")
        for query in (
            "offset=1&limit=1",
            "offset=5000",
            "offset=5001",
            "limit=x",
            "limit=0",
            "limit=201",
            "cursor=1",
            f"cursor={NOBODY}",
            f"cursor={NOBODY}.2",
            f"cursor={NOBODY}.3",
            f"offset=0&cursor={NOBODY}",
            "type=spend",
        ):
            client.get(f"{path}?{query}")
    nothing = ClientFactory.create().user.pk
    tape.name("client without a wallet", nothing)
    for read in (f"balance/{nothing}/USD", f"balances/{nothing}", f"transactions/{nothing}"):
        operator.get(f"{root}/{read}")
    operator.get(f"{root}/ledger/{nothing}")
    spend = {"userId": str(nothing), "assetSymbol": "GOLD", "amount": 1}
    operator.post(f"{root}/spend", spend, key="none")
    operator.post(f"{root}/spend", spend, key="none")


def wallets_that_are_full(tape: Tape) -> None:
    """409: a balance cannot grow without end, whatever would make it."""
    payer, sender, shop = a_client(), a_client(holds="5.00"), a_company()
    client, other = tape.holder("client", payer), tape.holder("sender", sender)
    company, operator = tape.holder("company", shop), operator_of(tape)
    own, theirs, till = str(payer.wallet_id), str(sender.wallet_id), str(shop.wallet_id)
    pay = {"wallet": own, "amount": 1, "summary": "Order"}
    client.api.post("/wallet/deposit", {"wallet": own, "amount": 1})
    charged = company.api.post("/wallet/charge", pay).json["transaction"]
    held = company.api.post("/holds", {**pay, "wallet": theirs}).json["hold"]
    _fill(payer)
    company.api.post("/wallet/deposit", {"wallet": till, "amount": 1})
    company.post("/wallet/refund", {"transaction": charged}, key="r")
    company.post("/wallet/refund", {"transaction": charged}, key="r")
    client.post("/wallet/deposit", {"wallet": own, "amount": "0.01"})
    client.post("/wallets/fund", {"walletId": own, "amount": "0.01"})
    client.post(f"/wallets/{own}/deposit", {"amount": "0.01"})
    move = {"source": theirs, "target": own, "amount": "0.01"}
    other.post("/wallet/transfer", move)
    other.post(
        "/wallets/transfer", {"senderWalletId": theirs, "receiverWalletId": own, "amount": "0.01"}
    )
    asked = client.api.post("/payment-requests", {"summary": "Tea", "amount": "0.01"}).json["id"]
    other.post(f"/payment-requests/{asked}/pay", {"wallet": theirs})
    credit = {"userId": str(payer.user.pk), "assetSymbol": "USD", "amount": "0.01"}
    operator.post("/api/v1/wallet/topup", credit)
    operator.post("/api/v1/wallet/bonus", credit)
    operator.post("/api/v1/wallet/group", {"operations": [{"type": "topup", **credit}]})
    company.api.post("/wallet/withdraw", {"wallet": till, "amount": 2})
    _fill(shop)
    company.post("/wallet/charge", {**pay, "wallet": theirs})
    company.post("/wallet/charges", {"charges": [{**pay, "wallet": theirs}]})
    company.post(f"/holds/{held}/capture")
    company.post("/holds", {**pay, "wallet": theirs})
    client.get(f"/wallet/info/{own}")
    client.get(f"/wallets/{own}/transactions?limit=8")


def _fill(holder: Holder) -> None:
    for _ in range(TIMES):
        body = {"wallet": str(holder.wallet_id), "amount": MOST}
        assert holder.api.post("/wallet/deposit", body).status == 200


SCENARIOS = (credits_moved, credits_read, wallets_that_are_full)
