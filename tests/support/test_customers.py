"""Customers in the admin: found by email, id, phone number or name, and shown."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from accounts.models import SupportAction, User
from accounts.own_limits import set_limits
from core.unit_of_work import unit_of_work
from support.operator_admin import OperatorAdmin
from tests.factories import (
    ClientFactory,
    CompanyFactory,
    Holder,
    UserFactory,
    a_client,
    a_company,
    charge,
)
from tests.support.admin_session import CUSTOMERS, TRANSACTIONS, WALLETS, AdminSession
from wallets.models import Fee

pytestmark = pytest.mark.usefixtures("books")


@pytest.mark.parametrize(
    "query_of",
    [
        lambda user: user.email,
        lambda user: f" {user.email.upper()} ",
        lambda user: str(user.pk),
        lambda user: "+34600123123",
        lambda user: "+34 600 123 123",
        lambda user: "grace",
        lambda user: "Hop",
        lambda user: "hopper gra",
    ],
)
def test_a_client_is_found(admin: AdminSession, query_of: Callable[[User], str]) -> None:
    ClientFactory.create()
    grace = ClientFactory.create(
        first_name="Grace", last_name="Hopper", phone_number="+34600123123"
    ).user

    assert admin.get(CUSTOMERS, q=query_of(grace)).ids == [str(grace.pk)]


@pytest.mark.parametrize("name", ["Corner", "corner shop", "Ada"])
def test_a_company_is_found_by_its_name_and_its_person(admin: AdminSession, name: str) -> None:
    company = CompanyFactory.create().user

    assert admin.get(CUSTOMERS, q=name).ids == [str(company.pk)]


@pytest.mark.parametrize("query", ["nobody@example.com", "+34600999999", "Zzz", "%", "a_a"])
def test_unknown_customers_are_not_found(admin: AdminSession, query: str) -> None:
    ClientFactory.create()

    assert admin.get(CUSTOMERS, q=query).rows == []


def test_the_list_is_sorted_by_email_and_filtered_by_role(
    admin: AdminSession, operator: User
) -> None:
    company = CompanyFactory.create(user__email="a@example.com").user
    client = ClientFactory.create(user__email="b@example.com").user

    assert admin.get(CUSTOMERS).rows[:2] == [company, client]
    assert admin.get(CUSTOMERS, role="operator").rows == [operator]
    assert "company" in admin.get(CUSTOMERS, role="company").text


def test_the_list_has_pages(admin: AdminSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OperatorAdmin, "list_per_page", 2)
    emails = [UserFactory.create(email=f"{name}@a.example").email for name in "abc"]

    first = admin.get(CUSTOMERS)
    second = admin.get(f"{CUSTOMERS}{first.next_url}")

    assert [user.email for user in first.rows] == emails[:2]
    assert second.rows[0].email == emails[2]
    assert second.next_url is None


def test_the_page_of_a_company_shows_its_profile_and_links(admin: AdminSession) -> None:
    company = CompanyFactory.create()

    page = admin.get(f"{CUSTOMERS}{company.pk}/change/")

    for expected in ("Corner Shop", "https://shop.example.com", "Ada Lovelace", "+34666666666"):
        assert expected in page.text
    links = page.response.content.decode()
    assert f"{WALLETS}?q={company.pk}" in links
    assert f"{TRANSACTIONS}?q={company.pk}" in links


def test_the_page_of_a_company_without_a_website(admin: AdminSession) -> None:
    company = CompanyFactory.create(url=None)

    page = admin.get(f"{CUSTOMERS}{company.pk}/change/")

    assert (page.status, "URL none" in page.text) == (200, True)


@pytest.mark.parametrize("typed", ["ada@b\u00fccher.example", "ADA@xn--bcher-kva.example"])
def test_any_spelling_of_an_address_finds_its_account(admin: AdminSession, typed: str) -> None:
    user = UserFactory.create(email="ada@xn--bcher-kva.example")

    assert admin.get(CUSTOMERS, q=typed).ids == [str(user.pk)]


def test_a_client_without_a_profile_has_a_page(admin: AdminSession) -> None:
    user = UserFactory.create()

    page = admin.get(f"{CUSTOMERS}{user.pk}/change/")

    assert page.status == 200
    assert user.email in page.text


def test_the_state_of_an_account_is_said_in_words(admin: AdminSession, operator: User) -> None:
    gone = UserFactory.create(is_active=False)

    listed = admin.get(CUSTOMERS, q=str(gone.pk))
    own = admin.get(f"{CUSTOMERS}{operator.pk}/change/")

    assert "not active" in listed.text
    assert "Second factor not set up" in own.text
    for page in (listed, own):
        assert "close_small" not in page.response.content.decode()


def test_the_page_of_an_account_shows_its_own_limits(admin: AdminSession, operator: User) -> None:
    company, client = CompanyFactory.create().user, ClientFactory.create().user
    unit_of_work(
        lambda: set_limits(
            company.pk, role="company", writes=6_000, reads=None, operator=operator, address=None
        )
    )

    assert "writes 6000, reads default" in admin.get(f"{CUSTOMERS}{company.pk}/change/").text
    assert "writes default, reads default" in admin.get(f"{CUSTOMERS}{client.pk}/change/").text


def fee_page(company: Holder, verb: str) -> str:
    return f"{CUSTOMERS}{company.user.pk}/{verb}-fee/"


def test_staff_set_a_companys_fee_and_remove_it(admin: AdminSession, operator: User) -> None:
    company, client = a_company(), a_client(holds="10.00")
    page = f"{CUSTOMERS}{company.user.pk}/change/"

    before = admin.get(page).text
    given = admin.post(
        fee_page(company, "set"), percent="2.5 %", fixed="0.30", max="1,000.00", reason="Contract"
    )
    charged = charge(company, "10.00", wallet=client.wallet_id)
    form = admin.get(fee_page(company, "set")).response.context["form"]
    confirm = admin.get(fee_page(company, "remove")).text
    removed = admin.post(fee_page(company, "remove"), reason="Contract ended")

    assert "Paid for each charge none" in before
    assert "Set the fee" in before
    assert "Remove the fee" not in before
    assert "2.5 %, fixed 0.30, at most 1,000.00 USD" in given.text
    assert "Remove the fee" in given.text
    assert charged.json["fee"] == Decimal("0.55")
    assert form.initial == {"percent": "2.5", "fixed": "0.30", "min": "", "max": "1,000.00"}
    assert "2.5 %, fixed 0.30, at most 1,000.00 USD" in confirm
    assert "Paid for each charge none" in removed.text
    assert [
        (each.action, each.actor_id, each.subject_id, each.reason, each.result)
        for each in SupportAction.objects.filter(action__in=("fee_set", "fee_removed")).order_by(
            "id"
        )
    ] == [
        (action, operator.pk, str(company.user.pk), reason, f"Fee: {result}")
        for action, reason, result in (
            ("fee_set", "Contract", "none, now 2.5 %, fixed 0.30, at most 1,000.00 USD"),
            ("fee_removed", "Contract ended", "2.5 %, fixed 0.30, at most 1,000.00 USD, now none"),
        )
    ]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"percent": "101", "reason": "x"}, "percent"),
        ({"percent": "two", "reason": "x"}, "percent"),
        ({"fixed": "1,5", "reason": "x"}, "fixed"),
        ({"min": "2", "max": "1", "reason": "x"}, "min"),
        ({"reason": "x"}, "percent"),
        ({"percent": "1"}, "reason"),
    ],
)
def test_a_fee_that_cannot_be_is_not_set(
    admin: AdminSession, fields: dict[str, str], field: str
) -> None:
    company = a_company()

    assert admin.post(fee_page(company, "set"), **fields).errors(field)
    assert not Fee.objects.exists()


def test_only_a_company_with_a_wallet_has_a_fee(admin: AdminSession) -> None:
    client, without = a_client(), CompanyFactory.create().user

    pages = [
        admin.post(f"{CUSTOMERS}{user.pk}/{verb}-fee/", percent="1", reason="x")
        for user in (client.user, without)
        for verb in ("set", "remove")
    ]

    assert [page.status for page in pages] == [404] * 4
    assert "Set the fee" not in admin.get(f"{CUSTOMERS}{without.pk}/change/").text
    assert not Fee.objects.exists()
