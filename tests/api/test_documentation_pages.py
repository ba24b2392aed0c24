"""The pages in a real browser: what they show, and that they ask no other site."""

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from harness.installation import Installation
from harness.waiting import DEADLINE_SECONDS
from tests.api.clients.conftest import service  # noqa: F401 (a fixture)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
PHONE = {"viewport": {"width": 390, "height": 844}}
DESK = {"viewport": {"width": 1280, "height": 900}}
DARK = {**DESK, "color_scheme": "dark"}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("clients"),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (slow, and only for this)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visit:
    """A page in a browser of its own. `troubles`: errors in it, and what it asked of others."""

    def __init__(self, browser: "Browser", url: str, path: str, options: Any) -> None:
        self.page: Page = browser.new_context(**options).new_page()
        self.page.set_default_timeout(2 * DEADLINE_SECONDS * 1_000)
        self.troubles: list[str] = []
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on(
            "console",
            lambda line: self.troubles.append(line.text) if line.type == "error" else None,
        )
        self.page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((f"{url}/", "data:", f"blob:{url}/"))
                else self.troubles.append(request.url)
            ),
        )
        self.page.goto(f"{url}{path}")

    @property
    def fits(self) -> bool:
        fits: bool = self.page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
        return fits

    @property
    def background(self) -> str:
        colour: str = self.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return colour


@pytest.mark.parametrize("options", [DESK, DARK, PHONE], ids=["desk", "dark", "phone"])
def test_swagger_ui(
    service: Installation,  # noqa: F811
    browser: "Browser",
    options: Any,
) -> None:
    visit = Visit(browser, service.url, "/api", options)
    page = visit.page
    page.wait_for_selector(".opblock")

    assert page.locator("h3:has-text('Exactly once')").count() == 1
    tags = [text.split("\n")[0] for text in page.locator(".opblock-tag").all_inner_texts()]
    assert tags[:2] == ["accounts", "wallets by token"]
    assert tags[-1] == "service"
    first = page.locator(".opblock .opblock-summary-path").first.inner_text()
    assert first.replace("\u200b", "") == "/client/signup"
    assert visit.fits
    assert (visit.background == "rgb(250, 250, 250)") is (options != DARK)
    assert visit.troubles == []


def test_a_call_from_swagger_ui_teaches_amounts_as_text_and_no_other_header(
    service: Installation,  # noqa: F811
    browser: "Browser",
) -> None:
    visit = Visit(browser, service.url, "/api", DESK)
    page = visit.page
    call = page.locator("#operations-wallets_by_token-wallet_deposit")
    call.locator("button.opblock-summary-control").click()
    call.locator("text=Try it out").click()
    sent = page.locator("#operations-wallets_by_token-wallet_deposit textarea").first.input_value()
    with page.expect_response(f"{service.url}/wallet/deposit") as answer:
        call.locator("button.execute").click()

    curl = call.locator(".curl").inner_text()
    assert '"amount": "100.00"' in sent
    assert '"amount": "100.00"' in curl
    assert "csrf" not in curl.lower()
    assert "x-csrftoken" not in answer.value.request.headers
    assert answer.value.status == 401


@pytest.mark.parametrize("options", [DESK, PHONE], ids=["desk", "phone"])
def test_redoc(service: Installation, browser: "Browser", options: Any) -> None:  # noqa: F811
    visit = Visit(browser, service.url, "/api/redoc", options)
    page = visit.page

    page.wait_for_selector("h1:has-text('Wallet Service')")
    page.wait_for_selector("text=API docs by Redocly", state="attached")
    page.wait_for_load_state("networkidle")

    assert page.locator("img[src*='redoc']").count() == 0
    assert visit.fits
    assert visit.troubles == []


@pytest.mark.parametrize("options", [DESK, DARK, PHONE], ids=["desk", "dark", "phone"])
def test_the_start_page(
    service: Installation,  # noqa: F811
    browser: "Browser",
    options: Any,
) -> None:
    visit = Visit(browser, service.url, "/", options)

    assert visit.page.locator("main a").count() == 4
    assert visit.fits
    assert (visit.background == "rgb(17, 24, 39)") is (options == DARK)
    visit.page.click("text=Try the API")
    visit.page.wait_for_selector(".opblock")
    assert visit.troubles == []
