"""Trades: several movements of credits, all of them or none."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import SupportAction
from ledger.models import Transaction
from tests.factories import (
    Holder,
    a_client,
    a_staff_member,
    an_operator,
    an_uncashed_asset,
    api_of,
    freeze,
)
from tests.http_client import Api, Reply
from tests.metrics import increase_during
from tests.races import race
from wallets.models import Wallet

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture
def platform(books: None) -> Api:
    for symbol in ("GOLD", "DIAMOND", "LOYALTY"):
        an_uncashed_asset(symbol, symbol.title())
    return api_of(an_operator())


def does(kind: str, user: Holder, amount: Any, asset: str, to: Holder | None = None) -> Any:
    named = {} if to is None else {"toUserId": str(to.user.pk)}
    return {
        "type": kind, "userId": str(user.user.pk), "assetSymbol": asset, "amount": amount, **named,
    }  # fmt: skip


def trade(platform: Api, *operations: Any, **keyed: Any) -> Reply:
    return platform.post("/api/v1/wallet/group", {"operations": operations}, **keyed)


def balances(holder: Holder) -> dict[str, Decimal]:
    rows = holder.api.get(f"/api/v1/wallet/balances/{holder.user.pk}").json["balances"]
    return {row["assetSymbol"]: row["balance"] for row in rows if row["assetSymbol"] != "USD"}


def test_gold_for_diamonds(platform: Api) -> None:
    ada, ben = a_client(), a_client()
    trade(platform, does("topup", ada, 100, "GOLD"), does("bonus", ben, 5, "DIAMOND"))

    reply = trade(
        platform,
        does("transfer", ada, 60, "GOLD", ben),
        does("transfer", ben, 2, "DIAMOND", ada),
        does("spend", ben, 10, "GOLD"),
    )

    assert reply.status == 200
    assert [
        (row["type"], row["assetSymbol"], row["amount"], row["balance"], row["status"])
        for row in reply.json["operations"]
    ] == [
        ("TRANSFER", "GOLD", 60, 40, "COMPLETED"),
        ("TRANSFER", "DIAMOND", 2, 3, "COMPLETED"),
        ("SPEND", "GOLD", 10, 50, "COMPLETED"),
    ]
    assert balances(ada) == {"GOLD": 40, "DIAMOND": 2}
    assert balances(ben) == {"GOLD": 50, "DIAMOND": 3}
    ids = [row["transactionId"] for row in reply.json["operations"]]
    groups = Transaction.objects.filter(pk__in=ids).values_list("group_id", flat=True)
    assert {str(group) for group in groups} == {reply.json["groupId"]}


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_first_that_fails_refuses_all_and_it_alone_is_on_record(
    platform: Api, place: int
) -> None:
    ada, ben = a_client(), a_client()
    trade(platform, does("topup", ada, 10, "GOLD"), does("topup", ben, 10, "GOLD"))
    operations = [
        does("transfer", ada, 1, "GOLD", ben),
        does("spend", ben, 1, "GOLD"),
        does("bonus", ada, 1, "GOLD"),
    ]
    operations[place] = does("spend", ada, 1_000, "GOLD")
    before = Transaction.objects.count()

    reply = trade(platform, *operations)

    assert (reply.status, reply.code) == (400, "insufficient_funds")
    assert reply.json["details"]["operation"] == place
    assert {"available", "shortfall"} <= reply.json["details"].keys()
    assert [balances(each) for each in (ada, ben)] == [{"GOLD": 10}] * 2
    assert Transaction.objects.count() == before + 1
    [failed] = Transaction.objects.exclude(failure_code=None)
    assert (failed.kind, failed.amount_minor) == ("spend", 100_000)


def test_each_is_decided_on_what_those_before_it_left(platform: Api) -> None:
    ada = a_client()

    reply = trade(
        platform,
        *[does("topup", ada, 1, asset) for asset in ("GOLD", "DIAMOND", "LOYALTY", "USD")],
        does("spend", ada, 1, "GOLD"),
        does("topup", ada, 2, "GOLD"),
        does("spend", ada, 2, "GOLD"),
    )

    assert reply.status == 200
    assert [row["balance"] for row in reply.json["operations"]] == [1, 1, 1, 1, 0, 2, 0]


# fmt: off
WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"userId": "00000000-0000-0000-0000-000000000005"}, 400, "unknown_user"),
    ({"assetSymbol": "TIN"},                             400, "unknown_asset"),
    ({"amount": 0},                                      400, "amount_not_positive"),
    ({"type": "spend", "assetSymbol": "DIAMOND"},        409, "no_wallet"),
    ({"amount": "1.001"},                                422, "validation_error"),
    ({"type": "deposit"},                                422, "validation_error"),
    ({"type": "transfer"},                               422, "validation_error"),
    ({"toUserId": "00000000-0000-0000-0000-000000000005"}, 422, "validation_error"),
    ({"surprise": 1},                                    422, "validation_error"),
]
# fmt: on


@pytest.mark.parametrize(("changes", "status", "code"), WRONG)
def test_what_is_wrong_with_one_refuses_all(
    platform: Api, changes: dict[str, Any], status: int, code: str
) -> None:
    ada = a_client()
    good = does("topup", ada, 1, "GOLD")

    reply = trade(platform, good, {**good, **changes})

    assert (reply.status, reply.code) == (status, code)
    if status != 422:
        assert reply.json["details"]["operation"] == 1
    assert not Transaction.objects.exists()
    assert not any(balances(ada).values())


@pytest.mark.parametrize("number", [0, 21])
def test_a_group_has_one_to_twenty_operations(platform: Api, number: int) -> None:
    ada = a_client()

    reply = trade(platform, *[does("topup", ada, 1, "GOLD")] * number)

    assert (reply.status, list(reply.json["details"])) == (422, ["operations"])
    assert not Transaction.objects.exists()


def test_nobody_gives_to_himself(platform: Api) -> None:
    ada = a_client()
    trade(platform, does("topup", ada, 1, "GOLD"))

    reply = trade(platform, does("transfer", ada, 1, "GOLD", ada))

    assert (reply.code, reply.json["details"]) == ("same_wallet", {"operation": 0})


def test_a_frozen_wallet_refuses_all(platform: Api) -> None:
    ada, ben = a_client(holds="10.00"), a_client(holds="10.00")
    freeze(ben)

    reply = trade(platform, does("spend", ada, 1, "USD"), does("transfer", ada, 1, "USD", ben))

    assert (reply.code, reply.json["details"]) == ("wallet_not_active", {"operation": 1})
    assert (ada.balance_minor, ben.balance_minor) == (1_000, 1_000)


def test_a_repeat_gives_the_first_answer(platform: Api) -> None:
    ada = a_client()
    body = {"operations": [does("topup", ada, 1, "GOLD")], "idempotencyKey": "trade-1"}

    first, again = (platform.post("/api/v1/wallet/group", body) for _ in range(2))

    assert (first.status, again.raw) == (200, first.raw)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert balances(ada) == {"GOLD": 1}


def test_staff_trade_within_the_sum_that_one_may_move_alone(platform: Api) -> None:
    ada = a_client()
    staff = api_of(a_staff_member())

    within = trade(staff, does("topup", ada, 300, "GOLD"), does("topup", ada, 300, "GOLD"))
    above = trade(staff, does("topup", ada, 300, "GOLD"), does("topup", ada, 300, "GOLD"))

    assert within.status == 200
    assert (above.status, above.code) == (403, "approval_needed")
    assert above.json["details"]["left"] == 400
    assert SupportAction.objects.filter(action="move").count() == 2
    assert balances(ada) == {"GOLD": 600}


def test_customers_trade_nothing(platform: Api) -> None:
    ada = a_client()

    assert trade(ada.api, does("topup", ada, 1, "GOLD")).status == 403
    assert not Transaction.objects.exists()


def test_trades_in_opposite_directions_do_not_wait_for_each_other_for_ever(platform: Api) -> None:
    ada, ben = a_client(), a_client()
    trade(platform, does("topup", ada, 50, "GOLD"), does("topup", ben, 50, "GOLD"))
    trade(platform, does("topup", ada, 50, "DIAMOND"), does("topup", ben, 50, "DIAMOND"))
    pairs = [(ada, ben), (ben, ada)]

    def swap(number: int) -> Reply:
        one, other = pairs[number % 2]
        return trade(
            platform,
            does("transfer", one, 1, "GOLD", other),
            does("transfer", other, 1, "DIAMOND", one),
        )

    replies = race(8, swap)

    assert {reply.status for reply in replies} == {200}
    assert balances(ada) == balances(ben) == {"GOLD": 50, "DIAMOND": 50}


def test_two_wallets_of_one_group_exist_only_with_it(platform: Api) -> None:
    ada = a_client()

    reply = trade(platform, does("topup", ada, 1, "GOLD"), does("topup", ada, "0.001", "DIAMOND"))

    assert reply.status == 422
    assert Wallet.objects.filter(owner_id=ada.user.pk).count() == 1


def wallets_of(holder: Holder) -> set[str]:
    return set(Wallet.objects.filter(owner_id=holder.user.pk).values_list("asset_id", flat=True))


def test_what_is_refused_makes_no_wallet_for_others(platform: Api) -> None:
    ada, ben = a_client(), a_client()
    trade(platform, does("topup", ada, 10, "GOLD"))
    before = wallets_of(ben)

    reply = trade(
        platform,
        does("topup", ben, 1, "DIAMOND"),
        does("transfer", ada, 6, "GOLD", ben),
        does("spend", ada, 6, "GOLD"),
        does("bonus", ben, 1, "LOYALTY"),
    )

    assert reply.json["details"] == {"available": 4, "shortfall": 2, "operation": 2}
    assert wallets_of(ben) == before
    assert balances(ada) == {"GOLD": 10}
    [failed] = Transaction.objects.exclude(failure_code=None)
    assert (failed.kind, failed.amount_minor) == ("spend", 600)
    assert failed.group_id is not None
    assert not Transaction.objects.filter(group_id=failed.group_id, failure_code=None).exists()


def test_what_failed_between_new_wallets_is_decided_on_what_was_left(platform: Api) -> None:
    ada, ben = a_client(), a_client()

    reply = trade(
        platform,
        does("topup", ada, 10, "GOLD"),
        does("transfer", ada, 3, "GOLD", ben),
        does("transfer", ada, 8, "GOLD", ben),
    )

    # Both wallets stand in the row of the transfer that failed.
    assert reply.json["details"] == {"available": 7, "shortfall": 1, "operation": 2}
    assert balances(ada) == balances(ben) == {"GOLD": 0}
    [failed] = Transaction.objects.all()
    assert (failed.kind, failed.amount_minor) == ("transfer", 800)


@pytest.mark.parametrize("is_first", [True, False], ids=["the first", "the second"])
def test_the_first_that_fails_is_told_whatever_is_wrong_with_the_next(
    platform: Api, is_first: bool
) -> None:
    ada = a_client()
    trade(platform, does("topup", ada, 5, "GOLD"))
    unknown = {**does("topup", ada, 1, "GOLD"), "userId": "00000000-0000-0000-0000-000000000005"}
    too_much = does("spend", ada, 9, "GOLD")

    reply = trade(platform, *([too_much, unknown] if is_first else [unknown, too_much]))

    code = "insufficient_funds" if is_first else "unknown_user"
    assert (reply.code, reply.json["details"]["operation"]) == (code, 0)
    assert Transaction.objects.exclude(failure_code=None).count() == is_first
    assert balances(ada) == {"GOLD": 5}


def test_a_transfer_to_oneself_is_that_without_a_wallet_too(platform: Api) -> None:
    ada = a_client()

    reply = trade(platform, does("transfer", ada, 1, "GOLD", ada))

    assert (reply.code, reply.json["details"]) == ("same_wallet", {"operation": 0})


def test_a_refused_trade_of_staff_is_one_support_action_of_the_one_that_failed(
    platform: Api,
) -> None:
    ada, ben = a_client(), a_client()
    trade(platform, does("topup", ada, 5, "GOLD"))
    staff = api_of(a_staff_member())

    reply = trade(staff, does("topup", ben, 1, "DIAMOND"), does("spend", ada, 9, "GOLD"))

    assert (reply.code, reply.json["details"]["operation"]) == ("insufficient_funds", 1)
    [action] = SupportAction.objects.filter(action__startswith="move")
    assert (action.action, "9.00 GOLD" in action.result) == ("move_refused", True)
    assert "DIAMOND" not in wallets_of(ben)


def test_first_credits_in_opposite_orders_wait_for_no_deadlock(platform: Api) -> None:
    pairs = [(a_client(), a_client()) for _ in range(3)]

    def credit(number: int) -> list[Reply]:
        replies = []
        for pair in pairs:
            one, other = pair if number % 2 else pair[::-1]
            replies.append(
                trade(platform, does("topup", one, 1, "GOLD"), does("bonus", other, 1, "GOLD"))
            )
        return replies

    during = increase_during(
        lambda: [
            reply.status == 200 or pytest.fail(reply.code)
            for replies in race(4, credit)
            for reply in replies
        ]
    )

    assert during("wallet_units_of_work_retried_total") == 0
    assert all(balances(each) == {"GOLD": 4} for pair in pairs for each in pair)
