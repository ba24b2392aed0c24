"""`/company/<id>/limits` and `/customer/<id>/limits`: rate limits of an account's own."""

import json
import time
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import Action, OwnLimits, SupportAction, User
from accounts.own_limits import set_limits
from api.http import rate_limits, token_cache
from core.unit_of_work import unit_of_work
from tests.factories import Holder, a_client, a_company, an_operator, api_of
from tests.http_client import Api, Reply

pytestmark = pytest.mark.usefixtures("books")

DEFAULTS = {"writes": "1200/m", "reads": "3000/m"}


@pytest.fixture(autouse=True)
def one_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no window end: own limits are for a minute, and a test may cross into the next."""
    now = time.time()
    monkeypatch.setattr(rate_limits, "time", SimpleNamespace(time=lambda: now))


@pytest.fixture
def operator(books: None) -> User:
    return an_operator()


def path_of(holder: Holder) -> str:
    return f"/{'company' if holder.user.role == 'company' else 'customer'}/{holder.user.pk}/limits"


def put(api: Api, path: str, body: Any) -> Reply:
    return api.call("PUT", path, json.dumps(body).encode())


def list_wallets(holder: Holder, times: int) -> list[int]:
    return [holder.api.get("/wallet/list").status for _ in range(times)]


def deposit(holder: Holder) -> Reply:
    return holder.api.post("/wallet/deposit", {"wallet": str(holder.wallet_id), "amount": 1})


@pytest.mark.parametrize("make", [a_client, a_company])
def test_an_operator_gives_an_account_its_own_limits(make: Any, operator: User) -> None:
    holder, api = make(), api_of(operator)

    before = api.get(path_of(holder))
    given = put(api, path_of(holder), {"writes": 2, "reads": 3})
    after = api.get(path_of(holder))
    statuses = [deposit(holder).status for _ in range(3)]

    assert (before.status, before.json) == (
        200, {"writes": None, "reads": None, "defaults": DEFAULTS},
    )  # fmt: skip
    assert (given.status, given.json) == (200, {"writes": 2, "reads": 3, "defaults": DEFAULTS})
    assert after.json == given.json
    assert statuses == [200, 200, 429]
    assert list_wallets(holder, 4) == [200, 200, 200, 429]
    assert holder.balance_minor == 200


def test_the_answers_tell_the_own_limit(operator: User) -> None:
    holder = a_client()
    put(api_of(operator), path_of(holder), {"writes": 7})

    reply = deposit(holder)

    assert reply.headers["RateLimit-Policy"] == '"writes";q=7;w=60'
    assert holder.api.get("/wallet/list").headers["RateLimit-Policy"] == '"reads";q=3000;w=60'


def test_another_account_keeps_the_limit_of_all(operator: User, settings: Settings) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "reads": "2/d"}
    busy, other = a_client(), a_client()

    put(api_of(operator), path_of(busy), {"reads": 4})

    assert list_wallets(busy, 5) == [200] * 4 + [429]
    assert list_wallets(other, 3) == [200, 200, 429]


def test_a_caller_whom_the_process_knows_gets_the_new_limit_at_once(operator: User) -> None:
    holder = a_client()
    assert deposit(holder).status == 200
    api = api_of(operator)

    put(api, path_of(holder), {"writes": 2})
    limited = [deposit(holder).status for _ in range(2)]
    api.call("DELETE", path_of(holder))

    assert limited == [200, 429]
    assert deposit(holder).status == 200


def test_another_process_finds_the_change_when_it_looks_again(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = a_client()
    assert deposit(holder).status == 200
    # As another process does: this one is told nothing.
    unit_of_work(
        lambda: set_limits(
            holder.user.pk, role="client", writes=1, reads=None, operator=operator, address=None
        )
    )

    monkeypatch.setattr(token_cache, "_limits_known_at", token_cache._limits_known_at - 1)

    assert deposit(holder).status == 429
    assert holder.balance_minor == 100


class CountingCallers(dict[str, User]):
    """The cache of callers; it counts how often all of it is looked through."""

    passes = 0

    def items(self) -> Any:
        self.passes += 1
        return super().items()


def test_many_changes_are_found_in_one_pass(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, callers = a_client(), CountingCallers()
    monkeypatch.setattr(token_cache, "_callers", callers)
    changed = [holder.user.pk, *(a_client().user.pk for _ in range(20))]
    unit_of_work(
        lambda: [
            set_limits(key, role="client", writes=9, reads=None, operator=operator, address=None)
            for key in changed
        ]
    )
    monkeypatch.setattr(token_cache, "_limits_known_at", token_cache._limits_known_at - 1)

    assert deposit(holder).status == 200
    assert callers.passes == 1


def test_put_sets_both_and_delete_takes_both_back(operator: User) -> None:
    holder, api = a_company(), api_of(operator)

    put(api, path_of(holder), {"writes": 5, "reads": 6})
    only_reads = put(api, path_of(holder), {"reads": 7}).json
    null = put(api, path_of(holder), {"writes": None, "reads": 8}).json
    deleted = [api.call("DELETE", path_of(holder)).status for _ in range(2)]

    assert (only_reads["writes"], only_reads["reads"]) == (None, 7)
    assert (null["writes"], null["reads"]) == (None, 8)
    assert deleted == [204, 204]
    assert api.get(path_of(holder)).json == {"writes": None, "reads": None, "defaults": DEFAULTS}


@pytest.mark.parametrize(
    "body",
    [
        {"writes": 0},
        {"writes": -1},
        {"reads": 1_000_001},
        {"writes": "5"},
        {"writes": 5.0},
        {"reads": True},
        {"writes": 5, "colour": 1},
    ],
)
def test_a_limit_is_a_whole_number(body: Any, operator: User) -> None:
    holder = a_client()

    reply = put(api_of(operator), path_of(holder), body)

    assert (reply.status, reply.code) == (422, "validation_error")
    assert not OwnLimits.objects.exists()


def test_only_operators_see_and_set_them() -> None:
    holder, other = a_client(), a_company()
    path = path_of(holder)

    replies = [
        reply
        for api in (holder.api, other.api)
        for reply in (api.get(path), put(api, path, {"writes": 9}), api.call("DELETE", path))
    ]

    assert [(reply.status, reply.code) for reply in replies] == [(403, "permission_denied")] * 6
    assert Api().get(path).status == 401
    assert not OwnLimits.objects.exists()


def test_unknown_erased_and_other_accounts_are_not_found(operator: User) -> None:
    client, company, gone, api = a_client(), a_company(), a_client(), api_of(operator)
    put(api, path_of(gone), {"writes": 9})
    assert api.call("DELETE", f"/customer/{gone.user.pk}").status == 204
    paths = [
        f"/customer/{uuid.uuid4()}/limits",
        f"/company/{client.user.pk}/limits",
        f"/customer/{company.user.pk}/limits",
        f"/customer/{operator.pk}/limits",
        path_of(gone),
    ]

    replies = [
        reply
        for path in paths
        for reply in (api.get(path), put(api, path, {"writes": 9}), api.call("DELETE", path))
    ]

    assert [(reply.status, reply.code) for reply in replies] == [(404, "not_found")] * 15
    assert not OwnLimits.objects.exists()


def test_a_change_is_a_support_action(operator: User) -> None:
    holder, api = a_client(), api_of(operator)

    put(api, path_of(holder), {"writes": 9})
    api.call("DELETE", path_of(holder))

    actions = SupportAction.objects.filter(action=Action.LIMITS_SET).order_by("id")
    assert [(each.actor_id, each.subject_id, each.address) for each in actions] == [
        (operator.pk, str(holder.user.pk), "127.0.0.1")
    ] * 2
    assert [each.result for each in actions] == [
        "writes 9, reads default a minute", "writes default, reads default a minute",
    ]  # fmt: skip


def test_a_batch_is_measured_by_the_own_limit(operator: User) -> None:
    client = a_client(holds="50.00")
    put(api_of(operator), path_of(client), {"writes": 3})

    refused = client.api.post("/transaction", [{"value": 1}] * 4)
    passed = client.api.post("/transaction", [{"value": 1}] * 2)

    assert (refused.status, refused.json["details"]["limit"]) == (429, 3)
    assert passed.status == 202
