"""How many dry runs over a stranger's wallet may be refused, and what the further ones get."""

from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg import errors
from pytest_django import Settings

from core.unit_of_work import unit_of_work
from ledger.dry_runs import delete_old_refusals
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
    set_charges,
)
from tests.http_client import Reply
from tests.races import race

MOST = 20
HOUR = 3_600
TOO_MANY = "too_many_failed_attempts"

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture(autouse=True)
def no_rate_limits(settings: Settings) -> None:
    settings.RATELIMIT_ENABLE = False


def weigh(company: Holder, amount: Any, **payer: Any) -> Reply:
    """Try a charge of a payer: `wallet` or `paytoken`."""
    body = {"amount": amount, "summary": "Tea", **{name: str(it) for name, it in payer.items()}}
    return company.api.post("/wallet/charge", body, **{"Dry-Run": "true"})


def weigh_many(company: Holder, *charges: tuple[Any, Any]) -> Reply:
    """Try a batch of charges: wallets and amounts."""
    items = [{"wallet": str(it), "amount": amount, "summary": ""} for it, amount in charges]
    return company.api.post("/wallet/charges", {"charges": items}, **{"Dry-Run": "true"})


def codes(reply: Reply) -> list[str | None]:
    assert reply.status == 200, reply.json
    assert all(each["transaction"] is None for each in reply.json["results"])
    return [each["code"] for each in reply.json["results"]]


def use_up(company: Holder, payer: Holder, times: int = MOST) -> None:
    refused = [weigh(company, 1_000, wallet=payer.wallet_id).code for _ in range(times)]
    assert refused == ["insufficient_funds"] * times


def counted() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(cardinality(refused_at)), 0) FROM ledger_dryrefusals")
        [count] = cursor.fetchone()
    return int(count)


def assert_refused(reply: Reply) -> None:
    assert (reply.status, reply.code) == (429, TOO_MANY)
    assert reply.headers["Dry-Run"] == "true"
    seconds = int(reply.headers["Retry-After"])
    assert 0 < seconds <= HOUR
    assert reply.json["details"] == {"retryAfterSeconds": seconds}


@pytest.mark.parametrize("rate_limits", [True, False])
def test_after_twenty_refusals_nothing_more_is_told(settings: Settings, rate_limits: bool) -> None:
    settings.RATELIMIT_ENABLE = rate_limits
    payer, company = a_client(holds="10.00"), a_company()
    assert weigh(company, 10, wallet=payer.wallet_id).status == 200
    use_up(company, payer)

    would_fail = weigh(company, 1_000, wallet=payer.wallet_id)
    would_succeed = weigh(company, 1, wallet=payer.wallet_id)
    by_paytoken = weigh(company, 1, paytoken=a_paytoken(payer))

    for reply in (would_fail, would_succeed, by_paytoken):
        assert_refused(reply)
    assert int(would_succeed.headers["Retry-After"]) >= HOUR - 60
    assert counted() == MOST
    assert charge(company, 1, wallet=payer.wallet_id).status == 200


def refused_in_every_way(company: Holder) -> tuple[Holder, dict[str, Any]]:
    """Return a payer, and a dry run for each way in which its wallet refuses, by code."""
    payer = a_client(holds="10.00")
    wallet = payer.api.post("/wallet/create").json["wallet"]
    frozen = Holder(payer.user, payer.api, wallet)
    wallet = payer.api.post("/wallet/create").json["wallet"]
    strict = Holder(payer.user, payer.api, wallet)
    wallet = payer.api.post("/wallet/create").json["wallet"]
    approved = Holder(payer.user, payer.api, wallet)
    freeze(frozen)
    set_charges(strict, "approved")
    set_charges(approved, "approved")
    other = a_company()
    approval = {"wallet": wallet, "company": str(company.user.pk), "max_amount": 5}
    assert payer.api.post("/wallet/approvals", approval).status == 201
    used = a_paytoken(payer)
    assert charge(company, 1, paytoken=used).status == 200
    others = a_paytoken(payer, company=str(other.user.pk))
    small = a_paytoken(payer, max_amount=2)
    return payer, {
        "insufficient_funds": lambda: weigh(company, 1_000, wallet=payer.wallet_id),
        "wallet_not_active": lambda: weigh(company, 1, wallet=frozen.wallet_id),
        "charge_not_approved": lambda: weigh(company, 1, wallet=strict.wallet_id),
        "approval_exceeded": lambda: weigh(company, 6, wallet=approved.wallet_id),
        "paytoken_used": lambda: weigh(company, 1, paytoken=used),
        "paytoken_other_company": lambda: weigh(company, 1, paytoken=others),
        "paytoken_exceeded": lambda: weigh(company, 3, paytoken=small),
    }


def test_every_refusal_of_a_payer_counts_whichever_wallet_it_is() -> None:
    company = a_company()
    payer, ways = refused_in_every_way(company)

    refused = {code: each().code for code, each in ways.items()}

    assert refused == {code: code for code in ways}
    assert counted() == len(ways)
    use_up(company, payer, MOST - len(ways))
    for each in ways.values():
        assert_refused(each())
    assert counted() == MOST


def test_what_tells_nothing_of_a_strangers_wallet_is_not_counted() -> None:
    payer, company = a_client(holds="1.00"), a_company()
    other, euros = a_client(), a_client(currency="EUR")
    platform = api_of(an_operator())
    wallet, own = str(payer.wallet_id), str(company.wallet_id)
    request = company.api.post("/payment-requests", {"summary": "Tea", "amount": 5}).json["id"]
    paid = charge(company, 1, wallet=wallet).json["transaction"]
    assert company.api.post("/wallet/withdraw", {"wallet": own, "amount": 1}).status == 200
    spend = {"userId": str(payer.user.pk), "assetSymbol": "USD", "amount": 5}
    calls = {
        "own withdrawal": (payer.api, "/wallet/withdraw", {"wallet": wallet, "amount": 5}),
        "own transfer": (
            payer.api,
            "/wallet/transfer",
            {"source": wallet, "target": str(other.wallet_id), "amount": 5},
        ),
        "own payment": (payer.api, f"/payment-requests/{request}/pay", {"wallet": wallet}),
        "own refund": (company.api, "/wallet/refund", {"transaction": paid}),
        "of an operator": (platform, "/api/v1/wallet/spend", spend),
    }

    codes = {
        name: [caller.post(path, body, **{"Dry-Run": "true"}).code for _ in range(MOST + 1)]
        for name, (caller, path, body) in calls.items()
    }
    unlike = [
        weigh(company, "x", wallet=wallet).code,
        weigh(company, 0, wallet=wallet).code,
        weigh(company, 1, wallet=own).code,
        weigh(company, 1, wallet=payer.user.pk).code,
        weigh(company, 1, wallet=euros.wallet_id).code,
        weigh(company, 1, paytoken="pt_unknown").code,
    ]

    assert codes == {name: ["insufficient_funds"] * (MOST + 1) for name in calls}
    assert len(set(unlike)) >= 5
    assert counted() == 0


def test_other_payers_and_other_companies_have_room_of_their_own() -> None:
    payer, company, other_payer, other_company = a_client(), a_company(), a_client(), a_company()
    use_up(company, payer)

    use_up(company, other_payer)
    use_up(other_company, payer)

    assert counted() == 3 * MOST


def test_after_an_hour_there_is_room_again(clock: Clock) -> None:
    payer, company = a_client(), a_company()
    use_up(company, payer, MOST - 1)
    clock.move(HOUR // 2)
    use_up(company, payer, 1)
    full = weigh(company, 1, wallet=payer.wallet_id)

    clock.move(HOUR + 1)

    assert_refused(full)
    assert HOUR // 2 - 60 <= int(full.headers["Retry-After"]) <= HOUR // 2
    use_up(company, payer, MOST - 1)
    assert_refused(weigh(company, 1, wallet=payer.wallet_id))


def test_lists_of_which_nothing_counts_are_deleted(clock: Clock) -> None:
    payer, other, company = a_client(), a_client(), a_company()
    use_up(company, payer, 2)
    clock.move(HOUR + 1)
    use_up(company, other, 3)

    deleted = unit_of_work(delete_old_refusals)

    assert (deleted, counted()) == (1, 3)


def test_holds_and_increments_count_and_what_tells_only_of_a_hold_does_not() -> None:
    payer, company = a_client(holds="10.00"), a_company()
    tea = {"wallet": str(payer.wallet_id), "summary": "Tea"}
    hold = company.api.post("/holds", {**tea, "amount": 5}).json["hold"]

    def tried(path: str, body: dict[str, Any]) -> Reply:
        return company.api.post(path, body, **{"Dry-Run": "true"})

    exceeding = [tried(f"/holds/{hold}/capture", {"amount": 6}).code for _ in range(MOST + 1)]
    held = [tried("/holds", {**tea, "amount": 6}).code for _ in range(MOST - 5)]
    more = [tried(f"/holds/{hold}/increment", {"amount": 6}).code for _ in range(5)]

    assert set(exceeding) == {"capture_exceeds_hold"}
    assert set(held) == set(more) == {"insufficient_funds"}
    assert counted() == MOST
    assert_refused(tried("/holds", {**tea, "amount": 1}))
    assert_refused(tried(f"/holds/{hold}/increment", {"amount": 1}))
    assert_refused(weigh(company, 1, wallet=payer.wallet_id))


def test_a_charge_with_splits_is_counted_once_and_denied_as_one() -> None:
    payer, other, company = a_client(holds="10.00"), a_client(), a_company()
    body = {
        "wallet": str(payer.wallet_id),
        "summary": "Tea",
        "splits": [{"wallet": str(other.wallet_id), "amount": 1}] * 2,
    }

    def tried(amount: int) -> Reply:
        return company.api.post("/wallet/charge", {**body, "amount": amount}, **{"Dry-Run": "true"})

    codes = [tried(11).code for _ in range(MOST)]

    assert codes == ["insufficient_funds"] * MOST
    assert counted() == MOST
    assert_refused(tried(10))


def test_dry_runs_at_once_are_counted_exactly() -> None:
    payer, company = a_client(holds="10.00"), a_company()
    use_up(company, payer, MOST - 5)

    replies = race(12, lambda number: weigh(company, 100 + number, wallet=payer.wallet_id))

    codes = [reply.code for reply in replies]
    assert (codes.count("insufficient_funds"), codes.count(TOO_MANY)) == (5, 7)
    assert counted() == MOST


def test_a_batch_tells_of_no_more_refusals_than_there_is_room_for() -> None:
    payer, other, company = a_client(holds="15.00"), a_client(holds="1.00"), a_company(holds="3.00")
    use_up(company, payer, 5)
    falling = [(payer.wallet_id, 40 - number) for number in range(39)]

    reply = weigh_many(company, *falling, (other.wallet_id, 1), (other.wallet_id, 1))

    assert codes(reply) == [
        *["insufficient_funds"] * (MOST - 5),
        *[TOO_MANY] * (39 - MOST + 5),
        None,
        "insufficient_funds",
    ]
    assert reply.json["balance"] == Decimal("4.00")
    assert counted() == MOST + 1
    assert_refused(weigh(company, 1, wallet=payer.wallet_id))


def test_a_batch_in_turns_answers_as_the_real_one() -> None:
    payer, other, company = a_client(holds="50.00"), a_client(holds="2.00"), a_company()
    mixed = [
        (payer.wallet_id, 30 if number % 5 == 4 else 1) if number % 3 else (other.wallet_id, 1)
        for number in range(60)
    ]

    tried = weigh_many(company, *mixed)
    items = [{"wallet": str(it), "amount": amount, "summary": ""} for it, amount in mixed]
    real = company.api.post("/wallet/charges", {"charges": items})

    assert codes(tried) == [each["code"] for each in real.json["results"]]
    assert tried.json["balance"] == real.json["balance"]
    assert {"insufficient_funds", None} == set(codes(tried))


def test_a_batch_counts_pay_tokens_too() -> None:
    payer, company = a_client(holds="5.00"), a_company()
    used = a_paytoken(payer)
    assert charge(company, 1, paytoken=used).status == 200
    use_up(company, payer, MOST - 2)
    items = [{"paytoken": used, "amount": 1, "summary": ""} for _ in range(3)]
    items.append({"wallet": str(payer.wallet_id), "amount": 1, "summary": ""})

    reply = company.api.post("/wallet/charges", {"charges": items}, **{"Dry-Run": "true"})

    assert codes(reply) == ["paytoken_used", "paytoken_used", TOO_MANY, TOO_MANY]
    assert counted() == MOST


def test_what_a_flood_of_real_failures_refuses_is_counted(settings: Settings) -> None:
    settings.FAILED_ATTEMPTS = 1
    payer, company = a_client(holds="5.00"), a_company()
    assert charge(company, 6, wallet=payer.wallet_id).code == "insufficient_funds"

    replies = [weigh(company, 6, wallet=payer.wallet_id) for _ in range(MOST)]

    for reply in [*replies, weigh(company, 1, wallet=payer.wallet_id)]:
        assert_refused(reply)
    assert counted() == MOST


def test_a_first_answer_is_given_again_where_there_is_no_room() -> None:
    payer, company = a_client(holds="5.00"), a_company()
    body = {"wallet": str(payer.wallet_id), "amount": 1, "summary": "Tea"}
    first = company.api.post("/wallet/charge", body, key="a-key")
    use_up(company, payer)

    again = company.api.post("/wallet/charge", body, key="a-key", **{"Dry-Run": "true"})

    assert (again.status, again.raw) == (200, first.raw)


def test_the_table_takes_no_more_than_the_limit(owner_dsn: str) -> None:
    payer, company = a_client(), a_company()
    use_up(company, payer)

    with psycopg.connect(owner_dsn) as owner, pytest.raises(errors.CheckViolation):
        owner.execute("SELECT count_dry_refusals(%s, %s)", [company.user.pk, [payer.user.pk]])

    assert counted() == MOST
