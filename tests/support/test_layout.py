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


def test_dates_amounts_and_kinds_stand_in_one_line(operator: OperatorBrowser) -> None:
    page, url = operator.page, operator.url
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    cells = {
        CUSTOMERS: ".field-created_at, .field-role_label, .field-state",
        WALLETS: ".field-created_at, .field-balance, .field-asset_symbol, .field-status_label",
        TRANSACTIONS: ".field-created_at, .field-kind, .field-amount, .field-outcome",
        APPROVALS: ".field-asked, .field-verb, .field-amount, .field-state_label, .field-expires",
        "/admin/accounts/supportaction/": ".field-when, .field-action_label",
    }

    lines, widths = {}, {}
    for path, selector in cells.items():
        page.goto(url + path)
        lines[path] = page.evaluate(LINES, f"#result_list :is({selector})")
        widths[path] = page.evaluate(HIDDEN_WIDTH)
    page.goto(f"{url}{WALLETS}?q={email_of('rich')}")
    page.goto(url + (page.get_attribute("#result_list tbody a", "href") or ""))
    page.goto(f"{url}/admin/find/wallet/{page.url.split('/')[-3]}")
    lines["Find"] = page.evaluate(LINES, ".desk-table :is(.desk-amount, .desk-fixed)")

    assert all(found == [1] for found in lines.values()), lines
    assert widths == dict.fromkeys(cells, 0)


def test_the_rows_of_a_card_begin_at_one_edge_on_a_phone(operator: OperatorBrowser) -> None:
    operator.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    operator.page.goto(f"{operator.url}/admin/")

    indents = operator.page.evaluate(
        "[...document.querySelectorAll('.desk-flush td')]"
        ".map(cell => getComputedStyle(cell).paddingInline)"
    )

    assert len(indents) > 2
    assert len(set(indents)) == 1


@pytest.mark.parametrize(
    "path", [f"{CUSTOMERS}?q=nobody@example.com", f"{APPROVALS}?status=failed"]
)
def test_the_text_of_an_empty_list_has_room_in_its_box(
    operator: OperatorBrowser, path: str
) -> None:
    operator.page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    operator.page.goto(operator.url + path)

    above, below = operator.page.evaluate(ROOM)

    assert above >= 16
    assert below >= 16


#: The different numbers of lines in which the texts of cells stand.
LINES = """
    selector => {
      const lines = [...document.querySelectorAll(selector)].map(cell => {
        const tops = new Set(), walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
          if (!walker.currentNode.data.trim()) continue;
          const range = document.createRange();
          range.selectNodeContents(walker.currentNode);
          for (const each of range.getClientRects()) tops.add(Math.round(each.top));
        }
        return tops.size;
      });
      return [...new Set(lines)].sort();
    }
"""
#: By how much a list is wider than what is seen of it.
HIDDEN_WIDTH = """
    (() => {
      const list = document.querySelector("#result_list").parentElement;
      return list.scrollWidth - list.clientWidth;
    })()
"""
#: How far the text is from the edges above and below it.
ROOM = """
    (() => {
      const list = document.querySelector("#changelist .desk-empty");
      const box = list.getBoundingClientRect();
      const bar = document.querySelector("#changelist-form").previousElementSibling;
      const top = Math.max(box.top, bar.getBoundingClientRect().bottom);
      const text = [list.firstElementChild, list.lastElementChild].map(
        each => each.getBoundingClientRect());
      return [text[0].top - top, box.bottom - text[1].bottom];
    })()
"""
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
