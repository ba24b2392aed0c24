"""Calls that can be tried, and what is in the database before and after."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from tests.factories import (
    a_client,
    a_company,
    a_paytoken,
    a_staff_member,
    an_operator,
    an_uncashed_asset,
    api_of,
    charge,
)
from tests.http_client import Api, Reply

DRY = {"Dry-Run": "true"}
#: What may be written all the same: counters of rate limits, when a token was used, positions.
UNRELATED = {"core_counter", "core_position", "knox_authtoken", "ledger_dryrefusals"}
TIMES = {
    "createdAt",
    "updatedAt",
    "created_at",
    "expires_at",
    "timestamp",
    "requestId",
}


@dataclass(frozen=True)
class Call:
    """A POST, and the fields of its answer that name what it made."""

    caller: Api
    path: str
    body: dict[str, Any]
    made: tuple[str, ...] = ("transaction",)
    status: int = 200

    def send(self, **headers: str) -> Reply:
        return self.caller.post(self.path, self.body, **headers)


def everything() -> dict[str, str]:
    """Return what is in each table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relnamespace = 'public'::regnamespace AND has_table_privilege(oid, 'SELECT')"
        )
        tables = sorted({name for (name,) in cursor.fetchall()} - UNRELATED)
        rows = {}
        for table in tables:
            cursor.execute(f"SELECT string_agg(t::text, ';' ORDER BY t::text) FROM {table} t")
            [rows[table]] = cursor.fetchone()
    return rows


def without_times(answer: Any) -> Any:
    if isinstance(answer, list):
        return [without_times(each) for each in answer]
    if not isinstance(answer, dict):
        return answer
    return {name: without_times(each) for name, each in answer.items() if name not in TIMES}


def without(answer: Any, made: tuple[str, ...]) -> Any:
    """Return the answer with null for each field that names what was made."""
    if isinstance(answer, list):
        return [without(each, made) for each in answer]
    if not isinstance(answer, dict):
        return answer
    return {name: None if name in made else without(each, made) for name, each in answer.items()}


def assert_tried(call: Call, **headers: str) -> Reply:
    """Try the call, and then make it: the same answer, but for ids, and nothing of the first."""
    before = everything()

    tried = call.send(**DRY, **headers)

    assert everything() == before
    assert tried.headers["Dry-Run"] == "true"
    done = call.send(**headers)
    assert (tried.status, done.status) == (call.status, call.status), (tried.json, done.json)
    assert "Dry-Run" not in done.headers
    expected = without(done.json, call.made) if call.status < 400 else done.json
    assert without_times(tried.json) == without_times(expected)
    assert tried.headers.get("Retry-After") == done.headers.get("Retry-After")
    return tried


def movements() -> dict[str, Call]:
    """Return a call of each sort that moves money at once, by its route and what is special."""
    an_uncashed_asset("GOLD", "Gold")
    client, company, other = a_client(holds="100.00"), a_company(holds="50.00"), a_client()
    wallet, user = str(client.wallet_id), str(client.user.pk)
    paid = charge(company, 9, wallet=wallet).json["transaction"]
    request = company.api.post("/payment-requests", {"summary": "Tea", "amount": 3}).json["id"]
    platform, staff = api_of(an_operator()), api_of(a_staff_member())
    cash = {"wallet": wallet, "amount": 5}
    pay = {"amount": 5, "summary": "Tea"}
    gold = {"userId": user, "assetSymbol": "GOLD", "amount": 5}
    usd = {**gold, "assetSymbol": "USD"}
    move = {"senderWalletId": wallet, "receiverWalletId": str(other.wallet_id), "amount": 5}
    held = {"wallet": wallet, **pay, "reference": "a-1", "metadata": {"room": "12"}}
    hold = company.api.post("/holds", held).json["hold"]
    split = {"splits": [{"wallet": str(other.wallet_id), "amount": 2}]}
    items = [
        {"wallet": wallet, **pay, "reference": "a"},
        {"wallet": str(other.wallet_id), **pay, "reference": "b"},
    ]
    by_token = {"source": wallet, "target": str(other.wallet_id), "amount": 5}
    credit = ("transactionId",)
    return {
        "wallet/deposit": Call(client.api, "/wallet/deposit", cash),
        "wallet/withdraw": Call(client.api, "/wallet/withdraw", cash),
        "wallet/transfer": Call(client.api, "/wallet/transfer", by_token),
        "wallet/charge": Call(company.api, "/wallet/charge", {"wallet": wallet, **pay}),
        "wallet/charge by pay token": Call(
            company.api, "/wallet/charge", {"paytoken": a_paytoken(client), **pay}
        ),
        "wallet/charge with a split": Call(
            company.api, "/wallet/charge", {"wallet": wallet, **pay, **split}
        ),
        "holds": Call(company.api, "/holds", held, ("hold",), 201),
        "holds/<id:hold_id>/capture": Call(
            company.api, f"/holds/{hold}/capture", {"amount": 3, **split}
        ),
        "holds/<id:hold_id>/increment": Call(
            company.api, f"/holds/{hold}/increment", {"amount": 3}, ()
        ),
        "holds/<id:hold_id>/void": Call(company.api, f"/holds/{hold}/void", {}, ()),
        "holds/<id:hold_id>/void by an operator": Call(platform, f"/holds/{hold}/void", {}, ()),
        "wallet/charges": Call(company.api, "/wallet/charges", {"charges": items}),
        "wallet/refund": Call(company.api, "/wallet/refund", {"transaction": paid, "amount": 4}),
        "wallets": Call(client.api, "/wallets", {"balance": "7.50"}, ("id", "address"), 201),
        "wallets/fund": Call(client.api, "/wallets/fund", {"walletId": wallet, "amount": 5}),
        "wallets/transfer": Call(client.api, "/wallets/transfer", move),
        "wallets/<id:wallet_id>/deposit": Call(
            client.api, f"/wallets/{wallet}/deposit", {"amount": 5}
        ),
        "wallets/<id:wallet_id>/withdraw": Call(
            client.api, f"/wallets/{wallet}/withdraw", {"amount": 5}
        ),
        "payment-requests/<id:request_id>/pay": Call(
            client.api, f"/payment-requests/{request}/pay", {"wallet": wallet}
        ),
        "api/v1/wallet/topup": Call(platform, "/api/v1/wallet/topup", gold, credit),
        "api/v1/wallet/topup of staff": Call(staff, "/api/v1/wallet/topup", gold, credit),
        "api/v1/wallet/bonus": Call(platform, "/api/v1/wallet/bonus", gold, credit),
        "api/v1/wallet/spend": Call(platform, "/api/v1/wallet/spend", usd, credit),
        "api/v1/wallet/group": Call(
            platform,
            "/api/v1/wallet/group",
            {"operations": [{"type": "topup", **gold}, {"type": "spend", **gold}]},
            ("groupId", "transactionId"),
        ),
    }
