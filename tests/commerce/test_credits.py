"""`/api/v1/wallet/*`: the credits of a platform, the doors of seed 4."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from ledger.models import Transaction
from tests.factories import ClientFactory, a_client, a_company, an_operator, api_of
from tests.http_client import Api, Reply
from tests.races import race
from wallets.assets import create_asset
from wallets.models import Wallet

pytestmark = pytest.mark.usefixtures("books")

ANSWER = {
    "transactionId", "userId", "assetSymbol", "type", "amount", "balance", "status", "createdAt",
}  # fmt: skip


@pytest.fixture(autouse=True)
def gold(books: None) -> None:
    create_asset(symbol="GOLD", name="Gold", decimals=2, is_cash=False)


@pytest.fixture
def operator() -> Api:
    return api_of(an_operator())


def credit(api: Api, call: str, user_id: object, amount: Any = 100, **more: Any) -> Reply:
    body = {"userId": str(user_id), "assetSymbol": "GOLD", "amount": amount, **more}
    return api.post(f"/api/v1/wallet/{call}", body)


def test_topup_bonus_and_spend_tell_the_balance(operator: Api) -> None:
    player = ClientFactory.create().user

    replies = [
        credit(operator, call, player.pk, amount)
        for call, amount in (("topup", 100), ("bonus", "50.00"), ("spend", 30.5))
    ]

    assert [reply.status for reply in replies] == [200] * 3
    assert all(set(reply.json) == ANSWER for reply in replies)
    assert [reply.json["type"] for reply in replies] == ["TOPUP", "BONUS", "SPEND"]
    assert [reply.json["balance"] for reply in replies] == [100, 150, Decimal("119.50")]
    assert {reply.json["userId"] for reply in replies} == {str(player.pk)}


def test_the_same_key_in_the_body_answers_the_same_transaction(operator: Api) -> None:
    player = ClientFactory.create().user

    first = credit(operator, "topup", player.pk, idempotencyKey="buy-1")
    repeat = credit(operator, "topup", player.pk, idempotencyKey="buy-1")

    assert (repeat.status, repeat.raw) == (200, first.raw)
    assert repeat.headers["Idempotent-Replayed"] == "true"
    assert Transaction.objects.count() == 1


def test_thirty_first_topups_at_once_make_one_wallet(operator: Api) -> None:
    player = ClientFactory.create().user

    replies = race(30, lambda _: credit(operator, "topup", player.pk, 1))

    assert {reply.status for reply in replies} == {200}
    [wallet] = Wallet.objects.filter(owner_id=player.pk)
    assert (wallet.balance_minor, wallet.version) == (3000, 30)


def test_only_operators_put_credits_in() -> None:
    client, company = a_client(), a_company()
    own = [
        credit(holder.api, call, holder.user.pk)
        for holder in (client, company)
        for call in ("topup", "bonus")
    ]

    assert {(reply.status, reply.code) for reply in own} == {(403, "permission_denied")}
    assert not Transaction.objects.exists()


def test_users_spend_their_own_credits_and_nobody_elses(operator: Api) -> None:
    player, other = ClientFactory.create().user, ClientFactory.create().user
    credit(operator, "topup", player.pk, 10)

    own = credit(api_of(player), "spend", player.pk, 4)
    foreign = credit(api_of(other), "spend", player.pk, 4)

    assert (own.status, own.json["balance"]) == (200, Decimal("6.00"))
    assert (foreign.status, foreign.code) == (403, "permission_denied")
    assert Wallet.objects.get(owner_id=player.pk).balance_minor == 600


def test_spending_too_much_is_refused_on_record(operator: Api) -> None:
    player = ClientFactory.create().user
    credit(operator, "topup", player.pk, 10)

    reply = credit(operator, "spend", player.pk, 11)

    assert (reply.status, reply.code) == (400, "insufficient_funds")
    assert reply.json["details"] == {"available": 10, "shortfall": 1}
    page = operator.get(f"/api/v1/wallet/transactions/{player.pk}").json
    assert [row["status"] for row in page["data"]] == ["FAILED", "COMPLETED"]
    assert page["data"][0]["balance"] is None
    assert Wallet.objects.get(owner_id=player.pk).balance_minor == 1000


def test_spending_without_a_wallet_is_a_conflict(operator: Api) -> None:
    reply = credit(operator, "spend", ClientFactory.create().user.pk)

    assert (reply.status, reply.code) == (409, "no_wallet")
    assert not Wallet.objects.filter(owner_id__isnull=False).exists()


def test_what_is_not_known_is_refused_and_leaves_the_key_free(operator: Api) -> None:
    player = ClientFactory.create().user
    table: list[tuple[dict[str, Any], int, str]] = [
        ({"userId": str(uuid.uuid4())}, 400, "unknown_user"),
        ({"assetSymbol": "NOPE"}, 400, "unknown_asset"),
        ({"assetSymbol": "g\u00f6ld"}, 400, "unknown_asset"),
        ({"userId": "42"}, 422, "validation_error"),
        ({"amount": 0}, 400, "amount_not_positive"),
        ({"amount": "1.234"}, 422, "validation_error"),
        ({"idempotencyKey": ""}, 422, "validation_error"),
    ]

    replies = [credit(operator, "topup", player.pk, **{"idempotencyKey": "k", **wrong})
               for wrong, _, _ in table]  # fmt: skip
    right = credit(operator, "topup", player.pk, idempotencyKey="k")

    assert [(reply.status, reply.code) for reply in replies] == [row[1:] for row in table]
    assert (right.status, Transaction.objects.count()) == (200, 1)


def test_balances(operator: Api) -> None:
    player = ClientFactory.create().user
    credit(operator, "topup", player.pk, "12.34")
    held = {"assetSymbol": "GOLD", "balance": Decimal("12.34"), "locked": 0, "available": Decimal("12.34")}  # fmt: skip  # noqa: E501

    one = operator.get(f"/api/v1/wallet/balance/{player.pk}/GOLD")
    none = api_of(player).get(f"/api/v1/wallet/balance/{player.pk}/EUR")
    every = api_of(player).get(f"/api/v1/wallet/balances/{player.pk}")

    assert one.json == {"userId": str(player.pk), **held}
    assert (none.status, none.json["balance"]) == (200, 0)
    assert every.json == {
        "userId": str(player.pk), "balances": [{"assetName": "Gold", **held}],
    }  # fmt: skip


@pytest.mark.parametrize(
    "path", ["balance/{id}/GOLD", "balances/{id}", "transactions/{id}", "ledger/{id}"]
)
def test_reads_are_for_operators_and_the_user(path: str, operator: Api) -> None:
    player, other = ClientFactory.create().user, ClientFactory.create().user
    own = "/api/v1/wallet/" + path.format(id=player.pk)
    unknown = "/api/v1/wallet/" + path.format(id=uuid.uuid4())
    malformed = "/api/v1/wallet/" + path.format(id="42")

    assert operator.get(own).status == api_of(player).get(own).status == 200
    assert (api_of(other).get(own).status, api_of(other).get(unknown).status) == (403, 403)
    assert operator.get(unknown).code == "unknown_user"
    assert (operator.get(malformed).status, Api().get(own).status) == (404, 401)


@pytest.mark.parametrize("symbol", ["NOPE", "gold", "%00", "%FF", "a b"])
def test_an_unknown_asset_in_a_path(symbol: str, operator: Api) -> None:
    player = ClientFactory.create().user

    reply = operator.get(f"/api/v1/wallet/balance/{player.pk}/{symbol}")

    assert (reply.status, reply.code) == (400, "unknown_asset")


def test_transactions_are_paged_by_offset_and_by_cursor(operator: Api) -> None:
    player = ClientFactory.create().user
    for amount in range(1, 6):
        credit(operator, "topup", player.pk, amount)
    path = f"/api/v1/wallet/transactions/{player.pk}?limit=2"

    first = operator.get(path).json
    second = operator.get(f"{path}&offset=2").json
    by_cursor = operator.get(f"{path}&cursor={first['pagination']['nextCursor']}").json
    last = operator.get(f"{path}&offset=4").json

    assert [row["amount"] for row in first["data"]] == [5, 4]
    assert first["pagination"]["hasMore"] is True
    assert second["data"] == by_cursor["data"]
    assert [row["amount"] for row in last["data"]] == [1]
    assert last["pagination"] == {"limit": 2, "offset": 4, "hasMore": False, "nextCursor": None}


def test_the_ledger_shows_both_sides_of_completed_transactions(operator: Api) -> None:
    player = ClientFactory.create().user
    credit(operator, "topup", player.pk, 10)
    credit(operator, "spend", player.pk, 99)
    credit(operator, "bonus", player.pk, 5)
    credit(operator, "spend", player.pk, 3)
    wallet = str(Wallet.objects.get(owner_id=player.pk).id)

    rows = operator.get(f"/api/v1/wallet/ledger/{player.pk}").json["data"]

    assert [(r["account"], r["direction"], r["amount"], r["balanceAfter"]) for r in rows] == [
        (wallet, "DEBIT", 3, 12),
        ("SYSTEM:revenue", "CREDIT", 3, None),
        ("SYSTEM:promotions", "DEBIT", 5, None),
        (wallet, "CREDIT", 5, 15),
        ("SYSTEM:funding", "DEBIT", 10, None),
        (wallet, "CREDIT", 10, 10),
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_ledger_pages_give_every_side_once(limit: int, operator: Api) -> None:
    player = ClientFactory.create().user
    for amount in range(1, 5):
        credit(operator, "topup", player.pk, amount)
    path = f"/api/v1/wallet/ledger/{player.pk}"
    whole = operator.get(path).json["data"]

    rows, cursor = [], ""
    while True:
        page = operator.get(f"{path}?limit={limit}{cursor}").json
        rows += page["data"]
        assert len(page["data"]) <= limit
        if not page["pagination"]["hasMore"]:
            break
        cursor = f"&cursor={page['pagination']['nextCursor']}"

    by_offset = [operator.get(f"{path}?limit=1&offset={n}").json["data"][0] for n in range(8)]
    assert len(whole) == 8
    assert rows == by_offset == whole


def test_in_the_ledger_the_other_sides_balance_is_not_told_to_the_user(operator: Api) -> None:
    payer, company = a_client(holds="10.00"), a_company()
    company.api.post(
        "/wallet/charge", {"wallet": str(payer.wallet_id), "amount": 1, "summary": "Tea"}
    )

    path = f"/api/v1/wallet/ledger/{payer.user.pk}?limit=2"
    as_user, as_operator = payer.api.get(path).json["data"], operator.get(path).json["data"]

    assert [row["balanceAfter"] for row in as_user] == [9, None]
    assert [row["balanceAfter"] for row in as_operator] == [9, 1]


def test_a_ledger_cursor_at_the_end_of_all_ids(operator: Api) -> None:
    player = ClientFactory.create().user

    reply = operator.get(
        f"/api/v1/wallet/ledger/{player.pk}?cursor=ffffffff-ffff-ffff-ffff-ffffffffffff.1"
    )

    assert (reply.status, reply.json["data"]) == (200, [])


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "offset=-1", "cursor=x", "limit=1&limit=2", "x=1"]
)
@pytest.mark.parametrize("what", ["transactions", "ledger"])
def test_queries_that_make_no_sense(what: str, query: str, operator: Api) -> None:
    player = ClientFactory.create().user

    reply = operator.get(f"/api/v1/wallet/{what}/{player.pk}?{query}")

    assert (reply.status, reply.code) == (422, "validation_error")
