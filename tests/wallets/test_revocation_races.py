"""Revoked while companies charge: what begins after the answer does not succeed."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ledger.models import Transaction
from tests.factories import Holder, a_client, a_company, charge, set_charges
from tests.http_client import Reply
from tests.races import TIMEOUT_SECONDS, race

pytestmark = pytest.mark.usefixtures("books")

EARLY, LATE = 10, 10


@dataclass(frozen=True)
class Revoked:
    """A payer, a company, how it charges one unit, and how the payer revokes that."""

    payer: Holder
    company: Holder
    pay: Callable[[], Reply]
    revoke: Callable[[], Reply]
    revoked_status: int
    refused_status: int


def a_paytoken_to_revoke() -> Revoked:
    payer, company = a_client(holds="100.00"), a_company()
    made = payer.api.post("/paytokens", {"wallet": str(payer.wallet_id), "uses": 100}).json
    return Revoked(
        payer,
        company,
        lambda: charge(company, 1, paytoken=made["paytoken"]),
        lambda: payer.api.call("DELETE", f"/paytokens/{made['id']}"),
        204,
        404,
    )


def an_approval_to_revoke() -> Revoked:
    payer, company = a_client(holds="100.00"), a_company()
    set_charges(payer, "approved")
    body = {"wallet": str(payer.wallet_id), "company": str(company.user.pk)}
    approval = payer.api.post("/wallet/approvals", body).json["approval"]
    return Revoked(
        payer,
        company,
        lambda: charge(company, 1, wallet=payer.wallet_id),
        lambda: payer.api.call("DELETE", f"/wallet/approvals/{approval}"),
        204,
        403,
    )


def an_open_wallet_to_shut() -> Revoked:
    payer, company = a_client(holds="100.00"), a_company()
    path = f"/wallet/info/{payer.wallet_id}"
    return Revoked(
        payer,
        company,
        lambda: charge(company, 1, wallet=payer.wallet_id),
        lambda: payer.api.call("PATCH", path, b'{"charges": "paytoken"}'),
        200,
        403,
    )


@pytest.mark.parametrize(
    "given", [a_paytoken_to_revoke, an_approval_to_revoke, an_open_wallet_to_shut]
)
def test_what_begins_after_the_answer_is_refused(given: Callable[[], Revoked]) -> None:
    case = given()
    answered = threading.Event()

    def call(number: int) -> Reply:
        if number == 0:
            reply = case.revoke()
            answered.set()
            return reply
        if number > EARLY:
            assert answered.wait(TIMEOUT_SECONDS)
        return case.pay()

    revocation, *charges = race(1 + EARLY + LATE, call)

    assert revocation.status == case.revoked_status
    early, late = charges[:EARLY], charges[EARLY:]
    assert [each.status for each in late] == [case.refused_status] * LATE
    assert {each.status for each in early} <= {200, case.refused_status}
    paid = sum(each.status == 200 for each in early)
    assert (case.payer.balance_minor, case.company.balance_minor) == (
        10_000 - 100 * paid, 100 * paid,
    )  # fmt: skip
    assert Transaction.objects.filter(kind="charge").count() == paid
