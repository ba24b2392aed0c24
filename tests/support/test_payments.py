"""Approvals, pay tokens and payment requests in the admin: shown, found, and without secrets."""

import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from accounts.models import SupportAction
from ledger.models import Transaction
from support import payment_records, related_records
from tests.clock import Clock
from tests.factories import Holder, a_client, a_company, charge
from tests.support.admin_session import CUSTOMERS, TRANSACTIONS, WALLETS, AdminSession, Page
from wallets.models import Approval, PayToken

pytestmark = pytest.mark.usefixtures("books")

FIND = "/admin/find/"


@dataclass(frozen=True)
class Payer:
    """A client whose wallet a company may charge, with a pay token and a paid request."""

    holder: Holder
    company: Holder
    approval: str
    paytoken: dict[str, Any]
    asked: dict[str, Any]


@pytest.fixture
def payer(books: None) -> Payer:
    holder, company = a_client(holds="100.00"), a_company()
    wallet = {"wallet": str(holder.wallet_id)}
    company_id = str(company.user.pk)
    approval = holder.api.post(
        "/wallet/approvals",
        {**wallet, "company": company_id, "max_amount": "50.00", "max_per_day": "200"},
    )
    paytoken = holder.api.post(
        "/paytokens", {**wallet, "company": company_id, "max_amount": "20", "uses": 3}
    )
    asked = company.api.post(
        "/payment-requests", {"summary": "Table 7", "amount": "38.50", "tips": True}
    )
    assert charge(company, "4.50", paytoken=paytoken.json["paytoken"]).status == 200
    pay = f"/payment-requests/{asked.json['id']}/pay"
    assert holder.api.post(pay, {**wallet, "tip": "4.00"}).status == 200
    return Payer(holder, company, approval.json["approval"], paytoken.json, asked.json)


def wallet_page(admin: AdminSession, holder: Holder) -> Page:
    return admin.get(f"{WALLETS}{holder.wallet_id}/change/")


def find(admin: AdminSession, query: object) -> Page:
    return admin.post(FIND, query=str(query))


def rows(page: Page, title: str) -> list[list[str]]:
    """Return the texts of a table's cells."""
    tables = {table.title: table.rows for table in page.response.context["tables"]}
    return [[strip(cell) for cell in row] for row in tables.get(title, [])]


def strip(cell: object) -> str:
    return Page(_Text(str(cell))).text


@dataclass(frozen=True)
class _Text:
    html: str
    status_code: int = 200

    @property
    def content(self) -> bytes:
        return self.html.encode()


def test_the_page_of_a_wallet_shows_who_may_charge_it(admin: AdminSession, payer: Payer) -> None:
    wallet = payer.holder.wallet
    payer.holder.api.call(
        "PATCH", f"/wallet/info/{wallet.pk}", b'{"charges": "approved", "label": "Household"}'
    )

    page = wallet_page(admin, payer.holder)

    for expected in (str(wallet.address), "Household", "companies that the owner approved"):
        assert expected in page.text
    [approval], [paytoken] = rows(page, "Approvals"), rows(page, "Pay tokens")
    assert approval[1:] == ["Corner Shop", "50.00 USD", "200.00 USD", "never", "active"]
    assert (paytoken[1:4], paytoken[5]) == (["Corner Shop", "20.00 USD", "2 of 3"], "usable")
    assert f"{CUSTOMERS}{payer.company.user.pk}/change/" in page.response.content.decode()


def test_payer_and_payee_both_have_the_request_on_their_pages(
    admin: AdminSession, payer: Payer
) -> None:
    paid, asked = wallet_page(admin, payer.holder), wallet_page(admin, payer.company)

    transaction = Transaction.objects.get(payment_request_id=payer.asked["id"])
    assert [row[1:5] for row in rows(paid, "Paid requests")] == [
        [payer.company.user.email, "42.50 USD (tip 4.00)", "Table 7", "paid"]
    ]
    [row] = rows(asked, "Payment requests")
    assert (row[1:4], row[5]) == (
        ["42.50 USD (tip 4.00)", "Table 7", "paid"],
        payer.holder.user.email,
    )
    assert rows(paid, "Payment requests") == rows(asked, "Paid requests") == []
    for page in (paid, asked):
        assert f"{TRANSACTIONS}{transaction.pk}/change/" in page.response.content.decode()


def test_a_refund_does_not_make_the_payee_one_who_paid(admin: AdminSession, payer: Payer) -> None:
    paid = Transaction.objects.get(payment_request_id=payer.asked["id"])
    for amount in (1, 2):
        refund = {"transaction": str(paid.pk), "amount": amount}
        assert payer.company.api.post("/wallet/refund", refund).status == 200

    assert rows(wallet_page(admin, payer.company), "Paid requests") == []
    assert len(rows(wallet_page(admin, payer.holder), "Paid requests")) == 1


def test_states_follow_the_clock_of_the_database(
    admin: AdminSession, payer: Payer, clock: Clock
) -> None:
    holder, wallet = payer.holder, {"wallet": str(payer.holder.wallet_id)}
    used = holder.api.post("/paytokens", wallet).json
    revoked = holder.api.post("/paytokens", wallet).json
    assert charge(payer.company, "1.00", paytoken=used["paytoken"]).status == 200
    holder.api.call("DELETE", f"/paytokens/{revoked['id']}")
    company = {**wallet, "company": str(payer.company.user.pk)}
    holder.api.post("/wallet/approvals", {**company, "expires_in": 60})
    for summary in ("Rent", "Books"):
        asked = holder.api.post("/payment-requests", {"summary": summary}).json
    holder.api.post(f"/payment-requests/{asked['id']}/cancel", {})

    def states() -> list[list[str]]:
        page = wallet_page(admin, holder)
        approvals, paytokens = rows(page, "Approvals"), rows(page, "Pay tokens")
        return [
            [row[-1] for row in approvals],
            [row[-1] for row in paytokens],
            [row[3] for row in rows(page, "Payment requests")],
        ]

    before = states()
    clock.move(24 * 3600)

    newest_first = [["active", "ended"], ["revoked", "used", "usable"], ["cancelled", "open"]]
    assert before == newest_first
    assert states() == [
        ["expired", "ended"],
        ["revoked", "used", "expired"],
        ["cancelled", "expired"],
    ]


def test_a_page_shows_the_newest_of_each(
    admin: AdminSession, payer: Payer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payment_records, "ROWS_SHOWN", 2)
    wallet = {"wallet": str(payer.holder.wallet_id)}
    made = [payer.holder.api.post("/paytokens", wallet).json["id"] for _ in range(3)]
    asked = [
        payer.company.api.post("/payment-requests", {"summary": f"No. {number}"}).json["summary"]
        for number in range(3)
    ]

    own, company = wallet_page(admin, payer.holder), wallet_page(admin, payer.company)

    found = [key for key in made if f"/paytoken/{key}" in own.response.content.decode()]
    assert (found, len(rows(own, "Pay tokens"))) == (made[1:], 2)
    assert [row[2] for row in rows(company, "Payment requests")] == asked[:0:-1]
    assert [row[3] for row in rows(find(admin, payer.company.user.email), "Payment requests")] == (
        asked[:0:-1]
    )


def test_a_system_wallet_has_no_names_to_pay_by(admin: AdminSession) -> None:
    a_client(holds="1.00")
    funding = Transaction.objects.latest("id").source_id

    page = admin.get(f"{WALLETS}{funding}/change/")

    assert page.status == 200
    assert "Address" not in page.text


@pytest.mark.parametrize("query_of", [str, lambda key: f" {str(key).upper()} "])
def test_a_wallet_is_found_by_its_address(admin: AdminSession, payer: Payer, query_of: Any) -> None:
    query = query_of(payer.holder.wallet.address)

    assert f"Everything around wallet {payer.holder.wallet_id}" in find(admin, query).text
    assert admin.get(WALLETS, q=query).ids == [str(payer.holder.wallet_id)]
    assert len(admin.get(TRANSACTIONS, q=query).ids) == 3


def test_a_payment_request_is_found_by_its_id(admin: AdminSession, payer: Payer) -> None:
    transaction = Transaction.objects.get(payment_request_id=payer.asked["id"])

    page = find(admin, payer.asked["id"])

    assert f"Everything around payment request {payer.asked['id']}" in page.text
    for expected in (payer.company.user.email, payer.holder.user.email, "Corner Shop", "Table 7"):
        assert expected in page.text
    assert str(payer.holder.wallet_id) in page.text
    assert f"{TRANSACTIONS}{transaction.pk}/change/" in page.response.content.decode()
    assert len(rows(page, "Transactions")) == len(rows(page, "Payment requests")) == 1


def test_an_attempt_that_failed_is_beside_the_request(
    admin: AdminSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    poor, company = a_client(), a_company()
    asked = company.api.post("/payment-requests", {"summary": "Tea", "amount": "3"}).json
    pay = f"/payment-requests/{asked['id']}/pay"
    assert poor.api.post(pay, {"wallet": str(poor.wallet_id)}).code == "insufficient_funds"

    near = find(admin, asked["id"])
    charge(company, "1.00", wallet=poor.wallet_id)
    monkeypatch.setattr(related_records, "TRANSACTIONS_SCANNED", 1)
    monkeypatch.setattr("support.transaction_search.TRANSACTIONS_SCANNED", 1)
    far = find(admin, asked["id"])

    assert [row[-1] for row in rows(near, "Transactions")] == ["insufficient_funds"]
    assert poor.user.email in near.text
    assert rows(near, "Payment requests")[0][4] == "open"
    assert rows(far, "Transactions") == []
    assert "Only the newest 1 transactions of its lifetime were searched." in far.text


def test_a_pay_token_is_found_by_its_id(admin: AdminSession, payer: Payer) -> None:
    page = find(admin, payer.paytoken["id"])

    assert f"Everything around pay token {payer.paytoken['id']}" in page.text
    assert [row[2] for row in rows(page, "Transactions")] == ["4.50 USD"]
    [row] = rows(page, "Pay tokens")
    assert (row[1], row[2], row[4]) == (str(payer.holder.wallet_id), "Corner Shop", "2 of 3")
    assert payer.holder.user.email in page.text


def test_an_approval_is_found_by_its_id(admin: AdminSession, payer: Payer) -> None:
    page = find(admin, payer.approval)

    assert f"Everything around approval {payer.approval}" in page.text
    assert rows(page, "Approvals")[0][1:3] == [str(payer.holder.wallet_id), "Corner Shop"]
    assert {row[0] for row in rows(page, "People")} == {
        payer.holder.user.email,
        payer.company.user.email,
    }


def test_people_find_what_they_gave_and_what_they_have(admin: AdminSession, payer: Payer) -> None:
    by_payer, by_company = (
        find(admin, holder.user.email) for holder in (payer.holder, payer.company)
    )

    for page in (by_payer, by_company):
        assert len(rows(page, "Approvals")) == 1
    assert len(rows(by_payer, "Pay tokens")) == len(rows(by_payer, "Paid requests")) == 1
    assert len(rows(by_company, "Payment requests")) == 1
    assert rows(by_company, "Pay tokens") == []


def test_a_transaction_shows_how_it_was_paid(admin: AdminSession, payer: Payer) -> None:
    by_token = charge(payer.company, "1.00", wallet=payer.holder.wallet_id).json["transaction"]
    by_paytoken = Transaction.objects.get(paytoken_id=payer.paytoken["id"])
    by_request = Transaction.objects.get(payment_request_id=payer.asked["id"])

    pages = [
        admin.get(f"{TRANSACTIONS}{key}/change/")
        for key in (by_token, by_paytoken.pk, by_request.pk)
    ]

    assert "The wallet's token" in pages[0].text
    assert f"{FIND}paytoken/{payer.paytoken['id']}" in pages[1].response.content.decode()
    assert f"{FIND}payment_request/{payer.asked['id']}" in pages[2].response.content.decode()
    assert len(rows(find(admin, by_paytoken.pk), "Pay tokens")) == 1
    assert len(rows(find(admin, by_request.pk), "Payment requests")) == 1


def test_a_transaction_outlives_its_pay_token(
    admin: AdminSession, payer: Payer, clock: Clock
) -> None:
    transaction = Transaction.objects.get(paytoken_id=payer.paytoken["id"])
    clock.move(3 * 86_400)
    PayToken.objects.all().delete()
    clock.move(0)

    page = admin.get(f"{TRANSACTIONS}{transaction.pk}/change/")

    assert f"Pay token {payer.paytoken['id']}, which is deleted by now" in page.text
    assert "Nothing found" in admin.get(f"{FIND}paytoken/{payer.paytoken['id']}").text
    assert rows(find(admin, transaction.pk), "Pay tokens") == []


@pytest.mark.parametrize("text", ["{}", " {} ", '"paytoken": "{}"', "Pay token {}."])
def test_what_a_payer_shows_is_neither_searched_for_nor_stored(
    admin: AdminSession, payer: Payer, text: str
) -> None:
    secret = payer.paytoken["paytoken"]

    page = find(admin, text.format(secret))

    assert "it was not looked up, and not kept" in page.text
    assert secret not in page.response.content.decode()
    assert not SupportAction.objects.exists()


def test_a_key_that_looks_a_little_like_a_pay_token_is_searched_for(admin: AdminSession) -> None:
    for key in ("pt_1017", f"receipt_{uuid.uuid4()}-{uuid.uuid4()}"):
        assert "Nothing found" in find(admin, key).text


def test_no_page_holds_a_secret_or_a_digest(admin: AdminSession, payer: Payer) -> None:
    row = PayToken.objects.get()
    secret = payer.paytoken["paytoken"]
    hidden = [secret, secret[3:], bytes(row.digest).hex(), bytes(row.salt).hex()]
    transaction = Transaction.objects.get(paytoken_id=row.pk)
    approval = Approval.objects.get()
    pages = [
        wallet_page(admin, payer.holder),
        admin.get(f"{TRANSACTIONS}{transaction.pk}/change/"),
        admin.get(f"{CUSTOMERS}{payer.holder.user.pk}/change/"),
        *(
            find(admin, query)
            for query in (row.pk, approval.pk, payer.holder.user.email, transaction.request_id)
        ),
    ]

    for page in pages:
        assert page.status == 200
        content = page.response.content.decode()
        assert [text for text in hidden if text in content] == []
