"""The pages of the admin in a browser: wide and narrow, light and dark."""

import tempfile
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from harness.installation import Installation
from ops.demo import PASSWORD, email_of
from tests.support.admin_session import ASSETS, CUSTOMERS, TRANSACTIONS, TRIAL_BALANCE, WALLETS
from tests.support.test_browser import CHROMIUM, OperatorBrowser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
#: As long as an email address and a name may be, without a place to break them at.
LONG_EMAIL = f"{'a' * 60}@{'b' * 60}.example"
LONG_NAME = "W" * 150
APPROVALS = "/admin/commerce/adjustmentrequest/"
PAGES = (
    "/admin/",
    "/admin/find/",
    CUSTOMERS,
    f"{CUSTOMERS}?q=nobody@example.com",
    "/admin/accounts/supportaction/",
    WALLETS,
    TRANSACTIONS,
    f"{TRANSACTIONS}?outcome=failed",
    APPROVALS,
    f"{APPROVALS}?status=rejected",
    TRIAL_BALANCE,
    ASSETS,
    f"{ASSETS}add/",
    f"{ASSETS}USD/change/",
    "/admin/second-factor/codes/",
    "/admin/second-factor/set-up/",
    "/admin/password_change/",
)
#: Lists, of which the first row's page is looked at, too.
FIRST_ROWS = (
    f"{CUSTOMERS}?q={LONG_EMAIL}",
    f"{WALLETS}?q={email_of('empty')}",
    TRANSACTIONS,
    APPROVALS,
    "/admin/accounts/supportaction/",
)
QUERIES = (email_of("rich"), LONG_EMAIL, "q" * 255, "nobody@example.com", f"pt_{'a' * 43}")


@pytest.fixture(scope="module")
def operator() -> Iterator[OperatorBrowser]:
    """An operator at the dashboard of a service that has something to show on every page."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (slow, and only for this)

    with tempfile.TemporaryDirectory(prefix="wallet-test-") as directory:
        installation = Installation(Path(directory) / "data")
        try:
            installation.serve()
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=CHROMIUM, args=["--no-sandbox"]
                )
                operator = OperatorBrowser(browser, installation.url, viewport=DESKTOP)
                wallet = act(operator)
                log_in(operator)
                ask(operator, wallet)
                yield operator
        finally:
            installation.clean_up()


def act(operator: OperatorBrowser) -> str:
    """Have a customer whose names are long, and a refused attempt; return the token of a wallet."""
    request, url = operator.page.request, operator.url
    person = {"first_name": LONG_NAME, "last_name": LONG_NAME, "phone_number": "+34666666666"}
    signed_up = {"email": LONG_EMAIL, "password": PASSWORD, "client": person}
    assert request.post(f"{url}/client/signup", data=signed_up).status == HTTPStatus.CREATED
    session = {"email": email_of("empty"), "password": PASSWORD}
    token = request.post(f"{url}/client/login", data=session).json()["token"]
    headers = {"Authorization": f"Token {token}"}
    [wallet] = request.get(f"{url}/wallet/list", headers=headers).json()
    withdrawal = {"wallet": wallet["wallet"], "amount": "99.00"}
    refused = request.post(f"{url}/wallet/withdraw", data=withdrawal, headers=headers)
    assert refused.json()["code"] == "insufficient_funds"
    return str(wallet["wallet"])


def log_in(operator: OperatorBrowser) -> None:
    operator.page.goto(f"{operator.url}/admin/")
    operator.page.fill("[name=username]", email_of("operator"))
    operator.page.fill("[name=password]", PASSWORD)
    operator.page.click("#login-form button[type=submit]")
    operator.page.wait_for_selector("text=The last 24 hours")


def ask(operator: OperatorBrowser, wallet: str) -> None:
    """Ask for an adjustment that a second operator decides, for a long reason."""
    operator.page.goto(f"{operator.url}{WALLETS}{wallet}/adjust/")
    operator.page.check("[name=direction][value=in]")
    operator.page.fill("[name=amount]", "125,000.00")
    operator.page.fill("[name=reason]", "r" * 200)
    operator.page.click("form button:has-text('Adjust')")
    operator.page.wait_for_selector("text=a second operator decides")


def pages(operator: OperatorBrowser) -> Iterator[str]:
    """Go from page to page; yield the name of each."""
    page = operator.page
    for path in PAGES:
        page.goto(operator.url + path)
        yield path
    for path in FIRST_ROWS:
        page.goto(operator.url + path)
        page.goto(operator.url + (page.get_attribute("#result_list tbody a", "href") or ""))
        yield f"first of {path}"
        for name in ("Adjust the balance", "Freeze"):
            button = page.locator(f"a:has-text('{name}')").first
            if path.startswith(WALLETS) and button.count():
                page.goto(operator.url + (button.get_attribute("href") or ""))
                yield name
                page.go_back()
    for query in QUERIES:
        page.goto(f"{operator.url}/admin/find/")
        page.fill("#find [name=query]", query)
        page.click("#find button")
        page.wait_for_load_state()
        yield f"found {query}"


def test_pages_fit_a_phone_and_can_be_read_in_both_themes(operator: OperatorBrowser) -> None:
    too_wide, too_pale, seen = [], {}, []

    for name in pages(operator):
        seen.append(name)
        for viewport in (PHONE, DESKTOP):
            operator.page.set_viewport_size(viewport)  # type: ignore[arg-type]
            if not operator.fits_the_window():
                too_wide.append((name, viewport["width"]))
            for is_dark in (False, True):
                if low := operator.page.evaluate(CONTRAST, is_dark):
                    too_pale[name, viewport["width"], is_dark] = low

    assert operator.errors == []
    assert (too_wide, too_pale) == ([], {})
    assert len(seen) == len(PAGES) + len(FIRST_ROWS) + 2 + len(QUERIES)


def test_amounts_stand_on_the_right_and_axes_are_short(operator: OperatorBrowser) -> None:
    page, url = operator.page, operator.url
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]

    page.goto(f"{url}/admin/")
    money, attempts = page.evaluate(
        "[...document.querySelectorAll('canvas.chart')]"
        ".map(each => Chart.getChart(each).scales.y.ticks.map(tick => tick.label))"
    )
    edges = []
    for path, column in (
        (TRANSACTIONS, "#result_list .field-amount, #result_list .column-amount > div > div"),
        (WALLETS, "#result_list .field-balance, #result_list .column-balance > div > div"),
        (TRIAL_BALANCE, ".desk-table :is(th, td):nth-child(2)"),
    ):
        page.goto(url + path)
        edges.append(page.evaluate(RIGHT_EDGES, column))

    assert money[0] == "0"
    assert all(len(label) <= 4 for label in money)
    assert money[-1].endswith("M")
    assert attempts == ["0", "1"]
    assert [len(found) for found in edges] == [1, 1, 1]


#: The different places at which texts end, in whole pixels from the left.
RIGHT_EDGES = """
    selector => {
      const ends = [...document.querySelectorAll(selector)].map(each => {
        const range = document.createRange();
        range.selectNodeContents(each);
        return Math.round(range.getBoundingClientRect().right);
      });
      return [...new Set(ends)];
    }
"""
