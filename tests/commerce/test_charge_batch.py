"""`/wallet/charges`: a merchant's many charges as one batch, each for itself."""

import uuid
from typing import Any

import pytest

from ledger.models import Transaction
from tests.factories import Holder, a_client, a_company, freeze

pytestmark = pytest.mark.usefixtures("books")


def item(wallet_id: object, amount: Any, **more: Any) -> dict[str, Any]:
    return {"wallet": str(wallet_id), "amount": amount, "summary": "May", **more}


def test_each_charge_has_its_own_result() -> None:
    rich, poor, frozen, company = (
        a_client(holds="100.00"), a_client(holds="1.00"), a_client(holds="9.00"), a_company(),
    )  # fmt: skip
    freeze(frozen)
    euros = rich.api.post("/wallets", {"currency": "EUR"}).json["id"]
    items = [
        item(rich.wallet_id, "60", reference="a"),
        item(poor.wallet_id, 2, reference="b"),
        item(frozen.wallet_id, 1),
        item(uuid.uuid4(), 1),
        item(company.wallet_id, 1),
        item(euros, 1),
        item(rich.wallet_id, 0),
        item(rich.wallet_id, "1.001"),
        item(rich.wallet_id, 60),
        item(rich.wallet_id, 40, reference="last"),
    ]

    reply = company.api.post("/wallet/charges", {"charges": items})

    assert reply.status == 200
    assert [row["code"] for row in reply.json["results"]] == [
        None, "insufficient_funds", "wallet_not_active", "not_found", "same_wallet",
        "currency_mismatch", "amount_not_positive", "validation_error", "insufficient_funds", None,
    ]  # fmt: skip
    assert reply.json["results"][7]["message"] == "amount: At most 2 decimals."
    assert [row["success"] for row in reply.json["results"]].count(True) == 2
    assert [row["reference"] for row in reply.json["results"]][::9] == ["a", "last"]
    tried = [row for row in reply.json["results"] if row["transaction"]]
    assert len(tried) == Transaction.objects.filter(kind="charge").count() == 5
    assert reply.json["balance"] == 100
    assert (rich.balance_minor, poor.balance_minor, company.balance_minor) == (0, 100, 10_000)


def test_a_batch_under_one_key_moves_money_once() -> None:
    payer, company = a_client(holds="10.00"), a_company()
    body = {"charges": [item(payer.wallet_id, 1)] * 3}

    first = company.api.post("/wallet/charges", body, key="may")
    repeat = company.api.post("/wallet/charges", body, key="may")

    assert (first.status, repeat.raw) == (200, first.raw)
    assert payer.balance_minor == 700


def refused(company: Holder, payer: Holder) -> list[tuple[Any, int, str]]:
    good = item(payer.wallet_id, 1)
    return [
        ({"charges": []}, 422, "validation_error"),
        ({"charges": [good] * 1_001}, 422, "validation_error"),
        ({"charges": good}, 422, "validation_error"),
        ({}, 422, "validation_error"),
        ({"charges": [good, {**good, "amount": "x"}]}, 422, "validation_error"),
        ({"charges": [good, {**good, "colour": "red"}]}, 422, "validation_error"),
        ({"charges": [good, 7]}, 422, "validation_error"),
    ]


def test_a_malformed_batch_is_refused_whole() -> None:
    payer, company = a_client(holds="10.00"), a_company()
    table = refused(company, payer)

    replies = [company.api.post("/wallet/charges", body) for body, _, _ in table]

    assert [(reply.status, reply.code) for reply in replies] == [row[1:] for row in table]
    assert "charges[1].amount" in replies[4].json["details"]
    assert (payer.balance_minor, Transaction.objects.filter(kind="charge").count()) == (1000, 0)


def test_only_companies_with_a_wallet_charge() -> None:
    payer = a_client(holds="10.00")

    reply = payer.api.post("/wallet/charges", {"charges": [item(payer.wallet_id, 1)]})

    assert (reply.status, reply.code) == (403, "permission_denied")


def test_a_thousand_charges_in_one_call() -> None:
    payer, company = a_client(holds="999.00"), a_company()

    reply = company.api.post("/wallet/charges", {"charges": [item(payer.wallet_id, 1)] * 1_000})

    assert [row["success"] for row in reply.json["results"]] == [True] * 999 + [False]
    assert (payer.balance_minor, company.balance_minor) == (0, 99_900)


def test_too_many_charges_are_counted_before_they_are_looked_at() -> None:
    company = a_company()

    reply = company.api.post("/wallet/charges", {"charges": [1] * 1_001})

    assert (reply.status, reply.code) == (422, "validation_error")
    assert reply.json["details"] == {"charges": ["From 1 to 1000 charges."]}
    assert not Transaction.objects.exists()
