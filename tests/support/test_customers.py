"""Customers in the admin: found by what they say of themselves, and shown."""

from collections.abc import Callable

import pytest

from accounts.models import User
from support.operator_admin import OperatorAdmin
from tests.factories import ClientFactory, CompanyFactory, UserFactory
from tests.support.desk import CUSTOMERS, TRANSACTIONS, WALLETS, Desk

pytestmark = pytest.mark.usefixtures("books")


@pytest.mark.parametrize(
    "said",
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
def test_a_client_is_found(desk: Desk, said: Callable[[User], str]) -> None:
    ClientFactory.create()
    grace = ClientFactory.create(
        first_name="Grace", last_name="Hopper", phone_number="+34600123123"
    ).user

    assert desk.get(CUSTOMERS, q=said(grace)).ids == [str(grace.pk)]


@pytest.mark.parametrize("name", ["Corner", "corner shop", "Ada"])
def test_a_company_is_found_by_its_name_and_its_person(desk: Desk, name: str) -> None:
    company = CompanyFactory.create().user

    assert desk.get(CUSTOMERS, q=name).ids == [str(company.pk)]


@pytest.mark.parametrize("nobody", ["nobody@example.com", "+34600999999", "Zzz", "%", "a_a"])
def test_nobody_is_found(desk: Desk, nobody: str) -> None:
    ClientFactory.create()

    assert desk.get(CUSTOMERS, q=nobody).rows == []


def test_the_list_is_by_email_and_by_role(desk: Desk, operator: User) -> None:
    company = CompanyFactory.create(user__email="a@example.com").user
    client = ClientFactory.create(user__email="b@example.com").user

    assert desk.get(CUSTOMERS).rows[:2] == [company, client]
    assert desk.get(CUSTOMERS, role="operator").rows == [operator]
    assert "company" in desk.get(CUSTOMERS, role="company").text


def test_the_list_goes_page_by_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OperatorAdmin, "list_per_page", 2)
    emails = [UserFactory.create(email=f"{name}@a.example").email for name in "abc"]

    first = desk.get(CUSTOMERS)
    second = desk.get(f"{CUSTOMERS}{first.next_url}")

    assert [user.email for user in first.rows] == emails[:2]
    assert second.rows[0].email == emails[2]
    assert second.next_url is None


def test_the_page_of_a_company_shows_its_profile_and_leads_on(desk: Desk) -> None:
    company = CompanyFactory.create()

    page = desk.get(f"{CUSTOMERS}{company.pk}/change/")

    for shown in ("Corner Shop", "https://shop.example.com", "Ada Lovelace", "+34666666666"):
        assert shown in page.text
    links = page.response.content.decode()
    assert f"{WALLETS}?q={company.pk}" in links
    assert f"{TRANSACTIONS}?q={company.pk}" in links


def test_a_client_without_a_profile_has_a_page(desk: Desk) -> None:
    user = UserFactory.create()

    page = desk.get(f"{CUSTOMERS}{user.pk}/change/")

    assert page.status == 200
    assert user.email in page.text
