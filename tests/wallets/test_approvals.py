"""Who may charge a wallet by its token: open, approved companies, or nobody."""

import uuid
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from pytest_django import Settings

from core.unit_of_work import unit_of_work
from ledger.models import Transaction
from tests.clock import Clock
from tests.factories import Holder, a_client, a_company, charge, freeze, set_charges
from tests.http_client import Reply
from tests.races import race
from wallets.models import Approval, PayToken, Status
from wallets.services import set_status

pytestmark = pytest.mark.usefixtures("books")


def approve(payer: Holder, company: Holder, **fields: Any) -> Reply:
    body = {"wallet": str(payer.wallet_id), "company": str(company.user.pk), **fields}
    return payer.api.post("/wallet/approvals", body)


def an_approved_pair(**fields: Any) -> tuple[Holder, Holder]:
    """Return a payer whose wallet takes approved companies only, and one that is approved."""
    payer, company = a_client(holds="100.00"), a_company()
    set_charges(payer, "approved")
    assert approve(payer, company, **fields).status == 201
    return payer, company


def charges_on_record() -> int:
    return Transaction.objects.filter(kind="charge").count()


@pytest.mark.parametrize("policy", ["approved", "paytoken"])
def test_a_company_that_is_not_approved_learns_nothing_and_leaves_nothing(policy: str) -> None:
    payer, company = a_client(holds="100.00"), a_company()
    set_charges(payer, policy)

    refused = charge(company, 1_000, wallet=payer.wallet_id)
    batch = company.api.post(
        "/wallet/charges",
        {"charges": [{"wallet": str(payer.wallet_id), "amount": 1, "summary": "Tea"}]},
    )

    assert (refused.status, refused.code, refused.json["details"]) == (
        403, "charge_not_approved", {},
    )  # fmt: skip
    [row] = batch.json["results"]
    assert (row["code"], row["transaction"]) == ("charge_not_approved", None)
    assert (payer.balance_minor, company.balance_minor, charges_on_record()) == (10_000, 0, 0)


def test_only_the_approved_company_charges() -> None:
    payer, company = an_approved_pair()
    other = a_company()

    assert charge(company, 10, wallet=payer.wallet_id).status == 200
    assert charge(other, 10, wallet=payer.wallet_id).code == "charge_not_approved"
    set_charges(payer, "paytoken")
    assert charge(company, 10, wallet=payer.wallet_id).code == "charge_not_approved"
    set_charges(payer, "open")
    assert charge(other, 10, wallet=payer.wallet_id).status == 200
    assert (payer.balance_minor, charges_on_record()) == (8_000, 2)


def test_an_approval_has_a_most_for_one_charge_and_for_a_day(clock: Clock) -> None:
    payer, company = an_approved_pair(max_amount="30.00", max_per_day="50.00")

    above = charge(company, "30.01", wallet=payer.wallet_id)
    first = charge(company, "30.00", wallet=payer.wallet_id)
    back = company.api.post("/wallet/refund", {"transaction": first.json["transaction"]})
    # Nothing gives back: neither a refund nor a new approval.
    assert approve(payer, company, max_per_day="50.00").status == 201
    above_day = charge(company, "20.01", wallet=payer.wallet_id)
    assert charge(company, "20.00", wallet=payer.wallet_id).status == 200
    full = charge(company, "0.01", wallet=payer.wallet_id)

    assert back.status == 200
    for refused in (above, above_day, full):
        assert (refused.status, refused.code, refused.json["details"]) == (
            403, "approval_exceeded", {},
        )  # fmt: skip
    assert (payer.balance_minor, charges_on_record()) == (8_000, 2)
    # The day slides.
    clock.move(24 * 3600 + 60)
    assert charge(company, "50.00", wallet=payer.wallet_id).status == 200


def test_the_items_of_a_batch_count_towards_the_day_together() -> None:
    payer, company = an_approved_pair(max_per_day="5.00")
    item = {"wallet": str(payer.wallet_id), "amount": 2, "summary": "Tea"}
    too_much = {**item, "amount": 1_000}

    reply = company.api.post(
        "/wallet/charges", {"charges": [item, too_much, item, item, {**item, "amount": 1}, item]}
    )

    assert [row["code"] for row in reply.json["results"]] == [
        None, "approval_exceeded", None, "approval_exceeded", None, "approval_exceeded",
    ]  # fmt: skip
    assert (payer.balance_minor, company.balance_minor) == (9_500, 500)


def test_at_once_a_day_s_most_is_kept() -> None:
    payer, company = an_approved_pair(max_per_day="5.00")

    replies = race(20, lambda _: charge(company, 1, wallet=payer.wallet_id))

    assert sorted(each.status for each in replies) == [200] * 5 + [403] * 15
    assert (payer.balance_minor, company.balance_minor) == (9_500, 500)


def test_pay_tokens_and_other_wallets_do_not_count(clock: Clock) -> None:
    payer, company = an_approved_pair(max_per_day="5.00")
    made = payer.api.post("/paytokens", {"wallet": str(payer.wallet_id)}).json

    assert charge(company, 50, paytoken=made["paytoken"]).status == 200
    assert charge(company, 5, wallet=payer.wallet_id).status == 200
    assert charge(company, 1, wallet=payer.wallet_id).code == "approval_exceeded"
    assert (payer.balance_minor, company.balance_minor) == (4_500, 5_500)


def test_an_approval_expires_by_the_database_s_clock(clock: Clock) -> None:
    payer, company = an_approved_pair(expires_in=60)
    assert charge(company, 1, wallet=payer.wallet_id).status == 200
    clock.move(61)

    refused = charge(company, 1, wallet=payer.wallet_id)

    assert (refused.status, refused.code) == (403, "charge_not_approved")
    assert payer.api.get("/wallet/approvals").json == []
    assert (payer.balance_minor, charges_on_record()) == (9_900, 1)


def test_a_later_approval_replaces_the_earlier_one() -> None:
    payer, company = a_client(holds="100.00"), a_company()
    first = approve(payer, company, max_amount=1).json
    second = approve(payer, company, max_amount=2, expires_in=3600).json

    assert payer.api.get("/wallet/approvals").json == [second]
    assert first["approval"] != second["approval"]
    assert (second["company_name"], second["max_amount"], second["max_per_day"]) == (
        "Corner Shop", 2, None,
    )  # fmt: skip
    gone = payer.api.call("DELETE", f"/wallet/approvals/{first['approval']}")
    assert (gone.status, Approval.objects.filter(ended_at=None).count()) == (404, 1)


def test_who_sees_an_approval() -> None:
    payer, company, stranger = a_client(), a_company(), a_client()
    made = approve(payer, company).json
    query = f"/wallet/approvals?wallet={payer.wallet_id}"

    [of_company] = company.api.get("/wallet/approvals").json

    # The company learns the address, which can only be paid into.
    assert of_company == {**made, "wallet": str(payer.wallet.address)}
    assert payer.api.get(query).json == [made]
    assert stranger.api.get("/wallet/approvals").json == []
    assert stranger.api.get(query).status == 404
    for other in (company, stranger):
        assert other.api.call("DELETE", f"/wallet/approvals/{made['approval']}").status == 404
    assert payer.api.call("DELETE", f"/wallet/approvals/{made['approval']}").status == 204
    assert payer.api.get(query).json == []


def test_a_list_has_pages() -> None:
    payer, companies = a_client(), [a_company() for _ in range(3)]
    made = [approve(payer, company).json for company in companies]

    first = payer.api.get("/wallet/approvals?limit=2")
    link = first.headers["Link"].split(">")[0].removeprefix("<http://testserver")
    second = payer.api.get(link)

    assert first.json + second.json == made[::-1]
    assert "Link" not in second.headers
    unknown = payer.api.get(f"/wallet/approvals?cursor={uuid.uuid4()}")
    assert (unknown.status, list(unknown.json["details"])) == (422, ["cursor"])


def test_wrong_approvals_are_refused() -> None:
    payer, stranger, company = a_client(), a_client(), a_company()
    good = {"wallet": str(payer.wallet_id), "company": str(company.user.pk)}
    refused = [
        ({**good, "wallet": str(stranger.wallet_id)}, 404),
        ({**good, "wallet": str(payer.wallet.address)}, 404),
        ({**good, "company": str(stranger.user.pk)}, 404),
        ({**good, "company": str(uuid.uuid4())}, 404),
        ({**good, "max_amount": 0}, 400),
        ({**good, "max_per_day": "1.001"}, 422),
        ({**good, "expires_in": 0}, 422),
        ({**good, "expires_in": 5 * 365 * 86_400 + 1}, 422),
        ({"wallet": good["wallet"]}, 422),
    ]

    for body, status in refused:
        assert payer.api.post("/wallet/approvals", body).status == status, body
    assert company.api.call("DELETE", f"/customer/{company.user.pk}").status == 204
    assert payer.api.post("/wallet/approvals", good).status == 404
    close = partial(
        set_status, payer.wallet_id, status=Status.CLOSED, reason="Test", actor=payer.user
    )
    unit_of_work(close)
    closed = {**good, "company": str(a_company().user.pk)}
    assert payer.api.post("/wallet/approvals", closed).code == "wallet_closed"
    assert Approval.objects.count() == 0


def test_new_wallets_get_what_the_setting_says(settings: Settings) -> None:
    settings.CHARGES = "paytoken"
    payer, company = a_client(holds="100.00"), a_company()

    assert payer.wallet.charges == "paytoken"
    assert charge(company, 1, wallet=payer.wallet_id).code == "charge_not_approved"
    assert (payer.balance_minor, charges_on_record()) == (10_000, 0)


def test_the_owner_changes_a_wallet() -> None:
    owner, stranger = a_client(), a_client()
    path = f"/wallet/info/{owner.wallet_id}"

    both = owner.api.call("PATCH", path, b'{"charges": "approved", "label": "Household \\u20ac"}')
    none = owner.api.call("PATCH", path, b"{}")
    wrong = [
        owner.api.call("PATCH", path, body)
        for body in (b'{"charges": "closed"}', b'{"label": 1}', b'{"status": "closed"}',
                     b'{"label": "%s"}' % (b"x" * 61))
    ]  # fmt: skip

    assert (both.status, both.json["charges"], both.json["label"]) == (
        200, "approved", "Household €",
    )  # fmt: skip
    assert none.json == both.json == owner.api.get(path).json
    assert [each.status for each in wrong] == [422] * 4
    assert stranger.api.call("PATCH", path, b'{"label": "mine"}').status == 404
    by_address = owner.api.call("PATCH", f"/wallet/info/{owner.wallet.address}", b"{}")
    assert by_address.status == 404
    assert owner.wallet.label == "Household €"


def test_the_owner_freezes_a_wallet_and_cannot_set_it_free() -> None:
    owner, stranger = a_client(holds="5.00"), a_client()
    body = {"wallet": str(owner.wallet_id), "reason": "I lost my phone"}

    not_theirs = stranger.api.post("/wallet/freeze", body)
    frozen = owner.api.post("/wallet/freeze", body)
    again = owner.api.post("/wallet/freeze", body)

    assert (not_theirs.status, frozen.status) == (404, 200)
    assert (frozen.json["status"], again.json) == ("frozen", frozen.json)
    [change] = owner.wallet.status_changes.all()
    assert (change.reason, change.actor) == ("I lost my phone", owner.user)
    withdrawal = owner.api.post("/wallet/withdraw", {"wallet": body["wallet"], "amount": 1})
    assert withdrawal.code == "wallet_not_active"
    assert owner.balance_minor == 500


def test_a_frozen_wallet_comes_before_the_policy() -> None:
    payer, company = a_client(holds="5.00"), a_company()
    set_charges(payer, "paytoken")
    freeze(payer)

    refused = charge(company, 1, wallet=payer.wallet_id)

    assert (refused.code, charges_on_record(), payer.balance_minor) == ("wallet_not_active", 1, 500)


def test_the_database_revives_nothing() -> None:
    payer, _ = an_approved_pair()
    made = payer.api.post("/paytokens", {"wallet": str(payer.wallet_id)}).json
    [approval] = payer.api.get("/wallet/approvals").json
    assert payer.api.call("DELETE", f"/paytokens/{made['id']}").status == 204
    assert payer.api.call("DELETE", f"/wallet/approvals/{approval['approval']}").status == 204

    with pytest.raises(IntegrityError, match="stays revoked"), transaction.atomic():
        PayToken.objects.update(revoked_at=None)
    with pytest.raises(IntegrityError, match="stays revoked"), transaction.atomic():
        Approval.objects.update(ended_at=None)


def test_a_day_s_sum_may_be_above_what_a_wallet_can_hold() -> None:
    # Given a company that charged and gave back 10^15 so often that the sum passes 2^63 minor units
    payer, company = a_client(), a_company()
    most, wallet = 10**15, str(payer.wallet_id)
    assert payer.api.post("/wallet/deposit", {"wallet": wallet, "amount": most}).status == 200
    for _ in range(94):
        paid = charge(company, most, wallet=wallet).json["transaction"]
        assert company.api.post("/wallet/refund", {"transaction": paid}).status == 200
    set_charges(payer, "approved")
    assert approve(payer, company, max_per_day=most).status == 201

    refused = charge(company, 1, wallet=wallet)

    assert (refused.status, refused.code) == (403, "approval_exceeded")
    assert (payer.balance_minor, company.balance_minor) == (most * 100, 0)


def test_a_policy_that_is_no_text_is_refused() -> None:
    owner = a_client()
    path = f"/wallet/info/{owner.wallet_id}"
    for sent in (b'"\\ud800"', b"1", b"null", b"true", b"[]", b"{}", b'"\\u0000"', b'"Open"'):
        reply = owner.api.call("PATCH", path, b'{"charges": %s}' % sent)
        assert (reply.status, list(reply.json["details"])) == (422, ["charges"]), sent
    assert owner.wallet.charges == "open"
