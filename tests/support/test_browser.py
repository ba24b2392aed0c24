"""The admin in a real browser under its content policy: no foreign requests, no script errors."""

import base64
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from django_otp.oath import totp

from config.environment import BASE_DIR
from harness.installation import Installation
from harness.waiting import DEADLINE_SECONDS
from ops.demo import PASSWORD, email_of
from tests.ops.conftest import installation, workdir  # noqa: F401 (fixtures)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
SECOND = "second@example.com"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


class OperatorBrowser:
    """A browser context of one operator. `errors` are its script errors and foreign requests."""

    def __init__(self, browser: "Browser", url: str, **options: object) -> None:
        self.url = url
        self.errors: list[str] = []
        self.page: Page = browser.new_context(**options).new_page()  # type: ignore[arg-type]
        self.page.set_default_timeout(DEADLINE_SECONDS * 1_000)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console",
            lambda message: self.errors.append(message.text) if message.type == "error" else None,
        )
        self.page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((url, "data:", "blob:"))
                else self.errors.append(request.url)
            ),
        )

    def log_in(self, email: str) -> None:
        """Log in by password and set up the second factor."""
        self.page.goto(f"{self.url}/admin/")
        self.page.fill("[name=username]", email)
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("#login-form button[type=submit]")
        secret = base64.b32decode(self.page.inner_text("#secret").replace(" ", ""))
        self.page.fill("[name=code]", f"{totp(secret):06d}")
        self.page.click("text=Set it up")
        self.page.wait_for_selector("#codes li")
        assert self.page.locator("#codes li").count() == 10
        self.page.click("text=I have them")
        self.page.wait_for_selector("text=The last 24 hours")

    def find(self, query: str) -> None:
        self.page.fill("#find [name=query]", query)
        self.page.click("#find button")
        self.page.wait_for_selector(f"text=Everything around {query}")

    def fits_the_window(self) -> bool:
        """Whether the page needs no horizontal scrolling."""
        fits: bool = self.page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
        return fits


def make_operator(installation: Installation) -> None:  # noqa: F811
    subprocess.run(
        [sys.executable, "manage.py", "create_operator", SECOND, "--set-password"],
        cwd=BASE_DIR,
        env=installation.environment(),
        input=f"{PASSWORD}\n",
        text=True,
        capture_output=True,
        check=True,
        timeout=DEADLINE_SECONDS,
    )


def test_two_operators_adjust_a_balance(installation: Installation) -> None:  # noqa: F811
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (slow, and only for this)

    installation.serve(
        WALLET_SERVICE_ADMIN_SECOND_FACTOR="on", WALLET_SERVICE_ADJUSTMENT_LIMIT="10"
    )
    make_operator(installation)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        first = OperatorBrowser(browser, installation.url, viewport={"width": 1280, "height": 900})
        second = OperatorBrowser(
            browser,
            installation.url,
            viewport={"width": 390, "height": 844},
            color_scheme="dark",
        )

        first.log_in(email_of("operator"))
        assert first.page.locator("canvas.chart").count() == 1
        first.find(email_of("empty"))
        first.page.click("css=.desk-table a[href*='/wallets/wallet/']")
        first.page.click("text=Adjust the balance")
        first.page.check("[name=direction][value=in]")
        first.page.fill("[name=amount]", "25.00")
        first.page.fill("[name=reason]", "Ticket 42")
        first.page.click("form button:has-text('Adjust')")
        first.page.wait_for_selector("text=a second operator decides")

        second.log_in(SECOND)
        fits = [second.fits_the_window()]
        second.page.goto(f"{installation.url}/admin/commerce/adjustmentrequest/?status=pending")
        second.page.click("#result_list a[href*='/adjustmentrequest/']")
        fits.append(second.fits_the_window())
        second.page.goto(f"{second.page.url.split('change/')[0].split('?')[0]}approve/")
        second.page.fill("[name=reason]", "Looked into it")
        second.page.click("form button:has-text('Approve')")
        second.page.wait_for_selector("text=Put in 25.00 USD, asked by")

        first.page.reload()
        first.page.wait_for_selector("text=25.00 USD")
        browser.close()

    assert first.errors + second.errors == []
    assert fits == [True, True]
