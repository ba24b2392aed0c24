"""Staff and platforms: what an operator's token may move, and how much of it alone."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import Action, SupportAction, User
from commerce.models import LoneAdjustment
from core.models import IdempotencyRecord
from intake.models import QueuedTransaction
from ledger.models import Transaction
from tests.factories import (
    ClientFactory,
    Holder,
    a_client,
    a_staff_member,
    an_operator,
    an_uncashed_asset,
    api_of,
    freeze,
)
from tests.http_client import Api, Reply
from tests.races import race
from tests.support.admin_session import WALLETS, admin_session_of
from wallets.models import Wallet

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture(autouse=True)
def gold(books: None) -> None:
    an_uncashed_asset("GOLD", "Gold")


@pytest.fixture
def staff_user(books: None) -> User:
    return a_staff_member()


@pytest.fixture
def staff(staff_user: User) -> Api:
    return api_of(staff_user)


@pytest.fixture
def player(books: None) -> User:
    return ClientFactory.create().user


def credit(api: Api, call: str, user: User, amount: Any, *, key: str | None = None) -> Reply:
    body = {"userId": str(user.pk), "assetSymbol": "GOLD", "amount": amount, "description": "Gift"}
    return api.post(f"/api/v1/wallet/{call}", body, key=key)


def balance_of(user: User) -> int:
    return sum(wallet.balance_minor or 0 for wallet in Wallet.objects.filter(owner_id=user.pk))


def require_approval_needed(reply: Reply, *, limit: str, left: str) -> None:
    assert (reply.status, reply.code) == (403, "approval_needed")
    assert reply.json["details"] == {"limit": Decimal(limit), "left": Decimal(left)}


@pytest.mark.parametrize("call", ["topup", "bonus", "spend"])
def test_staff_move_no_more_than_the_limit_alone(
    call: str, staff_user: User, staff: Api, player: User
) -> None:
    assert credit(api_of(an_operator()), "topup", player, "5000.00").status == 200

    over = credit(staff, call, player, "1000.01", key="over")
    at_limit = credit(staff, call, player, "1000.00", key="over")
    further = credit(staff, call, player, "0.01")

    # What was refused left the key free, and nothing behind
    require_approval_needed(over, limit="1000.00", left="1000.00")
    assert at_limit.status == 200
    require_approval_needed(further, limit="1000.00", left="0.00")
    assert balance_of(player) == (400_000 if call == "spend" else 600_000)
    assert Transaction.objects.count() == 2
    [record] = IdempotencyRecord.objects.filter(caller_id=staff_user.pk)
    assert record.status_code == 200
    assert LoneAdjustment.objects.get().operator == staff_user


def test_details_are_exact_json_numbers(staff: Api, player: User) -> None:
    credit(staff, "topup", player, "0.10")

    reply = credit(staff, "topup", player, "1000.00")

    assert b'"limit":1000.00' in reply.raw
    assert b'"left":999.90' in reply.raw


def test_a_refused_first_credit_makes_no_wallet(staff: Api, player: User) -> None:
    reply = credit(staff, "topup", player, "1000.01")

    assert reply.code == "approval_needed"
    assert not Wallet.objects.filter(owner_id=player.pk).exists()
    assert not SupportAction.objects.exists()


def test_what_staff_move_is_a_support_action(staff_user: User, staff: Api, player: User) -> None:
    reply = credit(staff, "topup", player, "1000.00")

    action = SupportAction.objects.get()
    wallet = Wallet.objects.get(owner_id=player.pk)
    assert (action.action, action.actor_id) == (Action.MOVE, staff_user.pk)
    assert (action.subject_kind, action.subject_id) == ("wallet", str(wallet.pk))
    assert (action.reason, action.address) == ("Gift", "127.0.0.1")
    assert action.request_id == reply.headers["X-Request-ID"]
    assert action.result == (
        f"Topup: put in 1,000.00 GOLD, transaction {reply.json['transactionId']}"
    )
    # And the admin shows it
    assert (
        "Move by the API" in admin_session_of(staff_user).get("/admin/accounts/supportaction/").text
    )


def test_a_failed_attempt_is_a_support_action_and_counts_for_nothing(
    staff: Api, player: User
) -> None:
    credit(staff, "topup", player, "10.00")

    short = credit(staff, "spend", player, "990.00")

    assert (short.status, short.code) == (400, "insufficient_funds")
    assert short.json["details"] == {"available": 10, "shortfall": 980}
    refused = SupportAction.objects.get(action=Action.MOVE_REFUSED)
    assert refused.result.startswith("Spend: took out 990.00 GOLD: ")
    assert credit(staff, "topup", player, "990.00").status == 200


def test_a_replay_counts_once_and_is_one_support_action(staff: Api, player: User) -> None:
    first = credit(staff, "topup", player, "600.00", key="k")

    replies = [credit(staff, "topup", player, "600.00", key="k") for _ in range(3)]

    assert {reply.raw for reply in replies} == {first.raw}
    assert {reply.headers["Idempotent-Replayed"] for reply in replies} == {"true"}
    assert (SupportAction.objects.count(), LoneAdjustment.objects.count()) == (1, 1)
    assert credit(staff, "bonus", player, "400.00").status == 200


def test_of_two_at_once_that_are_above_the_limit_together_one_moves(staff: Api) -> None:
    players = [ClientFactory.create().user for _ in range(6)]

    replies = race(6, lambda n: credit(staff, "topup", players[n], "600.00"))

    assert sorted(reply.status for reply in replies) == [200, 403, 403, 403, 403, 403]
    assert sum(map(balance_of, players)) == 60_000
    assert SupportAction.objects.count() == 1


def test_the_admin_and_the_api_share_one_limit(staff_user: User, staff: Api) -> None:
    client = a_client(holds="5000.00")
    admin = admin_session_of(staff_user)
    credit_dollars = {"userId": str(client.user.pk), "assetSymbol": "USD", "amount": "600.00"}

    moved = staff.post("/api/v1/wallet/topup", credit_dollars)
    asked = admin.post(
        f"{WALLETS}{client.wallet_id}/adjust/",
        direction="out", amount="400.01", reason="Put right",
        key="0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f11",
    )  # fmt: skip

    assert moved.status == 200
    assert "a second operator decides" in asked.text
    assert client.balance_minor == 560_000
    # And the other way round, to the minor unit
    admin.post(
        f"{WALLETS}{client.wallet_id}/adjust/",
        direction="out", amount="300.00", reason="Put right",
        key="0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f12",
    )  # fmt: skip
    further = staff.post("/api/v1/wallet/topup", {**credit_dollars, "amount": "100.01"})
    require_approval_needed(further, limit="1000.00", left="100.00")
    assert client.balance_minor == 530_000


def test_each_of_the_staff_and_each_asset_has_its_own(staff: Api, player: User) -> None:
    colleague = api_of(a_staff_member())
    dollars = {"userId": str(player.pk), "assetSymbol": "USD", "amount": "1000.00"}

    statuses = [
        credit(staff, "topup", player, "1000.00").status,
        staff.post("/api/v1/wallet/topup", dollars).status,
        credit(colleague, "topup", player, "1000.00").status,
        credit(staff, "topup", player, "0.01").status,
    ]

    assert statuses == [200, 200, 200, 403]


def test_what_was_moved_a_day_ago_does_not_count(
    staff: Api, player: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    credit(staff, "topup", player, "1000.00")
    monkeypatch.setattr("commerce.staff_limit.COUNTED", timedelta(0))

    assert credit(staff, "topup", player, "1000.00").status == 200


def test_with_a_limit_of_nothing_staff_move_nothing(
    staff: Api, player: User, settings: Settings
) -> None:
    settings.ADJUSTMENT_LIMIT = Decimal(0)

    reply = credit(staff, "topup", player, "0.01")

    require_approval_needed(reply, limit="0.00", left="0.00")
    assert balance_of(player) == 0


def test_a_platform_moves_without_a_limit_and_leaves_no_support_action(player: User) -> None:
    platform = api_of(an_operator())

    reply = credit(platform, "topup", player, "1000000000.00")

    assert (reply.status, balance_of(player)) == (200, 100_000_000_000)
    assert not SupportAction.objects.exists()
    assert not LoneAdjustment.objects.exists()


Send = Callable[[Api, Holder], Reply]
QUEUEING: dict[str, Send] = {
    "one": lambda api, holder: api.post(
        "/transaction", {"value": 1, "customer": str(holder.user.pk)}
    ),
    "an array": lambda api, holder: api.post(
        "/transaction", [{"value": 1, "customer": str(holder.user.pk)}]
    ),
    "no customer": lambda api, holder: api.post("/transaction", {"value": 1}),
    "a withdrawal": lambda api, holder: api.post(
        "/wallet/withdraw",
        {"wallet": str(holder.wallet_id), "amount": 1},
        Prefer="respond-async",
    ),
    "a withdrawal from a resource": lambda api, holder: api.post(
        f"/wallets/{holder.wallet_id}/withdraw", {"amount": 1}, Prefer="respond-async"
    ),
}


@pytest.mark.parametrize("send", QUEUEING.values(), ids=QUEUEING)
def test_staff_queue_nothing_for_others(send: Send, staff: Api, settings: Settings) -> None:
    settings.CASH = "operators"
    holder = a_client()

    reply = send(staff, holder)

    assert (reply.status, reply.code) == (403, "permission_denied")
    assert not QueuedTransaction.objects.exists()


def test_staff_read_what_operators_read(staff: Api) -> None:
    client = a_client(holds="10.00")
    queued = client.api.post("/transaction", {"value": 1}).headers["Location"]

    paths = [
        f"/api/v1/wallet/balance/{client.user.pk}/USD",
        f"/api/v1/wallet/ledger/{client.user.pk}",
        queued,
        "/processor/status",
    ]

    assert [staff.get(path).status for path in paths] == [200] * 4
    assert staff.get(f"/customer/{client.user.pk}").json["balance"] == 10


def test_what_staff_change_about_a_customer_is_a_support_action(
    staff_user: User, staff: Api
) -> None:
    client, another = a_client(), a_client()
    platform = api_of(an_operator())

    staff.call("PATCH", f"/customer/{client.user.pk}", b'{"first_name": "B"}')
    staff.call("DELETE", f"/customer/{client.user.pk}")
    platform.call("DELETE", f"/customer/{another.user.pk}")

    actions = SupportAction.objects.order_by("id")
    assert [action.action for action in actions] == [Action.CHANGE, Action.REMOVE]
    assert {(action.actor_id, action.subject_id) for action in actions} == {
        (staff_user.pk, str(client.user.pk))
    }


def test_a_platform_is_counted_by_no_rate_limit(settings: Settings, staff: Api) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "reads": "1/m", "writes": "1/m"}
    platform = api_of(an_operator())
    client = a_client(holds="10.00")
    queue = {"value": 1, "customer": str(client.user.pk)}

    reads = [platform.get("/processor/status") for _ in range(3)]
    writes = [platform.post("/transaction", queue) for _ in range(3)]
    of_staff = [staff.get("/processor/status").status for _ in range(2)]

    assert [reply.status for reply in (*reads, *writes)] == [200] * 3 + [202] * 3
    assert "RateLimit" not in reads[0].headers
    assert of_staff == [200, 429]


def test_a_frozen_wallet_refuses_staff_on_record(staff: Api) -> None:
    client = a_client(holds="10.00")
    freeze(client)
    body = {"userId": str(client.user.pk), "assetSymbol": "USD", "amount": 1}

    reply = staff.post("/api/v1/wallet/topup", body)

    assert (reply.status, reply.code) == (409, "wallet_not_active")
    assert SupportAction.objects.get().action == Action.MOVE_REFUSED
    assert client.balance_minor == 1_000
