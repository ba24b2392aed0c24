"""Who leaves takes along what could bring money in or out: approvals, pay tokens, requests."""

import pytest

from commerce.models import PaymentRequest
from tests.clock import Clock
from tests.factories import Holder, a_client, a_company, a_paytoken, charge
from tests.http_client import Api
from wallets.models import Approval, PayToken

pytestmark = pytest.mark.usefixtures("books")


def leave(holder: Holder) -> None:
    assert holder.api.call("DELETE", f"/customer/{holder.user.pk}").status == 204


def approve(payer: Holder, company: Holder) -> None:
    body = {"wallet": str(payer.wallet_id), "company": str(company.user.pk)}
    assert payer.api.post("/wallet/approvals", body).status == 201


def test_pay_tokens_are_revoked() -> None:
    payer, company = a_client(), a_company()
    paytoken = a_paytoken(payer)

    leave(payer)

    assert charge(company, 1, paytoken=paytoken).status == 404
    assert PayToken.objects.get().revoked_at is not None


def test_approvals_end_on_either_side() -> None:
    payer, other_payer, company, other_company = a_client(), a_client(), a_company(), a_company()
    for each in (payer, other_payer):
        approve(each, company)
    approve(payer, other_company)

    leave(payer)

    assert [row["wallet"] for row in company.api.get("/wallet/approvals").json] == [
        str(other_payer.wallet.address)
    ]
    leave(company)
    assert other_payer.api.get("/wallet/approvals").json == []
    assert Approval.objects.filter(ended_at=None).count() == 0


def test_what_is_left_for_a_company_that_left_is_not_shown() -> None:
    # Given an approval that a process of 0.2.0 left when it deleted the company, and a pay token
    payer, company = a_client(), a_company()
    approve(payer, company)
    a_paytoken(payer, company=str(company.user.pk))
    for_any = a_paytoken(payer)
    leave(company)
    assert Approval.objects.filter(ended_at__isnull=False).count() == 1
    [ended] = Approval.objects.all()
    Approval.objects.create(wallet_id=ended.wallet_id, company_id=ended.company_id)

    approvals, paytokens = payer.api.get("/wallet/approvals"), payer.api.get("/paytokens")

    assert (approvals.status, approvals.json) == (200, [])
    assert (paytokens.status, [row["company"] for row in paytokens.json]) == (200, [None])
    assert for_any


def test_open_requests_are_cancelled_and_expired_ones_stay_expired(clock: Clock) -> None:
    shop, payer = a_company(), a_client(holds="100.00")
    body = {"summary": "Tea", "amount": 5}
    expired = shop.api.post("/payment-requests", {**body, "expires_in": 60}).json["id"]
    asked = shop.api.post("/payment-requests", body).json["id"]
    clock.move(61)

    leave(shop)

    path = f"/payment-requests/{asked}"
    paid = payer.api.post(f"{path}/pay", {"wallet": str(payer.wallet_id)})
    assert (paid.code, payer.balance_minor) == ("payment_request_cancelled", 10_000)
    seen = Api().get(path).json
    assert (seen["status"], seen["payee"]["name"]) == ("cancelled", "")
    assert Api().get(f"/payment-requests/{expired}").json["status"] == "expired"
    assert PaymentRequest.objects.filter(status="cancelled").count() == 1
