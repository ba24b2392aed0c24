"""Charges: a company takes money from a payer's wallet by its token."""

from decimal import Decimal

import pytest

from tests.factories import a_client, a_company, freeze
from tests.races import race

pytestmark = pytest.mark.usefixtures("books")


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
