"""A caller who is known from an earlier call moves money in one trip, while the token is good."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from knox.models import AuthToken
from pytest_django import Settings

from accounts.models import User
from api.http.movements import MoneyView
from api.urls import urlpatterns
from core.models import IdempotencyRecord
from intake.models import QueuedTransaction
from ledger.models import Transaction
from tests.factories import Holder, a_client, a_company, a_paytoken, an_operator, api_of
from tests.http_client import Api, Reply
from tests.races import race
from wallets.assets import system_wallet_id
from wallets.models import Purpose, Wallet

pytestmark = pytest.mark.usefixtures("books")

Body = dict[str, object]


@dataclass(frozen=True)
class Call:
    """A call that succeeds, and who makes it."""

    user: User
    api: Api
    path: str
    body: Body
    headers: dict[str, str] = field(default_factory=dict)

    def post(self, body: Body | None = None, *, key: str | None = None) -> Reply:
        """Make the call, with another body if one is given."""
        headers = self.headers if key is None else {**self.headers, "Idempotency-Key": key}
        return self.api.post(self.path, body or self.body, **headers)


def a_token_dies_by_log_out(call: Call) -> None:
    assert call.api.post("/client/logout").status < 300


def a_token_dies_by_age(call: Call) -> None:
    past = timezone.now() - timedelta(seconds=1)
    AuthToken.objects.filter(user=call.user).update(expiry=past)


def an_account_is_switched_off(call: Call) -> None:
    User.objects.filter(pk=call.user.pk).update(is_active=False)


DEATHS = [a_token_dies_by_log_out, a_token_dies_by_age, an_account_is_switched_off]
LATER = {"Prefer": "respond-async"}
ROUTES = (
    "wallet/deposit",
    "wallet/withdraw",
    "wallet/transfer",
    "wallet/charge",
    "wallet/charges",
    "wallet/refund",
    "wallets",
    "wallets/fund",
    "wallets/transfer",
    "wallets/<id:wallet_id>/deposit",
    "wallets/<id:wallet_id>/withdraw",
    "payment-requests/<id:request_id>/pay",
    "holds",
    "holds/<id:hold_id>/capture",
    "holds/<id:hold_id>/increment",
    "holds/<id:hold_id>/void",
    "api/v1/wallet/topup",
    "api/v1/wallet/bonus",
    "api/v1/wallet/spend",
    "api/v1/wallet/group",
)
NAMES = (
    *ROUTES,
    "wallet/withdraw, later",
    "wallet/transfer, later",
    "wallet/charge, by pay token",
    "wallet/charges, by pay token",
)


def call_of(name: str, holder: Holder, company: Holder) -> Call:
    """Return the call of a route, with a body in which nothing is wrong."""
    own, others = str(holder.wallet_id), str(company.wallet_id)
    cash: Body = {"wallet": own, "amount": 1}
    amount: Body = {"amount": 1}
    charge: Body = {**cash, "summary": "Tea"}
    transfer: Body = {"source": own, "target": others, "amount": 1, "summary": "Tea"}
    send: Body = {"senderWalletId": own, "receiverWalletId": others, "amount": 1}
    credit: Body = {"userId": str(holder.user.pk), "assetSymbol": "USD", "amount": 1}
    if name == "wallet/refund":
        charged = company.api.post("/wallet/charge", charge).json["transaction"]
        return Call(company.user, company.api, "/wallet/refund", {"transaction": charged})
    if name in ("api/v1/wallet/topup", "api/v1/wallet/bonus"):
        operator = an_operator()
        return Call(operator, api_of(operator), f"/{name}", credit)
    if name == "api/v1/wallet/group":
        operator = an_operator()
        trade: Body = {"operations": [{"type": "topup", **credit}]}
        return Call(operator, api_of(operator), f"/{name}", trade)
    path, _, later = name.partition(", ")
    if path in ("wallet/charge", "wallet/charges"):
        if later == "by pay token":
            charge = {"paytoken": a_paytoken(holder, uses=9), "amount": 1, "summary": "Tea"}
        batch: Body = {"charges": [charge]}
        body = charge if path == "wallet/charge" else batch
        return Call(company.user, company.api, f"/{path}", body)
    if path.startswith("payment-requests/"):
        asked = company.api.post("/payment-requests", {"summary": "Tea", "amount": 1}).json["id"]
        return Call(holder.user, holder.api, f"/payment-requests/{asked}/pay", {"wallet": own})
    if path == "holds":
        return Call(company.user, company.api, "/holds", charge)
    if path.startswith("holds/"):
        # Only a part of it is captured, so that another call of a known caller can succeed.
        held = company.api.post("/holds", {**charge, "amount": 5}).json["hold"]
        action = path.rpartition("/")[2]
        part: Body = {"amount": 1, "final": False}
        fields = {"capture": part, "increment": amount, "void": {}}[action]
        return Call(company.user, company.api, f"/holds/{held}/{action}", fields)
    bodies: dict[str, Body] = {
        "wallet/deposit": cash,
        "wallet/withdraw": cash,
        "wallet/transfer": transfer,
        "wallets": {"currency": "USD", "balance": "5.00"},
        "wallets/fund": {"walletId": own, "amount": 1},
        "wallets/transfer": send,
        "wallets/<id:wallet_id>/deposit": amount,
        "wallets/<id:wallet_id>/withdraw": amount,
        "api/v1/wallet/spend": credit,
    }
    url = path.replace("<id:wallet_id>", own)
    return Call(holder.user, holder.api, f"/{url}", bodies[path], LATER if later else {})


def test_every_call_that_moves_money_is_tried_here() -> None:
    moving = [
        str(route.pattern)
        for route in urlpatterns
        if issubclass(getattr(route.callback, "view_class", object), MoneyView)
    ]

    assert sorted(moving) == sorted(ROUTES)


@pytest.mark.parametrize("die", DEATHS)
@pytest.mark.parametrize("name", NAMES)
def test_a_known_caller_whose_token_died_moves_nothing(
    name: str, die: Callable[[Call], None]
) -> None:
    # Given a caller whom the process knows from a call that succeeded, under a key
    holder, other = a_client(holds="10.00"), a_company(holds="10.00")
    call = call_of(name, holder, other)
    assert call.post(key="first").status < 300
    before = state_of(holder, other)

    # When the token dies
    die(call)

    # Then nothing moves, neither anew nor as a repeat; and no other refusal comes first
    assert_unknown(call.post())
    assert_unknown(call.post(key="first"))
    assert_unknown(call.post(key="second"))
    assert_unknown(call.post({**call.body, "amount": "a lot"}))
    assert_unknown(call.post({**call.body, "amount": 100}))
    assert_unknown(call.api.call("POST", call.path, b"{", **call.headers))
    assert state_of(holder, other) == before


def test_a_dead_token_is_refused_though_its_owner_is_over_the_limit(settings: Settings) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "writes": "3/d"}
    company, payer = a_company(), a_client(holds="10.00")
    charge: Body = {"wallet": str(payer.wallet_id), "amount": 1, "summary": "Tea"}
    assert company.api.post("/wallet/charge", charge).status == 200
    for _ in range(3):
        api_of(company.user).post("/wallet/charge", charge)
    AuthToken.objects.filter(user=company.user).delete()

    replies = [company.api.post("/wallet/charge", charge) for _ in range(5)]

    assert {reply.status for reply in replies} == {401}
    assert payer.balance_minor == 700


@pytest.mark.parametrize("role", ["client", "company"])
def test_a_dead_token_does_not_go_on_using_up_its_owners_limit(
    role: str, settings: Settings
) -> None:
    # Given a caller whom the process knows, who may charge or may not, and a token that died
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "writes": "4/d"}
    caller, payer = a_company() if role == "company" else a_client(), a_client(holds="10.00")
    charge: Body = {"wallet": str(payer.wallet_id), "amount": 1, "summary": "Tea"}
    caller.api.post("/wallet/charge", charge)
    caller.api.post(f"/{role}/logout")

    # When somebody goes on sending it
    replies = [caller.api.post("/wallet/charge", charge) for _ in range(4)]

    # Then nobody tells how much of the limit is left, and the owner is not kept out
    assert [reply.status for reply in replies] == [401] * 4
    assert not any("RateLimit" in reply.headers for reply in replies)
    deposit: Body = {"wallet": str(caller.wallet_id), "amount": 1}
    assert api_of(caller.user).post("/wallet/deposit", deposit).status == 200


@pytest.mark.parametrize("name", NAMES)
def test_each_use_of_a_dead_token_is_one_guess(name: str, settings: Settings) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "invalid_tokens": "2/d"}
    call = call_of(name, a_client(holds="10.00"), a_company(holds="10.00"))
    # A worker remembers who is over the limit: an address of its own.
    call.api._client.defaults["REMOTE_ADDR"] = f"10.2.0.{NAMES.index(name)}"
    assert call.post().status < 300
    a_token_dies_by_age(call)

    replies = [call.post().status for _ in range(4)]

    assert replies == [401, 401, 429, 429]


def test_the_log_names_nobody_by_a_dead_token(caplog: pytest.LogCaptureFixture) -> None:
    company, payer = a_company(), a_client(holds="10.00")
    charge: Body = {"wallet": str(payer.wallet_id), "amount": 1, "summary": "Tea"}
    assert company.api.post("/wallet/charge", charge).status == 200
    company.api.post("/company/logout")

    caplog.clear()
    with caplog.at_level(logging.INFO, logger="api.http.access_log"):
        assert company.api.post("/wallet/charge", charge).status == 401

    users = [vars(line).get("user_id", "nothing said") for line in caplog.records]
    assert users == [None]


def test_tokens_that_idle_away_are_looked_up_each_time(settings: Settings) -> None:
    settings.TOKEN_IDLE = timedelta(hours=1)
    company, payer = a_company(), a_client(holds="10.00")
    charge: Body = {"wallet": str(payer.wallet_id), "amount": 1, "summary": "Tea"}
    company.api.post("/wallet/charge", charge)

    with CaptureQueriesContext(connection) as queries:
        reply = company.api.post("/wallet/charge", charge)

    assert reply.status == 200
    assert sum("knox_authtoken" in query["sql"] for query in queries) == 1


def test_a_charge_that_races_a_log_out_moves_money_or_nothing() -> None:
    company, payer = a_company(), a_client(holds="10.00")
    charge: Body = {"wallet": str(payer.wallet_id), "amount": 1, "summary": "Tea"}
    assert company.api.post("/wallet/charge", charge).status == 200
    together = Barrier(4)

    def work(number: int) -> Reply:
        together.wait()
        if number == 0:
            return company.api.post("/company/logout")
        return company.api.post("/wallet/charge", charge)

    log_out, *others = race(4, work)
    charges = [reply.status for reply in others]

    assert log_out.status < 300
    assert set(charges) <= {200, 401}
    assert payer.balance_minor == 900 - 100 * charges.count(200)
    assert company.api.post("/wallet/charge", charge).status == 401


@pytest.mark.parametrize("call", ["charge", "transfer"])
def test_what_nobody_looked_at_is_refused_as_ever(call: str) -> None:
    # Given a known caller, and other ends that are no wallet of anybody's, or of another asset
    holder, euros = a_company(holds="10.00"), a_client(holds="10.00", currency="EUR")
    friend = a_client(holds="10.00")
    own = str(holder.wallet_id)

    def move(other: object) -> Reply:
        if call == "charge":
            body: Body = {"wallet": str(other), "amount": 1, "summary": "Tea"}
            return holder.api.post("/wallet/charge", body)
        body = {"source": own, "target": str(other), "amount": 1, "summary": "Tea"}
        return holder.api.post("/wallet/transfer", body)

    assert move(friend.wallet_id).status == 200
    before = state_of(holder, euros, friend)

    # When they are named
    unknown = move("0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f11")
    world = move(system_wallet_id("USD", Purpose.FUNDING))
    other_asset = move(euros.wallet_id)
    itself = move(own)

    # Then each is told for what it is, and nothing moved
    assert (unknown.status, world.status) == (404, 404)
    assert (other_asset.status, other_asset.code) == (400, "currency_mismatch")
    assert (itself.status, itself.code) == (400, "same_wallet")
    assert state_of(holder, euros, friend) == before


def assert_unknown(reply: Reply) -> None:
    assert (reply.status, reply.code) == (401, "invalid_token")


def state_of(*holders: Holder) -> object:
    wallets = [(holder.balance_minor, holder.wallet.version) for holder in holders]
    rows = (Transaction, IdempotencyRecord, QueuedTransaction, Wallet)
    return wallets, [model.objects.count() for model in rows]


@pytest.mark.parametrize("die", DEATHS)
@pytest.mark.parametrize("path", ["/wallet/info", "/wallet/history"])
def test_a_known_caller_whose_token_died_reads_nothing(
    path: str, die: Callable[[Call], None]
) -> None:
    holder = a_client(holds="10.00")
    own = f"{path}/{holder.wallet_id}"
    assert holder.api.get(own).status == 200
    assert holder.api.get(own).status == 200

    die(Call(holder.user, holder.api, own, {}))

    assert_unknown(holder.api.get(own))
    assert_unknown(holder.api.get(f"{path}/{a_client().wallet_id}"))
    assert_unknown(holder.api.get(f"{own}?limit=0"))


def test_a_known_caller_reads_an_own_wallet_in_one_trip_and_nobody_elses() -> None:
    holder, other = a_client(holds="10.00"), a_client(holds="5.00")
    assert holder.api.get(f"/wallet/info/{holder.wallet_id}").status == 200

    with CaptureQueriesContext(connection) as queries:
        own = holder.api.get(f"/wallet/info/{holder.wallet_id}")
    # The rate limit's counter has statements of its own.
    asked = [query["sql"] for query in queries if "core_counter" not in query["sql"]]
    others = holder.api.get(f"/wallet/info/{other.wallet_id}")

    assert (own.status, str(own.json["balance"])) == (200, "10.00")
    assert len(asked) == 1
    assert "token_is_valid" in asked[0]
    assert (others.status, others.code) == (404, "not_found")
