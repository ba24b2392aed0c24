"""Trades of a platform, all of their movements or none; and calls that only try."""

from typing import Any

from tests.factories import (
    ClientFactory,
    a_client,
    a_company,
    a_staff_member,
    an_uncashed_asset,
    api_of,
    freeze,
)
from tests.recorded.operations import operator_of
from tests.recorded.recording import NOBODY, Caller, Tape

GROUP = "/api/v1/wallet/group"
DRY = {"Dry-Run": "true"}


def trades(tape: Tape) -> None:
    """Gold for diamonds, and each reason for which nobody gets anything."""
    an_uncashed_asset("GOLD", "Gold")
    an_uncashed_asset("DIAMOND", "Diamonds")
    first, second, shop = a_client(), a_client(), a_company(currency="EUR")
    client, other = tape.holder("client", first), tape.holder("other", second)
    company, operator = tape.holder("company", shop), operator_of(tape)
    staff = tape.caller("staff", api_of(a_staff_member()))
    nothing = ClientFactory.create().user.pk
    tape.name("client without a wallet", nothing)
    own, theirs = str(first.user.pk), str(second.user.pk)
    gold = {"type": "topup", "userId": own, "assetSymbol": "GOLD", "amount": "100.00"}
    diamonds = {**gold, "type": "bonus", "userId": theirs, "assetSymbol": "DIAMOND", "amount": 5}
    there = {**gold, "type": "transfer", "toUserId": theirs, "description": "For diamonds"}
    back = {**diamonds, "type": "transfer", "toUserId": own}
    spent = {**gold, "type": "spend", "userId": theirs, "amount": "1.50"}
    swap = {"operations": [gold, diamonds, there, back, spent]}
    for _ in range(2):
        operator.post(GROUP, swap, key="k")
    operator.post(GROUP, {"operations": [gold]}, key="k")
    operator.get("/idempotency/k")
    for _ in range(2):
        operator.post(GROUP, {"operations": [diamonds], "idempotencyKey": "in the body"})
    operator.post(GROUP, {"operations": [gold], "idempotencyKey": "a"}, key="b")
    for _ in range(2):
        operator.post(GROUP, {"operations": [gold, {**spent, "amount": 9_000}]}, key="short")
    changes: tuple[dict[str, Any], ...] = (
        {"userId": NOBODY},
        {"userId": "1"},
        {"toUserId": NOBODY},
        {"toUserId": own},
        {"assetSymbol": "XXX"},
        {"assetSymbol": "gold"},
        {"userId": str(nothing)},
        {"amount": 0},
        {"amount": "1.005"},
        {"amount": 10**18},
        {"amount": "9000.00"},
        {"type": "charge"},
        {"type": "topup"},
        {"description": 5},
        {"reference": "x"},
    )
    for change in changes:
        operator.post(GROUP, {"operations": [gold, {**there, **change}]})
    operator.post(GROUP, {"operations": [{**spent, "userId": str(nothing)}]}, key="none")
    limited = {**gold, "userId": str(shop.user.pk), "assetSymbol": "USD"}
    operator.post(GROUP, {"operations": [gold, limited]})
    wrong: tuple[Any, ...] = ([], [gold] * 21, gold, [None], None, [{}])
    for operations in wrong:
        operator.post(GROUP, {"operations": operations})
    operator.post(GROUP)
    for caller in (tape.nobody(), client, other, company):
        caller.post(GROUP, swap)
    for amount in ("600.00", "400.01", "400.00"):
        staff.post(GROUP, {"operations": [{**gold, "amount": amount}]}, key=amount)
    tape.settings.FAILED_ATTEMPTS = 1
    for _ in range(2):
        operator.post(GROUP, {"operations": [{**back, "amount": 9_000}]})
    freeze(first)
    frozen = {**gold, "assetSymbol": "USD"}
    operator.post(GROUP, {"operations": [diamonds, frozen]})
    for holder in (first, second):
        operator.get(f"/api/v1/wallet/transactions/{holder.user.pk}")
        operator.get(f"/api/v1/wallet/ledger/{holder.user.pk}")
    client.get(f"/api/v1/wallet/balances/{own}")


def dry_runs(tape: Tape) -> None:
    """What each call would answer, of which nothing is kept."""
    payer, shop, other = a_client(holds="100.00"), a_company(), a_client()
    client, company = tape.holder("payer", payer), tape.holder("company", shop)
    receiver, operator = tape.holder("receiver", other), operator_of(tape)
    own, ask = str(payer.wallet_id), {"summary": "Tea", "amount": 5}
    charge = {"wallet": own, **ask}
    paid = company.api.post("/wallet/charge", charge).json["transaction"]
    hold = company.api.post("/holds", charge).json["hold"]
    asked = company.api.post("/payment-requests", ask).json["id"]
    credit = {"userId": str(payer.user.pk), "assetSymbol": "USD", "amount": 1}
    tape.name("hold", hold)
    tape.name("request", asked)
    calls: tuple[tuple[Caller, str, dict[str, Any]], ...] = (
        (client, "/wallet/deposit", {"wallet": own, "amount": 1}),
        (client, "/wallet/withdraw", {"wallet": own, "amount": 1}),
        (
            client,
            "/wallet/transfer",
            {"source": own, "target": str(other.wallet.address), "amount": 1},
        ),
        (company, "/wallet/charge", charge),
        (company, "/wallet/charge", {**charge, "amount": "0.001"}),
        (company, "/wallet/refund", {"transaction": paid, "amount": 1}),
        (company, "/holds", charge),
        (company, f"/holds/{hold}/increment", {"amount": 1}),
        (company, f"/holds/{hold}/capture", {}),
        (company, f"/holds/{hold}/void", {}),
        (client, f"/payment-requests/{asked}/pay", {"wallet": own}),
        (operator, "/api/v1/wallet/topup", credit),
        (operator, GROUP, {"operations": [{"type": "topup", **credit}]}),
    )
    for caller, path, body in calls:
        caller.post(path, body, key="k", **DRY)
    for value in ("false", "1", ""):
        company.post("/wallet/charge", charge, **{"Dry-Run": value})
    client.post("/payment-requests", ask, **DRY)
    client.post("/wallet/withdraw", {"wallet": own, "amount": 1}, Prefer="respond-async", **DRY)
    client.get("/idempotency/k")
    for _ in range(2):
        company.post("/wallet/charge", {**charge, "amount": 9_000}, **DRY)
    for caller, holder in ((client, payer), (company, shop), (receiver, other)):
        caller.get(f"/wallet/info/{holder.wallet_id}")
        caller.get(f"/wallet/history/{holder.wallet_id}")
    client.get(f"/holds/{hold}")


SCENARIOS = (trades, dry_runs)
