"""What operators move: cash where only they do, and staff no more than their limit."""

from tests.factories import a_client, a_company, a_staff_member, an_uncashed_asset, api_of
from tests.intake.queueing import drain
from tests.recorded.operations import operator_of
from tests.recorded.recording import NOBODY, Caller, Tape

LATER = {"Prefer": "respond-async"}


def cash_of_operators(tape: Tape) -> None:
    """`WALLET_SERVICE_CASH=operators`: 403 for owners, and the same calls by operators."""
    holder, shop = a_client(holds="20.00"), a_company()
    client, company = tape.holder("client", holder), tape.holder("company", shop)
    platform, staff = operator_of(tape), _staff(tape)
    own = str(holder.wallet_id)
    calls: tuple[tuple[str, dict[str, str]], ...] = (
        ("/wallet/deposit", {"wallet": own}),
        ("/wallet/withdraw", {"wallet": own}),
        ("/wallets/fund", {"walletId": own}),
        (f"/wallets/{own}/deposit", {}),
        (f"/wallets/{own}/withdraw", {}),
    )
    for path, body in calls:
        for operator in (platform, staff):
            operator.post(path, {**body, "amount": 1})
    tape.settings.CASH = "operators"
    for path, body in calls:
        for owner in (client, company):
            owner.post(path, {**body, "amount": 1}, key=path)
        client.post(path, {**body, "amount": "x"})
        client.post(path, {**body, "amount": 1}, **LATER)
        for operator in (platform, staff):
            operator.post(path, {**body, "amount": "200.00"}, key=path)
            operator.post(path, {**body, "amount": "200.00"}, key=path)
        staff.post(path, {**body, "amount": "1000.00"}, key=f"more {path}")
    for path, body in calls[:3]:
        platform.post(path, {**body, next(iter(body)): NOBODY, "amount": 1})
    platform.post("/wallet/withdraw", {"wallet": own, "amount": 9_000}, key="short")
    queued = platform.post("/wallet/withdraw", {"wallet": own, "amount": 1}, **LATER)
    staff.post("/wallet/withdraw", {"wallet": own, "amount": 1}, **LATER)
    drain()
    client.get(queued.headers["Location"])
    for balance in ("0.01", "0.00", "-1", "x"):
        client.post("/wallets", {"balance": balance})
    platform.post("/wallets", {"balance": 5})
    client.get(f"/wallet/history/{own}")


def what_staff_move(tape: Tape) -> None:
    """403 `approval_needed`, which leaves the key free; and nothing for the queue."""
    an_uncashed_asset("GOLD", "Gold")
    holder = a_client(holds="20.00")
    client, staff, platform = tape.holder("client", holder), _staff(tape), operator_of(tape)
    good = {"userId": str(holder.user.pk), "assetSymbol": "GOLD", "amount": "600.00"}
    for path in ("topup", "bonus", "spend"):
        key = f"over {path}" if path == "spend" else path  # without a wallet: on record
        staff.post(f"/api/v1/wallet/{path}", {**good, "amount": "1000.01"}, key=key)
    staff.post("/api/v1/wallet/topup", good, key="topup")
    staff.post("/api/v1/wallet/topup", good, key="topup")
    staff.post("/api/v1/wallet/bonus", good, key="bonus")
    staff.post("/api/v1/wallet/spend", {**good, "amount": 400.01}, key="spend")
    staff.post("/api/v1/wallet/spend", {**good, "amount": 400}, key="spend")
    platform.post("/api/v1/wallet/topup", {**good, "amount": "1000000.00"})
    item = {"value": 1, "customer": str(holder.user.pk)}
    for body in (item, [item], {"value": 1}):
        staff.post("/transaction", body)
    client.get(f"/api/v1/wallet/transactions/{holder.user.pk}")


def _staff(tape: Tape) -> Caller:
    return tape.caller("staff", api_of(a_staff_member()))


SCENARIOS = (cash_of_operators, what_staff_move)
