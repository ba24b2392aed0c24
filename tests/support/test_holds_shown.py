"""Holds, groups, splits and fees in the admin: shown, found, and voided with a reason."""

import uuid
from decimal import Decimal

import pytest

from accounts.models import Action, SupportAction
from ledger.kinds import Kind
from ledger.models import Hold, Transaction
from tests.clock import Clock
from tests.commerce.test_holds import a_stay, available, change, hold, seen
from tests.factories import Holder, a_client, a_company, a_paytoken, an_operator, api_of
from tests.http_client import Reply
from tests.support.admin_session import TRANSACTIONS, WALLETS, AdminSession, Page
from tests.support.test_payments import find, rows, wallet_page
from wallets.models import PayToken

pytestmark = pytest.mark.usefixtures("books")

HOLDS = "/admin/ledger/hold/"
NEITHER_TIME = slice(1, 6)


def hold_page(admin: AdminSession, held: Reply) -> Page:
    return admin.get(f"{HOLDS}{held.json['hold']}/change/")


def transaction_page(admin: AdminSession, transaction: Transaction) -> Page:
    return admin.get(f"{TRANSACTIONS}{transaction.pk}/change/")


def void(admin: AdminSession, held: Reply, **fields: str) -> Page:
    return admin.post(f"{HOLDS}{held.json['hold']}/void/", **fields)


def set_fee(company: Holder) -> None:
    fee = api_of(an_operator()).call("PUT", f"/company/{company.user.pk}/fee", b'{"fixed": "0.30"}')
    assert fee.status == 200, fee.json


def test_payer_and_company_both_have_the_hold_on_their_pages(admin: AdminSession) -> None:
    guest, hotel, held = a_stay()
    assert change(hotel, held, "capture", amount="15.00", final=False).status == 200

    pages = [wallet_page(admin, each) for each in (guest, hotel)]

    for page in pages:
        [row] = rows(page, "Holds")
        emails = [guest.user.email, hotel.user.email]
        assert row[NEITHER_TIME] == [*emails, "40.00 USD", "15.00 USD", "25.00 USD"]
        assert row[-1] == "active"
        assert f"{HOLDS}{held.json['hold']}/change/" in page.response.content.decode()


def test_a_hold_whose_time_is_over_holds_nothing(admin: AdminSession, clock: Clock) -> None:
    guest, _, held = a_stay(expires_in=3_600)
    clock.move(3_600)

    page, own = wallet_page(admin, guest), hold_page(admin, held)

    [row] = rows(page, "Holds")
    assert (row[5], row[-1]) == ("0.00 USD", "expired")
    assert "Void this hold" not in own.text
    assert "expired" in own.text


def test_a_hold_is_found_by_its_id(admin: AdminSession) -> None:
    guest, hotel, held = a_stay()
    assert change(hotel, held, "capture", amount="15.00").status == 200

    page = find(admin, held.json["hold"])

    assert f"Everything around hold {held.json['hold']}" in page.text
    assert rows(page, "Holds")[0][-1] == "captured"
    assert {row[0] for row in rows(page, "People")} == {guest.user.email, hotel.user.email}
    kinds = [row[1].split(":")[0] for row in rows(page, "Transactions")]
    assert sorted(kinds) == [Kind.CAPTURE, Kind.HOLD, Kind.RELEASE]


def test_the_page_of_a_hold_has_what_it_did_and_what_failed(admin: AdminSession) -> None:
    guest, hotel, held = a_stay()
    assert change(hotel, held, "increment", amount="500.00").code == "insufficient_funds"

    page = hold_page(admin, held)

    outcomes = [row[-1] for row in rows(page, "Transactions")]
    assert sorted(outcomes) == ["completed", "insufficient_funds"]
    for expected in (guest.user.email, hotel.user.email, "Room 12", "40.00 USD", "active"):
        assert expected in page.text
    viewed = SupportAction.objects.get(action=Action.VIEW)
    assert (viewed.subject_kind, viewed.subject_id) == ("hold", held.json["hold"])


def test_there_is_no_page_of_a_hold_that_is_none(admin: AdminSession) -> None:
    for page in (f"{HOLDS}{uuid.uuid4()}/void/", f"{HOLDS}nothing/void/"):
        assert admin.get(page).status == 404
    assert "Nothing found" in find(admin, uuid.uuid4()).text
    assert admin.post(HOLDS).response.redirect_chain[0][0] == "/admin/find/"


def test_support_voids_a_hold_with_a_reason(admin: AdminSession) -> None:
    guest, hotel, held = a_stay()
    assert change(hotel, held, "capture", amount="15.00", final=False).status == 200

    page = void(admin, held, reason="The hotel has closed.")

    assert "The hold is voided." in page.text
    assert seen(hotel, held).json["status"] == "voided"
    assert available(guest) == (Decimal("85.00"), Decimal("85.00"))
    action = SupportAction.objects.get(action=Action.HOLD_VOIDED)
    assert (action.reason, action.subject_id, action.result, action.address) == (
        "The hotel has closed.",
        str(guest.wallet_id),
        f"hold {held.json['hold']}",
        "127.0.0.1",
    )


@pytest.mark.parametrize("reason", ["", "   "])
def test_without_a_reason_nothing_is_voided(admin: AdminSession, reason: str) -> None:
    guest, _, held = a_stay()

    page = void(admin, held, reason=reason)

    assert page.errors("reason") == ["This field is required."]
    assert "40.00 USD of" in page.text
    assert Hold.objects.get().status == "active"
    assert available(guest) == (Decimal("100.00"), Decimal("60.00"))
    assert not SupportAction.objects.filter(action=Action.HOLD_VOIDED).exists()


def test_what_has_ended_is_not_voided(admin: AdminSession) -> None:
    guest, hotel, held = a_stay()
    assert change(hotel, held, "capture").status == 200

    page = void(admin, held, reason="Too late.")

    assert "The hold is voided." not in page.text
    assert seen(hotel, held).json["status"] == "captured"
    assert available(guest) == (Decimal("60.00"), Decimal("60.00"))
    assert not SupportAction.objects.filter(action=Action.HOLD_VOIDED).exists()


def test_a_transaction_shows_its_hold_its_fee_and_its_group(admin: AdminSession) -> None:
    _, hotel, held = a_stay()
    set_fee(hotel)
    cleaner = a_client()
    splits = [{"wallet": str(cleaner.wallet_id), "amount": "5.00"}]
    assert change(hotel, held, "capture", splits=splits).status == 200
    capture = Transaction.objects.get(kind=Kind.CAPTURE)
    split = Transaction.objects.get(kind=Kind.SPLIT)

    page, of_split = transaction_page(admin, capture), transaction_page(admin, split)

    assert f"{HOLDS}{held.json['hold']}/change/" in page.response.content.decode()
    assert "0.30 USD" in page.text
    title = "Together with it, all or none"
    kinds = {row[1].split(":")[0] for row in rows(page, title)}
    assert kinds == {Kind.FEE, Kind.SPLIT}
    assert f"{TRANSACTIONS}{capture.pk}/change/" in of_split.response.content.decode()
    assert len(rows(of_split, title)) == 2
    assert len(rows(find(admin, capture.pk), "Holds")) == 1


def test_a_transaction_alone_has_no_group(admin: AdminSession) -> None:
    a_client(holds="1.00")

    page = transaction_page(admin, Transaction.objects.get())

    assert page.response.context["tables"] == []
    assert "Nobody pays" not in page.text


def test_a_payment_request_has_its_splits_and_its_fee(admin: AdminSession) -> None:
    payer, company, waiter = a_client(holds="100.00"), a_company(), a_client()
    set_fee(company)
    asked = company.api.post(
        "/payment-requests",
        {
            "summary": "Table 7",
            "amount": "38.50",
            "splits": [{"wallet": str(waiter.wallet_id), "amount": "3.50"}],
        },
    ).json
    open_page = find(admin, asked["id"])
    pay = payer.api.post(f"/payment-requests/{asked['id']}/pay", {"wallet": str(payer.wallet_id)})
    assert pay.status == 200, pay.json

    paid_page = find(admin, asked["id"])

    split = ["Table 7", "split", "3.50 USD", waiter.user.email]
    assert rows(open_page, "Splits and fees") == [split]
    assert rows(paid_page, "Splits and fees") == [
        split,
        ["Table 7", "fee", "0.30 USD", "SYSTEM:fees"],
    ]
    assert f"{WALLETS}{waiter.wallet_id}/change/" in paid_page.response.content.decode()


def test_a_hold_outlives_its_pay_token(admin: AdminSession, clock: Clock) -> None:
    guest, hotel = a_client(holds="100.00"), a_company()
    held = hold(hotel, "40.00", paytoken=a_paytoken(guest))
    paytoken = PayToken.objects.get()
    before = hold_page(admin, held)
    clock.move(3 * 86_400)
    PayToken.objects.all().delete()
    clock.move(0)

    after = hold_page(admin, held)

    assert f"/admin/find/paytoken/{paytoken.pk}" in before.response.content.decode()
    assert f"{paytoken.pk}, which is deleted by now" in after.text
