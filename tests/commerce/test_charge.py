"""Charges: a company takes money from a payer's wallet by its token."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from ledger.models import Transaction
from tests.factories import (
    CompanyFactory,
    Holder,
    a_client,
    a_company,
    an_operator,
    api_of,
    freeze,
)
from tests.http_client import Api, Reply
from tests.races import race
from wallets.assets import system_wallet_id
from wallets.models import Purpose

pytestmark = pytest.mark.usefixtures("books")

# fmt: off
REFUSED = (
    # changes to a good body        status, code
    ({"wallet": "own"},             400, "same_wallet"),
    ({"wallet": "euros"},           400, "currency_mismatch"),
    ({"wallet": str(uuid.UUID(int=5))}, 404, "not_found"),
    ({"wallet": str(system_wallet_id("USD", Purpose.FUNDING))}, 404, "not_found"),
    ({"amount": 0},                 400, "amount_not_positive"),
    ({"amount": "-0.01"},           400, "amount_not_positive"),
    ({"amount": "1.001"},           422, "validation_error"),
    ({"amount": "1e1"},             422, "validation_error"),
    ({"amount": ...},               422, "validation_error"),
    ({"wallet": ...},               422, "validation_error"),
    ({"wallet": "ada"},             422, "validation_error"),
    ({"summary": ...},              422, "validation_error"),
    ({"summary": None},             422, "validation_error"),
    ({"summary": 5},                422, "validation_error"),
    ({"summary": "a\x00b"},         422, "validation_error"),
    ({"summary": "x" * 501},        422, "validation_error"),
    ({"reference": "1017"},         422, "validation_error"),
)
# fmt: on


def test_charge_moves_money_to_the_company() -> None:
    payer, company = a_client(holds="100.00"), a_company()

    reply = company.api.post(
        "/wallet/charge", {"wallet": str(payer.wallet_id), "amount": "12.50", "summary": "Tea"}
    )

    assert reply.status == 200
    assert reply.json["wallet"] == str(company.wallet_id)
    assert reply.json["balance"] == Decimal("12.50")
    assert (payer.balance_minor, company.balance_minor) == (8750, 1250)


def test_charge_beyond_the_balance_is_refused_and_on_record_for_both() -> None:
    payer, company = a_client(holds="10.00"), a_company()

    reply = company.api.post(
        "/wallet/charge", {"wallet": str(payer.wallet_id), "amount": 10.01, "summary": "Tea"}
    )

    assert (reply.status, reply.code) == (400, "insufficient_funds")
    assert reply.json["details"] == {}, "what the payer holds is not the company's business"
    assert (payer.balance_minor, company.balance_minor) == (1000, 0)
    for side in (payer, company):
        [row, *_] = side.api.get(f"/wallet/history/{side.wallet_id}").json
        assert (row["success"], row["error"]) == (False, "insufficient_funds")
        assert (row["amount"], row["balance"]) == (Decimal("10.01"), None)


def test_charge_of_a_frozen_wallet_is_refused_and_on_record() -> None:
    payer, company = a_client(holds="10.00"), a_company()
    freeze(payer)

    reply = company.api.post(
        "/wallet/charge", {"wallet": str(payer.wallet_id), "amount": 1, "summary": "Tea"}
    )

    assert (reply.status, reply.code) == (409, "wallet_not_active")
    assert (payer.balance_minor, company.balance_minor) == (1000, 0)
    [row, *_] = payer.api.get(f"/wallet/history/{payer.wallet_id}").json
    assert row["error"] == "wallet_not_active"


def test_ten_of_forty_parallel_charges_fit_the_balance() -> None:
    payer, company = a_client(holds="100.00"), a_company()

    replies = race(
        40,
        lambda _: company.api.post(
            "/wallet/charge", {"wallet": str(payer.wallet_id), "amount": 10, "summary": "Race"}
        ),
    )

    assert sorted(reply.status for reply in replies) == [200] * 10 + [400] * 30
    assert (payer.balance_minor, company.balance_minor) == (0, 10_000)
    rows = payer.api.get(f"/wallet/history/{payer.wallet_id}").json
    assert [row["success"] for row in rows if row["type"] == "charge"].count(False) == 30


def test_both_sides_see_the_charge() -> None:
    payer, company = a_client(holds="100.00"), a_company(holds="1.00")

    reply = _charge(company, payer, amount="12.50", summary="Order 1017")

    paid, taken = _newest(payer), _newest(company)
    assert (paid["balance"], taken["balance"]) == (Decimal("87.50"), Decimal("13.50"))
    assert _unnamed(paid) == _unnamed(taken)
    assert paid["transaction"] == reply.json["transaction"]
    assert (paid["type"], paid["summary"], paid["success"]) == ("charge", "Order 1017", True)
    assert (paid["source__token"], paid["target__token"]) == (
        str(payer.wallet_id),
        str(company.wallet.address),
    )
    # It charged by this token: it knows it.
    assert (taken["source__token"], taken["target__token"]) == (
        str(payer.wallet_id),
        str(company.wallet_id),
    )


@pytest.mark.parametrize("amount", [5, 5000])
def test_charge_into_a_frozen_wallet_is_refused_and_on_record(amount: int) -> None:
    payer, company = a_client(holds="10.00"), a_company()
    freeze(company)

    reply = _charge(company, payer, amount=amount)

    assert (reply.status, reply.code) == (409, "wallet_not_active")
    assert (payer.balance_minor, company.balance_minor) == (1000, 0)
    assert _unnamed(_newest(payer)) == _unnamed(_newest(company))
    assert _newest(payer)["error"] == "wallet_not_active"


def test_company_charges_another_company() -> None:
    payer, company = a_company(holds="10.00"), a_company()

    reply = _charge(company, payer, amount=4)

    assert reply.status == 200
    assert (payer.balance_minor, company.balance_minor) == (600, 400)


def test_company_without_a_wallet_has_nowhere_to_put_it() -> None:
    payer, company = a_client(holds="10.00"), api_of(CompanyFactory.create().user)

    reply = company.post(
        "/wallet/charge", {"wallet": str(payer.wallet_id), "amount": 4, "summary": "Tea"}
    )

    assert (reply.status, reply.code) == (409, "no_wallet")
    assert payer.balance_minor == 1000
    assert Transaction.objects.count() == 1, "the opening deposit alone"


@pytest.mark.parametrize(("changes", "status", "code"), REFUSED)
def test_refusal_moves_nothing_and_is_no_attempt(
    changes: dict[str, Any], status: int, code: str
) -> None:
    payer, company, euros = (
        a_client(holds="10.00"),
        a_company(holds="5.00"),
        a_client(currency="EUR"),
    )
    wallets = {"own": company, "euros": euros}
    named = {
        name: str(wallets[value].wallet_id) if value in wallets else value
        for name, value in changes.items()
    }

    reply = _charge(company, payer, **{"amount": 5, **named})

    assert (reply.status, reply.code) == (status, code)
    assert (payer.balance_minor, company.balance_minor, euros.balance_minor) == (1000, 500, 0)
    assert Transaction.objects.count() == 2, "the opening deposits alone"


def test_only_companies_charge(api: Api) -> None:
    payer, other = a_client(holds="10.00"), a_client()
    body = {"wallet": str(payer.wallet_id), "amount": 5, "summary": "Tea"}

    nobody = api.post("/wallet/charge", body)
    others = [
        caller.post("/wallet/charge", body)
        for caller in (payer.api, other.api, api_of(an_operator()))
    ]

    assert (nobody.status, nobody.code) == (401, "not_authenticated")
    assert [(reply.status, reply.code) for reply in others] == [(403, "permission_denied")] * 3
    assert payer.balance_minor == 1000


def _charge(company: Holder, payer: Holder, /, **fields: Any) -> Reply:
    body = {"wallet": str(payer.wallet_id), "summary": "Tea", **fields}
    return company.api.post(
        "/wallet/charge", {name: value for name, value in body.items() if value is not ...}
    )


def _unnamed(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without what differs between its two sides: each names the other by address."""
    return {**row, "balance": None, "source__token": None, "target__token": None}


def _newest(holder: Holder) -> dict[str, Any]:
    row: dict[str, Any] = holder.api.get(f"/wallet/history/{holder.wallet_id}?limit=1").json[0]
    return row
