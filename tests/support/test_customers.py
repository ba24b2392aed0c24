"""Customers in the admin: found by email, id, phone number or name, and shown."""

from collections.abc import Callable

import pytest

from accounts.models import User
from accounts.own_limits import set_limits
from core.unit_of_work import unit_of_work
from support.operator_admin import OperatorAdmin
from tests.factories import ClientFactory, CompanyFactory, UserFactory
from tests.support.admin_session import CUSTOMERS, TRANSACTIONS, WALLETS, AdminSession

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
