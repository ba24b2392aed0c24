"""`WALLET_SERVICE_CASH=operators`: owners move no cash; operators do, for anybody."""

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import Action, SupportAction
from core.models import IdempotencyRecord
from intake.models import QueuedTransaction
from ledger.models import Transaction
from tests.factories import (
    Holder,
    a_client,
    a_company,
    a_staff_member,
    an_operator,
    an_uncashed_asset,
    api_of,
)
from tests.http_client import Api, Reply
from tests.intake.queueing import drain
from wallets.models import Wallet

pytestmark = pytest.mark.usefixtures("books")

Send = Callable[..., Reply]


def _by_body(path: str, field: str) -> Send:
    def send(api: Api, wallet_id: Any, amount: Any = "5.00", **headers: str) -> Reply:
        return api.post(path, {field: str(wallet_id), "amount": amount}, **headers)

    return send


def _by_path(call: str) -> Send:
    def send(api: Api, wallet_id: Any, amount: Any = "5.00", **headers: str) -> Reply:
        return api.post(f"/wallets/{wallet_id}/{call}", {"amount": amount}, **headers)

    return send


PUT_IN = {
    "/wallet/deposit": _by_body("/wallet/deposit", "wallet"),
    "/wallets/fund": _by_body("/wallets/fund", "walletId"),
    "/wallets/<id>/deposit": _by_path("deposit"),
}
TAKE_OUT = {
    "/wallet/withdraw": _by_body("/wallet/withdraw", "wallet"),
    "/wallets/<id>/withdraw": _by_path("withdraw"),
}
CALLS = PUT_IN | TAKE_OUT


@pytest.fixture(params=["client", "company"])
def holder(request: pytest.FixtureRequest, books: None) -> Holder:
    return (a_client if request.param == "client" else a_company)(holds="20.00")


@pytest.fixture
def by_operators(holder: Holder, settings: Settings) -> None:
    """Only operators move cash, from when the holder has some."""
    settings.CASH = "operators"


@pytest.mark.parametrize("send", CALLS.values(), ids=CALLS)
def test_owners_move_no_cash(send: Send, holder: Holder, settings: Settings) -> None:
    settings.CASH = "operators"

    refused = [
        send(holder.api, holder.wallet_id, key="k"),
        send(holder.api, uuid.uuid4()),
        send(holder.api, holder.wallet_id, amount="no amount"),
        send(holder.api, holder.wallet_id, Prefer="respond-async"),
    ]

    # It is said before anything is looked at
    assert {(reply.status, reply.code) for reply in refused} == {(403, "cash_by_operators")}
    assert holder.balance_minor == 2_000
    assert Transaction.objects.count() == 1
    assert not QueuedTransaction.objects.exists()
    # And the key is free
    assert not IdempotencyRecord.objects.exists()
    settings.CASH = "owners"
    assert send(holder.api, holder.wallet_id, key="k").status == 200


@pytest.mark.usefixtures("by_operators")
def test_a_first_balance_is_a_deposit(holder: Holder) -> None:
    before, client = Transaction.objects.count(), a_client()

    refused = [
        client.api.post("/wallets", body, key="k")
        for body in ({"balance": "0.01"}, {"balance": 5, "currency": "NOPE"})
    ]
    invalid = client.api.post("/wallets", {"balance": "x"}, key="k")
    without = [client.api.post("/wallets", body) for body in ({"balance": "0.00"}, {})]
    created = client.api.post("/wallet/create")

    assert {(reply.status, reply.code) for reply in refused} == {(403, "cash_by_operators")}
    assert invalid.status == 422
    assert [reply.status for reply in (*without, created)] == [201, 201, 201]
    assert Transaction.objects.count() == before
    assert Wallet.objects.filter(owner_id=client.user.pk).count() == 4


@pytest.mark.parametrize("fast", [True, False], ids=["fast way", "plain way"])
@pytest.mark.usefixtures("by_operators")
def test_a_platform_moves_anybodys_cash_by_the_same_calls(
    holder: Holder, settings: Settings, fast: bool
) -> None:
    settings.FAST_PATH = fast
    platform = api_of(an_operator())
    wallet_id = holder.wallet_id

    put_in = [send(platform, wallet_id, "10000.00") for send in PUT_IN.values()]
    taken_out = [send(platform, wallet_id, "1.50") for send in TAKE_OUT.values()]

    assert [reply.json["balance"] for reply in put_in] == [10_020, 20_020, 30_020]
    assert [reply.json["balance"] for reply in taken_out] == [Decimal("30018.50"), 30_017]
    # Operators see tokens
    assert put_in[0].json["wallet"] == put_in[1].json["id"] == str(wallet_id)
    assert put_in[1].json["address"] == str(holder.wallet.address)
    assert holder.balance_minor == 3_001_700
    history = holder.api.get(f"/wallet/history/{wallet_id}").json
    assert [row["type"] for row in history] == ["withdrawal"] * 2 + ["deposit"] * 4


@pytest.mark.usefixtures("by_operators")
def test_staff_do_within_their_limit(holder: Holder) -> None:
    staff_user = a_staff_member()
    staff = api_of(staff_user)

    replies = [send(staff, holder.wallet_id, "200.00") for send in PUT_IN.values()]
    replies += [send(staff, holder.wallet_id, "200.00") for send in TAKE_OUT.values()]
    over = [send(staff, holder.wallet_id, "0.01") for send in CALLS.values()]

    assert [reply.status for reply in replies] == [200] * 5
    assert {(reply.status, reply.code) for reply in over} == {(403, "approval_needed")}
    assert over[0].json["details"] == {"limit": 1_000, "left": 0}
    assert holder.balance_minor == 22_000
    actions = SupportAction.objects.filter(actor_id=staff_user.pk, action=Action.MOVE)
    assert {action.subject_id for action in actions} == {str(holder.wallet_id)}
    assert actions.count() == 5


@pytest.mark.usefixtures("by_operators")
def test_a_platform_queues_a_withdrawal_of_the_owners_money(holder: Holder) -> None:
    platform = api_of(an_operator())

    replies = [
        send(platform, holder.wallet_id, "5.00", Prefer="respond-async")
        for send in TAKE_OUT.values()
    ]
    drain()

    assert [reply.status for reply in replies] == [202, 202]
    for api in (holder.api, platform):
        assert [api.get(each.headers["Location"]).json["status"] for each in replies] == [
            "completed",
            "completed",
        ]
    assert holder.balance_minor == 1_000


@pytest.mark.usefixtures("by_operators")
def test_what_operators_may_not_move(holder: Holder) -> None:
    an_uncashed_asset("GOLD", "Gold")
    platform = api_of(an_operator())
    credit = {"userId": str(holder.user.pk), "assetSymbol": "GOLD", "amount": 5}
    assert platform.post("/api/v1/wallet/topup", credit).status == 200
    gold = Wallet.objects.get(owner_id=holder.user.pk, asset_id="GOLD")

    for send in CALLS.values():
        assert send(platform, uuid.uuid4()).code == "not_found"
        assert send(platform, holder.wallet.address).code == "not_found"
        assert send(platform, gold.pk).code == "permission_denied"
        assert send(platform, holder.wallet_id, 0).code == "amount_not_positive"
    short = TAKE_OUT["/wallet/withdraw"](platform, holder.wallet_id, "20.01")
    assert short.code == "insufficient_funds"
    assert short.json["details"] == {"available": 20, "shortfall": Decimal("0.01")}
    assert platform.post("/wallets", {"balance": 5}).code == "permission_denied"
    assert (holder.balance_minor, gold.balance_minor) == (2_000, 500)


@pytest.mark.parametrize("make", [an_operator, a_staff_member])
@pytest.mark.parametrize("send", CALLS.values(), ids=CALLS)
def test_where_owners_do_it_anothers_wallet_does_not_exist_for_operators(
    send: Send, make: Any, holder: Holder
) -> None:
    operator = api_of(make())

    replies = [send(operator, each) for each in (holder.wallet_id, uuid.uuid4())]

    assert [(reply.status, reply.code) for reply in replies] == [(404, "not_found")] * 2
    assert holder.balance_minor == 2_000
    assert not SupportAction.objects.exists()
