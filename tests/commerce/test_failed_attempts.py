"""How many failed attempts of two accounts go on record, and what the further ones get."""

import re
from typing import Any

import pytest
from pytest_django import Settings

from core.models import IdempotencyRecord
from core.unit_of_work import unit_of_work
from ledger import post
from ledger.models import Transaction
from tests.clock import Clock
from tests.factories import (
    Holder,
    a_client,
    a_company,
    a_paytoken,
    an_operator,
    api_of,
    charge,
    freeze,
)
from tests.http_client import Reply
from tests.intake.queueing import drain, queue
from tests.intake.test_processor import an_hour_passes
from tests.races import race
from wallets.models import Status
from wallets.services import set_status

MOST = 3

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture(autouse=True)
def few_failed_attempts(settings: Settings) -> None:
    settings.FAILED_ATTEMPTS = MOST
    settings.RATELIMIT_ENABLE = False


def failed_rows(**sides: Any) -> int:
    return Transaction.objects.filter(failure_code__isnull=False, **sides).count()


def fail(payer: Holder, company: Holder, times: int = MOST) -> None:
    """Put failed charges on record."""
    codes = [charge(company, 5, wallet=payer.wallet_id).code for _ in range(times)]
    assert codes == ["insufficient_funds"] * times


def assert_refused(reply: Reply) -> None:
    assert (reply.status, reply.code) == (429, "too_many_failed_attempts")
    assert re.fullmatch("[1-9][0-9]*", reply.headers["Retry-After"])
    assert reply.json["details"] == {"retryAfterSeconds": int(reply.headers["Retry-After"])}


def test_a_company_writes_no_more_failed_charges_into_a_history_than_the_limit() -> None:
    payer, company = a_client(), a_company()
    fail(payer, company)

    further = [charge(company, 5, wallet=payer.wallet_id) for _ in range(2)]

    for reply in further:
        assert_refused(reply)
        assert 3_590 <= int(reply.headers["Retry-After"]) <= 3_601
    history = payer.api.get(f"/wallet/history/{payer.wallet_id}").json
    assert [row["error"] for row in history] == ["insufficient_funds"] * MOST
    assert failed_rows() == MOST


def test_what_succeeds_is_never_refused_for_it() -> None:
    payer, company = a_client(holds="2.00"), a_company()
    fail(payer, company)

    charges = [charge(company, 1, wallet=payer.wallet_id) for _ in range(2)]

    assert [reply.status for reply in charges] == [200, 200]
    assert_refused(charge(company, 1, wallet=payer.wallet_id))
    assert (payer.balance_minor, company.balance_minor) == (0, 200)


def test_each_two_accounts_have_their_own_limit() -> None:
    payer, company, other_payer, other_company = a_client(), a_company(), a_client(), a_company()
    fail(payer, company)

    fail(other_payer, company)
    fail(payer, other_company)

    assert failed_rows() == 3 * MOST


def test_another_wallet_of_the_payer_brings_no_more_of_them() -> None:
    payer, company = a_client(), a_company()
    fail(payer, company)
    second = payer.api.post("/wallet/create").json["wallet"]

    reply = charge(company, 5, wallet=second)

    assert_refused(reply)
    assert failed_rows() == MOST


def flows(payer: Holder, company: Holder) -> dict[str, Any]:
    """Return a call of every flow that fails between the two, each as a function."""
    asked = {"summary": "Tea", "amount": 5}
    wallet, target = str(payer.wallet_id), str(company.wallet_id)
    paytoken = a_paytoken(payer, uses=5)
    request = company.api.post("/payment-requests", asked).json["id"]
    return {
        "by token": lambda: charge(company, 5, wallet=wallet),
        "by pay token": lambda: charge(company, 5, paytoken=paytoken),
        "payment request": lambda: payer.api.post(
            f"/payment-requests/{request}/pay", {"wallet": wallet}
        ),
        "transfer": lambda: payer.api.post(
            "/wallet/transfer", {"source": wallet, "target": target, "amount": 5}
        ),
        "transfer of a resource": lambda: payer.api.post(
            "/wallets/transfer",
            {"senderWalletId": wallet, "receiverWalletId": target, "amount": 5},
        ),
    }


FLOWS = ("by token", "by pay token", "payment request", "transfer", "transfer of a resource")


@pytest.mark.parametrize("flow", FLOWS)
def test_every_flow_is_counted_and_refused(flow: str) -> None:
    payer, company = a_client(), a_company()
    calls = flows(payer, company)
    assert tuple(calls) == FLOWS
    call = calls[flow]

    counted = [call() for _ in range(MOST)]
    refused = [each() for each in flows(payer, company).values()]

    assert [reply.code for reply in counted] == ["insufficient_funds"] * MOST
    for reply in refused:
        assert_refused(reply)
    assert failed_rows() == MOST
    assert (payer.balance_minor, company.balance_minor) == (0, 0)


def test_refunds_of_a_company_that_has_nothing_left_count_for_the_same_two() -> None:
    payer, company = a_client(holds="5.00"), a_company()
    paid = charge(company, 5, wallet=payer.wallet_id).json["transaction"]
    body = {"wallet": str(company.wallet_id), "amount": 5}
    assert company.api.post("/wallet/withdraw", body).status == 200
    refund = {"transaction": paid}

    replies = [company.api.post("/wallet/refund", refund) for _ in range(MOST)]
    further = company.api.post("/wallet/refund", refund)
    charged = charge(company, 5, wallet=payer.wallet_id)

    assert [reply.code for reply in replies] == ["insufficient_funds"] * MOST
    assert_refused(further)
    assert_refused(charged)
    assert failed_rows() == MOST


def test_a_frozen_wallet_is_no_way_around_it() -> None:
    payer, company = a_client(holds="9.00"), a_company()
    freeze(payer)

    replies = [charge(company, 5, wallet=payer.wallet_id) for _ in range(MOST + 1)]

    assert [reply.code for reply in replies[:MOST]] == ["wallet_not_active"] * MOST
    assert_refused(replies[MOST])
    assert failed_rows() == MOST


def test_own_wallets_and_system_wallets_are_not_limited() -> None:
    client = a_client()
    second = client.api.post("/wallet/create").json["wallet"]
    between = {"source": str(client.wallet_id), "target": second, "amount": 5}
    out = {"wallet": str(client.wallet_id), "amount": 5}

    replies = [client.api.post("/wallet/transfer", between) for _ in range(MOST + 1)]
    replies += [client.api.post("/wallet/withdraw", out) for _ in range(MOST + 1)]

    assert [reply.code for reply in replies] == ["insufficient_funds"] * 2 * (MOST + 1)
    assert failed_rows() == 2 * (MOST + 1)


def test_the_items_of_a_batch_count_each_and_fail_with_the_code() -> None:
    poor, rich, company = a_client(), a_client(holds="9.00"), a_company()
    fail(poor, company, times=1)
    poor_item = {"wallet": str(poor.wallet_id), "amount": 1, "summary": "May"}
    rich_item = {**poor_item, "wallet": str(rich.wallet_id)}
    items = [poor_item, poor_item, rich_item, poor_item, poor_item, rich_item]

    reply = company.api.post("/wallet/charges", {"charges": items})

    code = "too_many_failed_attempts"
    assert reply.status == 200
    assert [row["code"] for row in reply.json["results"]] == [
        "insufficient_funds", "insufficient_funds", None, code, code, None,
    ]  # fmt: skip
    denied = [row for row in reply.json["results"] if row["code"] == code]
    assert [(row["success"], row["transaction"]) for row in denied] == [(False, None)] * 2
    assert "wait" in denied[0]["message"]
    assert failed_rows() == MOST
    assert (rich.balance_minor, company.balance_minor) == (700, 200)


def test_a_thousand_failing_items_leave_as_many_rows_as_the_limit() -> None:
    payer, company = a_client(), a_company()
    item = {"wallet": str(payer.wallet_id), "amount": 1, "summary": "x"}

    replies = [company.api.post("/wallet/charges", {"charges": [item] * 1_000}) for _ in range(2)]

    assert [reply.status for reply in replies] == [200, 200]
    assert failed_rows() == MOST


def test_the_key_of_a_refused_attempt_stays_free(clock: Clock) -> None:
    payer, company = a_client(), a_company()
    fail(payer, company)
    body = {"wallet": str(payer.wallet_id), "amount": 5, "summary": "Tea"}
    refused = company.api.post("/wallet/charge", body, key="k")
    recorded = IdempotencyRecord.objects.filter(key="k").count()

    clock.move(3_700)
    again = company.api.post("/wallet/charge", body, key="k")

    assert_refused(refused)
    assert recorded == 0
    assert (again.code, "Idempotent-Replayed" in again.headers) == ("insufficient_funds", False)


def test_the_window_slides_and_retry_after_says_until_when(clock: Clock) -> None:
    payer, company = a_client(), a_company()
    fail(payer, company, times=1)
    clock.move(1_800)
    fail(payer, company, times=2)
    seconds = int(charge(company, 5, wallet=payer.wallet_id).headers["Retry-After"])

    clock.move(1_800 + seconds - 10)
    assert_refused(charge(company, 5, wallet=payer.wallet_id))
    clock.move(1_800 + seconds)
    fail(payer, company, times=1)
    later = charge(company, 5, wallet=payer.wallet_id)

    assert 1_790 <= seconds <= 1_801
    assert_refused(later)
    # The first has fallen out; the two of half an hour later are the next.
    assert 1_790 <= int(later.headers["Retry-After"]) <= 1_801
    assert failed_rows() == MOST + 1


def test_a_limit_that_was_lowered_holds_at_once(settings: Settings, clock: Clock) -> None:
    payer, company = a_client(), a_company()
    fail(payer, company, times=1)
    clock.move(600)
    fail(payer, company, times=2)

    settings.FAILED_ATTEMPTS = 1
    refused = charge(company, 5, wallet=payer.wallet_id)

    assert_refused(refused)
    # Until the newest is out.
    assert 3_590 <= int(refused.headers["Retry-After"]) <= 3_601


def test_exactly_as_many_as_the_limit_are_on_record_when_all_come_at_once() -> None:
    payer, company = a_client(), a_company()

    replies = race(12, lambda _: charge(company, 5, wallet=payer.wallet_id))

    assert sorted(reply.status for reply in replies) == [400] * MOST + [429] * (12 - MOST)
    assert failed_rows() == MOST


def test_so_it_is_with_several_wallets_on_both_sides() -> None:
    sender, receiver = a_client(), a_client()
    sources = [sender.api.post("/wallet/create").json["wallet"] for _ in range(10)]
    targets = [receiver.api.post("/wallet/create").json["wallet"] for _ in range(10)]

    def transfer(number: int) -> Reply:
        body = {"source": sources[number], "target": targets[number], "amount": 5}
        return sender.api.post("/wallet/transfer", body)

    replies = race(10, transfer)

    assert sorted(reply.status for reply in replies) == [400] * MOST + [429] * (10 - MOST)
    assert failed_rows() == MOST


def test_a_queued_attempt_over_the_limit_leaves_no_row_and_runs_again() -> None:
    payer, payee = a_client(), a_client()
    queued = [queue(payer.api, 5, target=str(payee.wallet_id)) for _ in range(MOST + 1)]

    drain()
    states = [payer.api.get(f"/transaction/{each}").json for each in queued]
    payer.api.post("/wallet/deposit", {"wallet": str(payer.wallet_id), "amount": 20})
    an_hour_passes()
    drain()
    done = [payer.api.get(f"/transaction/{each}").json for each in queued]

    assert [state["status"] for state in states] == ["pending"] * (MOST + 1)
    assert [state["failed"] for state in states] == [True] * (MOST + 1)
    assert [state["transaction"] is None for state in states] == [False] * MOST + [True]
    assert "wait" in states[MOST]["errorMessage"]
    assert failed_rows() == MOST
    assert [state["status"] for state in done] == ["completed"] * (MOST + 1)
    assert (payer.balance_minor, payee.balance_minor) == (0, 2_000)


def test_a_platform_that_queues_for_others_is_limited_too() -> None:
    payer, payee, platform = a_client(), a_client(), api_of(an_operator())
    item = {"value": 5, "customer": str(payer.user.pk), "target": str(payee.wallet_id)}
    assert platform.post("/transaction", [item] * 10).status == 202

    drain()

    assert failed_rows(target_id=payee.wallet_id) == MOST


def test_the_release_before_sets_no_limit_and_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    payer, company = a_client(), a_company()
    without = post._POST.replace("set_config('ledger.failed_attempts', %s, true)", "%s::varchar")
    monkeypatch.setattr(post, "_POST", without)

    fail(payer, company, times=MOST + 1)

    assert failed_rows() == MOST + 1


def test_a_queued_attempt_that_is_denied_ends_when_a_wallet_is_closed() -> None:
    payer, payee = a_client(), a_client()
    for _ in range(MOST):
        queue(payer.api, 5, target=str(payee.wallet_id))
    drain()
    further = queue(payer.api, 5, target=str(payee.wallet_id))
    unit_of_work(
        lambda: set_status(payee.wallet_id, status=Status.CLOSED, reason="Test", actor=None)
    )

    drain()

    state = payer.api.get(f"/transaction/{further}").json
    assert (state["status"], state["attempts"], state["transaction"]) == ("failed", 1, None)
    assert failed_rows() == MOST
    assert (payer.balance_minor, payee.balance_minor) == (0, 0)
