"""Wallets by token: creation, list and info."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from core.unit_of_work import unit_of_work
from tests.factories import (
    ClientFactory,
    CompanyFactory,
    a_client,
    a_company,
    an_operator,
    api_of,
    freeze,
)
from tests.http_client import Api, Reply
from tests.races import race
from wallets.assets import create_asset, system_wallet_id
from wallets.models import Purpose, Wallet

pytestmark = pytest.mark.usefixtures("books")

# fmt: off
CREATIONS: tuple[tuple[Any, int, str | None], ...] = (
    (None,                          201, None),
    ({},                            201, None),
    ({"currency": "USD"},           201, None),
    ({"currency": "EUR"},           201, None),
    ({"currency": "GOLD"},          403, "permission_denied"),
    ({"currency": "XXX"},           422, "validation_error"),
    ({"currency": "usd"},           422, "validation_error"),
    ({"currency": "US"},            422, "validation_error"),
    ({"currency": "USD\u0000"},     422, "validation_error"),
    ({"currency": "U" * 1_000},     422, "validation_error"),
    ({"currency": ""},              422, "validation_error"),
    ({"currency": None},            422, "validation_error"),
    ({"currency": 5},               422, "validation_error"),
    ({"currency": 5.5},             422, "validation_error"),
    ({"currency": True},            422, "validation_error"),
    ({"currency": ["USD"]},         422, "validation_error"),
    ({"currency": {"code": "USD"}}, 422, "validation_error"),
    ({"balance": 5},                422, "validation_error"),
)
# fmt: on


@pytest.mark.parametrize(("body", "status", "code"), CREATIONS, ids=lambda v: ascii(v)[:30])
def test_creation(body: Any, status: int, code: str | None) -> None:
    unit_of_work(lambda: create_asset(symbol="GOLD", name="Gold", decimals=2, is_cash=False))
    user = ClientFactory.create().user

    reply = api_of(user).post("/wallet/create", body)

    assert reply.status == status
    if code is not None:
        assert reply.code == code
        assert not Wallet.objects.filter(owner=user).exists()
        return
    wallet = Wallet.objects.get(owner=user)
    assert reply.json == {
        "wallet": str(wallet.id),
        "address": str(wallet.address),
        "charges": "open",
        "label": "",
    }
    assert wallet.asset_id == (body or {}).get("currency", "USD")
    assert wallet.balance_minor == 0


def test_operator_owns_no_wallets() -> None:
    operator = an_operator()

    reply = api_of(operator).post("/wallet/create")

    assert (reply.status, reply.code) == (403, "permission_denied")
    assert not Wallet.objects.filter(owner=operator).exists()


@pytest.mark.parametrize("currency", ["USD", "EUR"])
def test_company_has_one_wallet(currency: str) -> None:
    company = a_company()

    reply = company.api.post("/wallet/create", {"currency": currency})

    assert (reply.status, reply.code) == (409, "wallet_limit_reached")
    assert reply.json["details"] == {"limit": 1}
    assert Wallet.objects.filter(owner=company.user).count() == 1


def test_client_wallets_are_limited_by_the_setting(settings: Settings) -> None:
    settings.MAX_WALLETS_BY_CLIENT = 2
    user = ClientFactory.create().user
    api = api_of(user)

    replies = [api.post("/wallet/create", {"currency": c}) for c in ("USD", "EUR", "USD")]

    assert [reply.status for reply in replies] == [201, 201, 409]
    assert replies[2].code == "wallet_limit_reached"
    assert replies[2].json["details"] == {"limit": 2}
    assert Wallet.objects.filter(owner=user).count() == 2


def test_limit_of_zero_means_no_limit(settings: Settings) -> None:
    settings.MAX_WALLETS_BY_CLIENT = 0
    api = api_of(ClientFactory.create().user)

    assert [api.post("/wallet/create").status for _ in range(6)] == [201] * 6


def test_limit_does_not_stop_a_company_or_another_client(settings: Settings) -> None:
    settings.MAX_WALLETS_BY_CLIENT = 1
    a_client()

    others = [ClientFactory.create().user, CompanyFactory.create().user]

    assert [api_of(user).post("/wallet/create").status for user in others] == [201, 201]


@pytest.mark.parametrize("factory", [ClientFactory, CompanyFactory])
def test_limit_holds_for_concurrent_creations(
    settings: Settings, factory: type[ClientFactory] | type[CompanyFactory]
) -> None:
    settings.MAX_WALLETS_BY_CLIENT = 1
    user = factory.create().user
    api = api_of(user)

    replies = race(8, lambda _: api.post("/wallet/create"))

    assert sorted(reply.status for reply in replies) == [201] + [409] * 7
    assert {reply.code for reply in replies if reply.status == 409} == {"wallet_limit_reached"}
    assert Wallet.objects.filter(owner=user).count() == 1


def test_info_of_an_own_wallet() -> None:
    client = a_client(holds="12.50", currency="EUR")

    reply = client.api.get(f"/wallet/info/{client.wallet_id}")

    assert reply.status == 200
    assert reply.json == {
        "wallet": str(client.wallet_id),
        "address": str(client.wallet.address),
        "charges": "open",
        "label": "",
        "balance": Decimal("12.50"),
        "available": Decimal("12.50"),
        "currency": "EUR",
        "status": "active",
    }


def test_info_of_a_frozen_wallet() -> None:
    client = a_client(holds="12.50")
    freeze(client)

    reply = client.api.get(f"/wallet/info/{client.wallet_id}")

    assert (reply.json["status"], reply.json["balance"]) == ("frozen", Decimal("12.50"))


def test_company_lists_its_wallet() -> None:
    company = a_company(holds="3.00")

    [wallet] = company.api.get("/wallet/list").json

    assert wallet == company.api.get(f"/wallet/info/{company.wallet_id}").json
    assert wallet["balance"] == 3


def test_list_has_the_callers_wallets_oldest_first() -> None:
    client = a_client(holds="1.00")
    a_client(holds="5.00")
    made = [client.api.post("/wallet/create").json["wallet"] for _ in range(4)]

    reply = client.api.get("/wallet/list")

    assert reply.status == 200
    assert [wallet["wallet"] for wallet in reply.json] == [str(client.wallet_id), *made]
    assert [wallet["balance"] for wallet in reply.json] == [1, 0, 0, 0, 0]


def test_a_hosts_wrong_clock_does_not_change_the_order_of_wallets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a client whose second wallet is opened by a host with a clock that is a day behind
    client = a_client(holds="5.00")
    right_now = timezone.now
    with monkeypatch.context() as host:
        host.setattr(timezone, "now", lambda: right_now() - timedelta(days=1))
        second = client.api.post("/wallet/create").json["wallet"]

    # When a payment names only the owner and the currency
    paid = {"userId": str(client.user.pk), "assetSymbol": "USD", "amount": 1}
    reply = client.api.post("/api/v1/wallet/spend", paid)

    # Then the first wallet is the oldest one, and pays
    assert reply.status == 200
    assert client.balance_minor == 400
    listed = [wallet["wallet"] for wallet in client.api.get("/wallet/list").json]
    assert listed == [str(client.wallet_id), second]


def test_list_without_wallets_is_empty() -> None:
    assert api_of(ClientFactory.create().user).get("/wallet/list").json == []


@pytest.mark.parametrize("path", ["/wallet/info/{}", "/wallet/history/{}"])
def test_another_owners_wallet_is_answered_like_a_missing_one(path: str) -> None:
    client, other = a_client(), a_client(holds="5.00")
    system = system_wallet_id("USD", Purpose.FUNDING)

    missing, others, systems, operators = (
        client.api.get(path.format(uuid.uuid4())),
        client.api.get(path.format(other.wallet_id)),
        client.api.get(path.format(system)),
        api_of(an_operator()).get(path.format(other.wallet_id)),
    )

    assert (missing.status, missing.code) == (404, "not_found")
    assert _stable_body(others) == _stable_body(missing)
    assert _stable_body(systems) == _stable_body(missing)
    assert _stable_body(operators) == _stable_body(missing)


@pytest.mark.parametrize("path", ["/wallet/deposit", "/wallet/withdraw"])
def test_moving_money_of_another_owners_wallet_is_answered_like_a_missing_one(path: str) -> None:
    client, other = a_client(), a_client(holds="5.00")

    missing, others = (
        client.api.post(path, {"wallet": str(wallet), "amount": 1})
        for wallet in (uuid.uuid4(), other.wallet_id)
    )

    assert (missing.status, missing.code) == (404, "not_found")
    assert _stable_body(others) == _stable_body(missing)
    assert other.balance_minor == 500


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/wallet/create"),
        ("GET", "/wallet/list"),
        ("GET", f"/wallet/info/{uuid.UUID(int=5)}"),
        ("GET", f"/wallet/history/{uuid.UUID(int=5)}"),
    ],
)
def test_no_wallet_endpoint_answers_without_a_token(api: Api, method: str, path: str) -> None:
    reply = api.call(method, path)

    assert (reply.status, reply.code) == (401, "not_authenticated")


def _stable_body(reply: Reply) -> dict[str, Any]:
    """Return an error's body without the fields that vary: path, time and request id."""
    varying = ("path", "timestamp", "requestId")
    return {name: value for name, value in reply.json.items() if name not in varying}
