"""What pages of the admin are called, how they show amounts, and what lists say that are empty."""

import html
import re

import pytest

from accounts.models import User
from commerce.models import AdjustmentRequest
from support.navigation import GROUPS
from tests.factories import Holder, a_client
from tests.support.admin_session import (
    ASSETS,
    CUSTOMERS,
    TRANSACTIONS,
    TRIAL_BALANCE,
    WALLETS,
    AdminSession,
    Page,
)
from tests.support.test_adjustments import adjust

pytestmark = pytest.mark.usefixtures("books")

APPROVALS = "/admin/commerce/adjustmentrequest/"
SUPPORT_ACTIONS = "/admin/accounts/supportaction/"
UNKNOWN = "nobody@example.com"
LISTS = {
    CUSTOMERS: "Clients, companies and operators stand here",
    WALLETS: "Wallets stand here",
    TRANSACTIONS: "Movements of money stand here",
    SUPPORT_ACTIONS: "What operators did stands here",
}


def heading(page: Page) -> str:
    """Return the heading of a page: its trail, without the arrows between."""
    [found] = re.findall(r"<h1[^>]*>(.*?)</h1>", page.response.content.decode(), re.DOTALL)
    words = re.sub(r"<[^>]*>", " ", found).replace("chevron_right", ">")
    return " ".join(html.unescape(words).split())


def tab(page: Page) -> str:
    """Return what the browser's tab says."""
    [found] = re.findall(r"<title>(.*?)</title>", page.response.content.decode(), re.DOTALL)
    return " ".join(html.unescape(found).split())


def amounts(page: Page) -> list[str]:
    """Return the texts of the cells that stand on the right, those of tables and of lists."""
    found = re.findall(
        r'<td[^>]*class="(?:desk-amount|field-(?:amount|balance|decimals) )[^>]*>(.*?)</td>',
        page.response.content.decode(),
        re.DOTALL,
    )
    return [" ".join(re.sub(r"<[^>]*>", " ", each).split()) for each in found]


@pytest.mark.parametrize("section", [each for group in GROUPS.values() for each in group])
def test_a_page_is_called_as_the_menu_calls_it(admin: AdminSession, section: object) -> None:
    page = admin.get(section.url)  # type: ignore[attr-defined]

    title = section.title  # type: ignore[attr-defined]
    assert heading(page) == title
    assert tab(page) == f"{title} | Wallet Service"
    active = re.findall(r'class="[^"]* active">(.*?)</a>', page.response.content.decode(), re.S)
    assert [title in link for link in active] == [True]


def test_the_pages_of_the_account_are_called_as_its_menu_calls_them(admin: AdminSession) -> None:
    password, second_factor = "/admin/password_change/", "/admin/second-factor/codes/"

    assert heading(admin.get(password)) == "Change password"
    assert heading(admin.get(second_factor)) == "Second factor"
    for name in ("Change password", "Second factor"):
        assert name in admin.get("/admin/").text


def test_a_trail_has_names_and_ids_as_they_are_written(admin: AdminSession) -> None:
    holder = a_client(holds="5.00")
    wallet, email = f"{WALLETS}{holder.wallet_id}", holder.user.email

    assert heading(admin.get(f"{CUSTOMERS}{holder.user.pk}/change/")) == f"Customers > {email}"
    assert heading(admin.get(f"{wallet}/change/")) == f"Wallets > {holder.wallet_id}"
    adjust_page = admin.get(f"{wallet}/adjust/")
    assert heading(adjust_page) == f"Wallets > {holder.wallet_id} > Adjust the balance"
    assert f'href="{WALLETS}"' in adjust_page.response.content.decode()
    assert heading(admin.get(f"{ASSETS}USD/change/")) == "Assets > USD"
    assert heading(admin.get(f"{ASSETS}add/")) == "Assets > Add asset"
    found = admin.get(f"/admin/find/person/{holder.user.pk}")
    assert heading(found) == f"Find > Everything around {email}"
    assert tab(admin.get(f"{wallet}/change/")) == f"{holder.wallet_id} | Wallets | Wallet Service"


@pytest.mark.parametrize("url", LISTS)
def test_an_empty_list_says_what_would_stand_there(admin: AdminSession, url: str) -> None:
    nothing = admin.get(url, q="00000000-0000-4000-8000-000000000000")
    no_account = admin.get(url, q=UNKNOWN)

    for page in (nothing, no_account):
        assert page.rows == []
        assert LISTS[url] in page.text
        assert "No results found" not in page.text
        assert "Create a new item" not in page.text
    assert "Nothing here is what you looked for." in nothing.text
    assert f"No account has the email address {UNKNOWN}." in no_account.text


def test_an_empty_list_of_approvals_says_what_would_stand_there(admin: AdminSession) -> None:
    page = admin.get(APPROVALS)

    assert "There is nothing here yet. Adjustments above the limit stand here" in page.text


def test_no_approvals_by_the_menu_means_that_nothing_waits(admin: AdminSession) -> None:
    by_menu = admin.get(APPROVALS, status="pending")
    rejected = admin.get(APPROVALS, status="rejected")
    searched = admin.get(APPROVALS, status="pending", p="1")

    assert "Nothing waits. Adjustments above the limit stand here" in by_menu.text
    assert "Nothing here is what you looked for." not in by_menu.text
    for page in (rejected, searched):
        assert "Nothing here is what you looked for." in page.text


def test_no_failed_attempts_by_the_menu_are_none(admin: AdminSession) -> None:
    a_client(holds="5.00")

    assert "There are no failed attempts." in admin.get(TRANSACTIONS, outcome="failed").text
    refunds = admin.get(TRANSACTIONS, outcome="failed", kind="refund")
    assert "Nothing here is what you looked for." in refunds.text


def test_a_wallet_that_nothing_happened_to_says_what_would_stand_there(
    admin: AdminSession,
) -> None:
    page = admin.get(f"{WALLETS}{a_client().wallet_id}/change/")

    assert "Freezes, adjustments by two operators, approvals, pay tokens" in page.text


def test_amounts_stand_on_the_right(admin: AdminSession) -> None:
    holder = a_client(holds="1500.00")
    adjust(admin, holder, amount="1000.01")

    assert amounts(admin.get(TRANSACTIONS)) == ["1,500.00 USD"]
    assert amounts(admin.get(WALLETS, q=holder.user.email)) == ["1,500.00 USD"]
    assert amounts(admin.get(APPROVALS)) == ["1,000.01 USD"]
    assert amounts(admin.get(f"{WALLETS}{holder.wallet_id}/change/")) == ["1,000.01 USD"]
    around = ["1,500.00 USD", "1,500.00 USD", "1,000.01 USD"]
    assert amounts(admin.get(f"/admin/find/wallet/{holder.wallet_id}")) == around
    usd = ["1,500.00", "-1,500.00", "0.00", "0.00", "0.00", "0.00"]
    assert amounts(admin.get(TRIAL_BALANCE))[-6:] == usd


# fmt: off
SHOWN = (
    # what is typed,       moved (minor units)
    ("1,500.00",           150_000),
    ("1,500.00 USD",       150_000),
    ("1500.00",            150_000),
    ("1500",               150_000),
    ("1500 USD",           150_000),
    ("1500.5 USD",         150_050),
    ("9,000,000,000.01",   900_000_000_001),
    ("12.50 USD",          1_250),
)
NOT_SHOWN = (
    "1,500", "1,500.0", "15,00.00", "1500,00", "1.500,00", "1,500.00 EUR", "1,500.00USD", ",500.00",
    "0,500.00", "1,500.00 USD USD", "\uff11,500.00", "1,500.00e0",
)
# fmt: on


@pytest.mark.parametrize(("typed", "moved_minor"), SHOWN)
def test_an_amount_may_be_typed_as_it_is_shown(
    admin: AdminSession, settings: object, typed: str, moved_minor: int
) -> None:
    settings.ADJUSTMENT_LIMIT = 10**15  # type: ignore[attr-defined]
    holder = a_client()

    adjust(admin, holder, amount=typed)

    assert holder.balance_minor == moved_minor


@pytest.mark.parametrize("typed", NOT_SHOWN)
def test_an_amount_that_the_admin_would_not_write_is_refused(
    admin: AdminSession, typed: str
) -> None:
    holder = a_client(holds="10.00")

    page = adjust(admin, holder, amount=typed)

    assert page.errors("amount") == ["Write 1500 or 1,500.00."]
    assert holder.balance_minor == 1_000
    assert not AdjustmentRequest.objects.exists()


def limits(admin: AdminSession, holder: Holder) -> str:
    text = admin.get(f"{WALLETS}{holder.wallet_id}/adjust/").text
    [found] = re.findall(r"You alone: up to (.*?) are left\.", text)
    return str(found)


def test_the_form_tells_the_limit_and_what_is_left_of_it(
    admin: AdminSession, operator: User
) -> None:
    dollars, euros = a_client(holds="10.00"), a_client(currency="EUR")

    before = limits(admin, dollars)
    adjust(admin, dollars, amount="200.00")
    adjust(admin, dollars, amount="50.50", direction="out")
    adjust(admin, dollars, amount="5,000.00")  # waits, and does not count

    assert before == "1,000.00 USD in 24 hours, of which 1,000.00 USD"
    assert limits(admin, dollars) == "1,000.00 USD in 24 hours, of which 749.50 USD"
    assert limits(admin, euros) == "1,000.00 EUR in 24 hours, of which 1,000.00 EUR"
