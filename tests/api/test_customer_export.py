"""`/customer/<id>/export`: all that the service has about a customer."""

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import Action, SupportAction
from core.times import rfc3339
from core.unit_of_work import unit_of_work
from ledger import history
from ledger.kinds import Kind
from ledger.orders import Order
from ledger.post import post
from tests.factories import (
    PHONE,
    Holder,
    a_client,
    a_company,
    a_staff_member,
    an_operator,
    api_of,
)
from tests.http_client import Api
from wallets import approvals, selectors
from wallets.assets import system_wallet_id
from wallets.models import Purpose

pytestmark = pytest.mark.usefixtures("books")

FUNDING = system_wallet_id("USD", Purpose.FUNDING)
#: Rows in memory at a time, in these tests.
PAGE = 3


@pytest.fixture
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (history, selectors, approvals):
        monkeypatch.setattr(module, "_PAGE_SIZE", PAGE)


def export_path(holder: Holder) -> str:
    return f"/customer/{holder.user.pk}/export"


def a_client_who_did_much() -> tuple[Holder, Holder, str]:
    """A client with two wallets, and a company that charged one of them, once in vain.

    Returns both, and the token of the second wallet.
    """
    client, company = a_client(holds="100.00"), a_company()
    savings = client.api.post("/wallet/create").json["wallet"]
    own = {"wallet": str(client.wallet_id)}
    approval = {**own, "company": str(company.user.pk), "max_amount": "50.00"}
    calls: list[tuple[Api, str, dict[str, Any]]] = [
        (client.api, "/wallet/transfer", {"source": own["wallet"], "target": savings, "amount": 5}),
        (client.api, "/wallet/approvals", approval),
        (company.api, "/wallet/charge", {**own, "amount": "12.50", "summary": "Tea"}),
        (company.api, "/wallet/charge", {**own, "amount": 500, "summary": "Car"}),
    ]
    assert [api.post(path, body).status for api, path, body in calls] == [200, 201, 200, 400]
    return client, company, savings


def test_an_export_holds_all_that_the_lists_show() -> None:
    client, _, savings = a_client_who_did_much()
    own = str(client.wallet_id)
    lists = {
        path: client.api.get(path).json
        for path in (
            "/wallet/list",
            "/wallet/approvals",
            f"/wallet/history/{own}",
            f"/wallet/history/{savings}",
        )
    }

    reply = client.api.get(export_path(client))

    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json")
    assert list(reply.json) == ["customer", "wallets", "transactions", "approvals", "keys"]
    assert reply.json["customer"] == {
        "id": str(client.user.pk),
        "kind": "client",
        "email": client.user.email,
        "first_name": "Ada",
        "last_name": "Lovelace",
        "phone_number": PHONE,
        "company_name": None,
        "url": None,
        "created_at": rfc3339(client.user.created_at),
    }
    assert reply.json["wallets"] == lists["/wallet/list"]
    assert reply.json["transactions"] == [
        {"wallet": wallet, **row}
        for wallet in (own, savings)
        for row in lists[f"/wallet/history/{wallet}"]
    ]
    assert [(row["type"], row["amount"], row["error"]) for row in reply.json["transactions"]] == [
        ("charge", 500, "insufficient_funds"),
        ("charge", Decimal("12.50"), None),
        ("transfer", 5, None),
        ("deposit", 100, None),
        ("transfer", 5, None),
    ]
    assert reply.json["approvals"] == lists["/wallet/approvals"]
    assert len(reply.json["approvals"]) == 1
    assert reply.json["keys"] == []


def test_a_company_is_exported_with_its_name() -> None:
    _, company, _ = a_client_who_did_much()

    export = company.api.get(export_path(company)).json

    assert export["customer"]["kind"] == "company"
    assert export["customer"]["company_name"] == "Corner Shop"
    assert export["customer"]["url"] == "https://shop.example.com"
    assert export["approvals"] == company.api.get("/wallet/approvals").json != []
    assert [row["summary"] for row in export["transactions"]] == ["Car", "Tea"]


def test_an_account_without_wallets_is_exported() -> None:
    signed_up = Api().post(
        "/client/signup",
        {
            "email": "ben@example.com",
            "password": "correct-horse-7",
            "client": {"first_name": "Ben", "last_name": "Ali", "phone_number": PHONE},
        },
    )

    export = Api(signed_up.json["token"]).get(f"/customer/{signed_up.json['customer']}/export").json

    assert export["customer"]["first_name"] == "Ben"
    assert export["wallets"] == export["transactions"] == export["approvals"] == []


@pytest.mark.parametrize("operator", [an_operator, a_staff_member])
def test_an_operator_gets_what_the_customer_gets(operator: Callable[[], Any]) -> None:
    client, company, _ = a_client_who_did_much()

    by_operator = api_of(operator()).get(export_path(client))

    assert by_operator.status == 200
    assert by_operator.raw == client.api.get(export_path(client)).raw
    # The token of another's wallet is a credential: the customer has its address.
    assert str(company.wallet_id) not in by_operator.raw.decode()
    assert str(company.wallet.address) in by_operator.raw.decode()


def test_an_export_by_staff_is_on_record() -> None:
    client, staff = a_client(), a_staff_member()

    client.api.get(export_path(client))
    api_of(an_operator()).get(export_path(client))
    api_of(staff).get(export_path(client))

    [seen] = SupportAction.objects.all()
    assert (seen.action, seen.actor_id, seen.subject_id) == (
        Action.VIEW,
        staff.pk,
        str(client.user.pk),
    )


def test_somebody_elses_token_gets_no_data() -> None:
    client, company, _ = a_client_who_did_much()

    replies = [who.get(export_path(client)) for who in (a_client().api, company.api, Api())]

    assert [reply.code for reply in replies] == [
        "permission_denied",
        "permission_denied",
        "not_authenticated",
    ]
    for reply in replies:
        assert client.user.email not in reply.raw.decode()
        assert str(client.wallet_id) not in reply.raw.decode()


def test_who_is_no_customer_has_no_export() -> None:
    gone, operator = a_client(), an_operator()
    assert gone.api.call("DELETE", f"/customer/{gone.user.pk}").status == 204

    for customer in (gone.user.pk, operator.pk, uuid.uuid4()):
        reply = api_of(operator).get(f"/customer/{customer}/export")
        assert (reply.status, reply.code) == (404, "not_found")
    assert gone.api.get(export_path(gone)).code == "invalid_token"
    assert a_client().api.get(f"/customer/{uuid.uuid4()}/export").code == "permission_denied"


@pytest.mark.usefixtures("_short_pages")
@pytest.mark.parametrize("more", range(PAGE))
def test_long_lists_are_whole_and_in_order(more: int) -> None:
    # Given wallets, approvals and entries for two pages, and some more
    client, count = a_client(), 2 * PAGE + more
    for _ in range(count - 1):
        assert client.api.post("/wallet/create").status == 201
    for _ in range(count):
        approval = {"wallet": str(client.wallet_id), "company": str(a_company().user.pk)}
        assert client.api.post("/wallet/approvals", approval).status == 201
    order = Order(Kind.DEPOSIT, FUNDING, client.wallet_id, 100, "USD")
    for _ in range(count):
        unit_of_work(lambda: post([order]))

    # When
    export = client.api.get(export_path(client)).json

    # Then
    assert export["wallets"] == client.api.get("/wallet/list").json
    assert export["approvals"] == client.api.get("/wallet/approvals?limit=200").json
    assert [row["balance"] for row in export["transactions"]] == list(range(count, 0, -1))
    assert len(export["wallets"]) == len(export["approvals"]) == count


@pytest.mark.usefixtures("_short_pages")
def test_pages_are_read_as_the_reader_takes_them() -> None:
    client, count = a_client(), 4 * PAGE
    order = Order(Kind.DEPOSIT, FUNDING, client.wallet_id, 100, "USD")
    for _ in range(count):
        unit_of_work(lambda: post([order]))

    entries = history.whole_history(client.wallet_id)
    with CaptureQueriesContext(connection) as queries:
        first = [next(entries) for _ in range(PAGE)]
    # What happens meanwhile is left out.
    unit_of_work(lambda: post([order]))
    rest = list(entries)

    assert len(queries) == 1
    assert [entry.version for entry in (*first, *rest)] == list(range(count, 0, -1))


@pytest.mark.usefixtures("_short_pages")
def test_an_export_counts_as_one_read(settings: Settings) -> None:
    client, _, _ = a_client_who_did_much()
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "reads": "2/d"}

    replies = [client.api.get(export_path(client)) for _ in range(3)]

    assert [reply.status for reply in replies] == [200, 200, 429]
    assert replies[0].headers["RateLimit"].startswith('"reads";r=1;t=')
