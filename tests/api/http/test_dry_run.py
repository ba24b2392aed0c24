"""`Dry-Run: true`: the answer of the call, and nothing of it is kept."""

import json
from typing import Any

import pytest
from pytest_django import Settings

from core import metrics
from tests.api.http.dry_runs import DRY, Call, assert_tried, everything, movements
from tests.api.http.test_access import (
    ROUTES,
    TABLE,
    Scenario,
    a_scenario,
    fill_ids,
    path_of,
)
from tests.factories import (
    a_client,
    a_company,
    a_paytoken,
    a_staff_member,
    an_operator,
    an_uncashed_asset,
    api_of,
    charge,
    freeze,
    set_charges,
)
from tests.http_client import Api

pytestmark = pytest.mark.usefixtures("books")

MOVEMENTS = (
    "wallet/deposit",
    "wallet/withdraw",
    "wallet/transfer",
    "wallet/charge",
    "wallet/charge by pay token",
    "wallet/charge with a split",
    "holds",
    "holds/<id:hold_id>/capture",
    "holds/<id:hold_id>/increment",
    "holds/<id:hold_id>/void",
    "holds/<id:hold_id>/void by an operator",
    "wallet/charges",
    "wallet/refund",
    "wallets",
    "wallets/fund",
    "wallets/transfer",
    "wallets/<id:wallet_id>/deposit",
    "wallets/<id:wallet_id>/withdraw",
    "payment-requests/<id:request_id>/pay",
    "api/v1/wallet/topup",
    "api/v1/wallet/topup of staff",
    "api/v1/wallet/bonus",
    "api/v1/wallet/spend",
    "api/v1/wallet/group",
)


def can_be_tried(route: str) -> bool:
    return getattr(getattr(ROUTES[route], "cls", None), "can_be_tried", False)


def test_each_call_that_can_be_tried_is_in_the_table() -> None:
    routes = {route for route in ROUTES if can_be_tried(route)}

    assert routes == {name.split(" ")[0] for name in MOVEMENTS}
    assert tuple(movements()) == MOVEMENTS


@pytest.mark.parametrize("name", MOVEMENTS)
def test_the_answer_is_that_of_the_call_and_nothing_is_kept(name: str) -> None:
    assert_tried(movements()[name], **{"Idempotency-Key": "a-key"})


def test_what_it_would_have_made_has_no_id() -> None:
    calls = movements()

    charged, batch = calls["wallet/charge"].send(**DRY), calls["wallet/charges"].send(**DRY)
    opened, credit = calls["wallets"].send(**DRY), calls["api/v1/wallet/topup"].send(**DRY)

    assert charged.json["transaction"] is None
    assert [each["transaction"] for each in batch.json["results"]] == [None, None]
    assert (opened.json["id"], opened.json["address"]) == (None, None)
    assert credit.json["transactionId"] is None


def refusals() -> dict[str, Call]:
    """Return calls that are refused: by code, and the status and the call."""
    an_uncashed_asset("GOLD", "Gold")
    rich, poor, shop = a_client(holds="100.00"), a_client(holds="1.00"), a_company(holds="1.00")
    frozen, strict = a_client(holds="9.00"), a_client(holds="9.00")
    paid = charge(shop, 1, wallet=rich.wallet_id).json["transaction"]
    used = a_paytoken(rich, uses=1)
    assert charge(shop, 1, paytoken=used).status == 200
    freeze(frozen)
    tea = {"amount": 5, "summary": "Tea"}
    splits = {**tea, "splits": [{"wallet": str(frozen.wallet_id), "amount": 1}]}
    hold = shop.api.post("/holds", {**tea, "wallet": str(rich.wallet_id)}).json["hold"]
    set_charges(strict, "approved")
    platform, staff = api_of(an_operator()), api_of(a_staff_member())
    wallet, user = str(poor.wallet_id), str(poor.user.pk)

    def pays(status: int, **payer: Any) -> Call:
        body = {"amount": 5, "summary": "Tea", **{name: str(it) for name, it in payer.items()}}
        return Call(shop.api, "/wallet/charge", body, status=status)

    def of(caller: Api, path: str, body: dict[str, Any], status: int) -> Call:
        return Call(caller, path, body, status=status)

    credit = {"userId": user, "assetSymbol": "GOLD", "amount": 5}
    much = {**credit, "amount": "1000.01"}
    short = {"wallet": wallet, "amount": 5}
    return {
        "insufficient_funds": of(poor.api, "/wallet/withdraw", short, 400),
        "insufficient_funds, charged": pays(400, wallet=poor.wallet_id),
        "insufficient_funds, held": of(
            shop.api, "/holds", {"wallet": wallet, "amount": 5, "summary": "Tea"}, 400
        ),
        "wallet_not_active, of a split": of(
            shop.api, "/wallet/charge", {**splits, "wallet": str(rich.wallet_id)}, 409
        ),
        "capture_exceeds_hold": of(shop.api, f"/holds/{hold}/capture", {"amount": 6}, 400),
        "wallet_not_active": pays(409, wallet=frozen.wallet_id),
        "charge_not_approved": pays(403, wallet=strict.wallet_id),
        "paytoken_used": pays(409, paytoken=used),
        "same_wallet": pays(400, wallet=shop.wallet_id),
        "not_found": pays(404, wallet=user),
        "refund_exceeds_charge": of(
            shop.api, "/wallet/refund", {"transaction": paid, "amount": 2}, 409
        ),
        "no_wallet": of(platform, "/api/v1/wallet/spend", credit, 409),
        "unknown_asset": of(
            platform, "/api/v1/wallet/topup", {**credit, "assetSymbol": "TIN"}, 400
        ),
        "approval_needed": of(staff, "/api/v1/wallet/topup", much, 403),
        "wallet_limit_reached": of(shop.api, "/wallets", {"balance": 5}, 409),
        "amount_not_positive": of(poor.api, "/wallet/deposit", {**short, "amount": 0}, 400),
        "validation_error": of(poor.api, "/wallet/deposit", {"wallet": wallet}, 422),
        "permission_denied": of(platform, "/wallet/charge", short, 403),
        "not_authenticated": of(Api(), "/wallet/deposit", short, 401),
        "malformed_json": of(poor.api, "/wallet/deposit", [], 400),  # type: ignore[arg-type]
    }


REFUSALS = (
    "insufficient_funds",
    "insufficient_funds, charged",
    "insufficient_funds, held",
    "wallet_not_active, of a split",
    "capture_exceeds_hold",
    "wallet_not_active",
    "charge_not_approved",
    "paytoken_used",
    "same_wallet",
    "not_found",
    "refund_exceeds_charge",
    "no_wallet",
    "unknown_asset",
    "approval_needed",
    "wallet_limit_reached",
    "amount_not_positive",
    "validation_error",
    "permission_denied",
    "not_authenticated",
    "malformed_json",
)


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_that_of_the_call_and_leaves_nothing(name: str) -> None:
    calls = refusals()
    assert tuple(calls) == REFUSALS

    tried = assert_tried(calls[name])

    assert tried.code == name.split(",", maxsplit=1)[0]


def test_a_flood_of_real_failures_is_told_in_a_dry_run_too(settings: Settings) -> None:
    settings.FAILED_ATTEMPTS = 1
    payer, company = a_client(), a_company()
    assert charge(company, 5, wallet=payer.wallet_id).code == "insufficient_funds"
    body = {"wallet": str(payer.wallet_id), "amount": 5, "summary": "Tea"}
    before = everything()

    tried = company.api.post("/wallet/charge", body, **DRY)

    assert (tried.status, tried.code) == (429, "too_many_failed_attempts")
    assert 3_590 <= int(tried.headers["Retry-After"]) <= 3_601
    assert everything() == before


@pytest.mark.parametrize("value", ["yes", "True", "TRUE", "1", "false", "", "true, true"])
def test_another_value_is_refused_and_nothing_is_done(value: str) -> None:
    call = movements()["wallet/deposit"]
    before = everything()

    reply = call.send(**{"Dry-Run": value})

    assert (reply.status, reply.code) == (422, "validation_error")
    assert list(reply.json["details"]) == ["Dry-Run"]
    assert "Dry-Run" not in reply.headers
    assert everything() == before


def calls_that_cannot(scenario: Scenario) -> list[tuple[str, str, Any, Api]]:
    """Return each call that writes and cannot be tried, with a caller who may make it."""
    calls = []
    for method, route, body, expected in TABLE:
        if method in ("GET", "HEAD") or (method == "POST" and can_be_tried(route)):
            continue
        may = [api for api, it in zip(scenario.callers, expected, strict=True) if it < 300]
        # The empty body of some is invalid: whoever may send it.
        may += [api for api, it in zip(scenario.callers, expected, strict=True) if it in (409, 422)]
        calls.append((method, route, body, may[0]))
    return calls


def test_each_call_that_cannot_be_tried_is_refused_and_not_made() -> None:
    scenario = a_scenario()
    calls = calls_that_cannot(scenario)
    before = everything()
    assert len(calls) > 20

    for method, route, body, caller in calls:
        raw = b"" if body is None else json.dumps(fill_ids(body, scenario.names)).encode()
        reply = caller.call(method, path_of(route, scenario.names), raw, **DRY)

        assert (reply.status, reply.code) == (422, "validation_error"), route
        assert list(reply.json["details"]) == ["Dry-Run"], route
        assert "Dry-Run" not in reply.headers
    assert everything() == before


@pytest.mark.parametrize("name", ["wallet/transfer", "wallet/withdraw", "wallets/transfer"])
def test_what_is_queued_cannot_be_tried(name: str) -> None:
    call = movements()[name]
    before = everything()

    reply = call.send(**DRY, Prefer="respond-async")

    assert (reply.status, list(reply.json["details"])) == (422, ["Dry-Run"])
    assert "Dry-Run" not in reply.headers
    assert everything() == before


@pytest.mark.parametrize("body", [{}, {"balance": 0}, {"balance": "0.00"}])
def test_a_wallet_without_a_balance_cannot_be_tried(body: dict[str, Any]) -> None:
    client = a_client()
    before = everything()

    reply = client.api.post("/wallets", body, **DRY)

    assert (reply.status, list(reply.json["details"])) == (422, ["Dry-Run"])
    assert everything() == before


def test_a_read_does_not_look_at_the_header() -> None:
    client = a_client(holds="5.00")

    replies = [
        client.api.call(method, "/wallet/list", b"", **{"Dry-Run": value})
        for method in ("GET", "HEAD")
        for value in ("true", "yes")
    ]

    assert [reply.status for reply in replies] == [200] * 4
    assert all("Dry-Run" not in reply.headers for reply in replies)


def test_a_key_stays_free() -> None:
    client = a_client()
    call = Call(client.api, "/wallet/deposit", {"wallet": str(client.wallet_id), "amount": 5})
    key = {"Idempotency-Key": "a-key"}

    tried = call.send(**DRY, **key)
    other = client.api.post("/wallet/deposit", {**call.body, "amount": 7}, **key)

    assert "Idempotent-Replayed" not in tried.headers
    assert (other.status, client.balance_minor) == (200, 700)


def test_a_key_that_was_used_gets_its_first_answer_with_its_ids() -> None:
    calls = movements()
    call, key = calls["wallet/charge"], {"Idempotency-Key": "a-key"}
    first = call.send(**key)
    before, replays = everything(), metrics.REPLAYS._value.get()

    again = call.send(**DRY, **key)
    other = Call(call.caller, call.path, {**call.body, "amount": 6}).send(**DRY, **key)

    assert (again.raw, again.headers["Idempotent-Replayed"]) == (first.raw, "true")
    assert again.headers["Dry-Run"] == other.headers["Dry-Run"] == "true"
    assert (other.status, other.code) == (409, "idempotency_key_reused")
    assert everything() == before
    assert metrics.REPLAYS._value.get() == replays


def test_a_repeat_that_conflicts_conflicts_in_a_dry_run_too() -> None:
    call = movements()["wallets/fund"]
    keyed = Call(call.caller, call.path, {**call.body, "idempotencyKey": "a-key"}, status=409)
    assert keyed.send().status == 200

    assert assert_tried(keyed).code == "duplicate_idempotency_key"


def test_it_is_not_counted_in_the_metrics() -> None:
    def counted() -> Any:
        return [
            sample.value for family in metrics.TRANSACTIONS.collect() for sample in family.samples
        ]

    calls = movements()
    before = counted()

    tried = [calls[name].send(**DRY) for name in ("wallet/charge", "wallet/deposit")]

    assert [reply.status for reply in tried] == [200, 200]
    assert counted() == before


def test_staff_use_up_nothing_of_their_limit(settings: Settings) -> None:
    an_uncashed_asset("GOLD", "Gold")
    client, staff = a_client(), api_of(a_staff_member())
    body = {"userId": str(client.user.pk), "assetSymbol": "GOLD", "amount": "600.00"}

    tried = [staff.post("/api/v1/wallet/topup", body, **DRY).status for _ in range(3)]

    assert tried == [200] * 3
    assert staff.post("/api/v1/wallet/topup", body).status == 200
    above = staff.post("/api/v1/wallet/topup", body, **DRY)
    assert (above.status, above.code) == (403, "approval_needed")
