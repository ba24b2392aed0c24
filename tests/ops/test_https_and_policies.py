"""Production security: HTTPS behind a proxy, Django's deployment check, content policies."""

import json
import shutil
from http.client import HTTPConnection, HTTPResponse

import pytest

from harness.installation import Installation
from harness.waiting import DEADLINE_SECONDS

PROXY, OTHER_CLIENT = "127.0.0.1", "127.0.0.2"
CHROMIUM = shutil.which("chromium")
#: Redoc requests a logo from its CDN; the policy refuses that, as intended.
REFUSED_LOGO = "https://cdn.redoc.ly/redoc/logo-mini.svg"


def test_the_deployment_check_has_no_warnings(installation: Installation) -> None:
    check = installation.manage(
        "check",
        "--deploy",
        "--fail-level=WARNING",
        DATABASE_URL="postgresql://wallet_app:secret@db.example/wallet",
        WALLET_SERVICE_SECRET_KEY="2bLcNk9hX4tVq7Zs0PwRj8yGmFe3uAoD6iTxK5vMnQ1CrHdJs8WyE4",
        WALLET_SERVICE_ALLOWED_HOSTS="wallet.example",
    )

    assert (check.returncode, check.stderr) == (0, "")


@pytest.mark.slow
def test_only_a_trusted_proxy_can_declare_https(installation: Installation) -> None:
    installation.serve(WALLET_SERVICE_HTTPS="on", WALLET_SERVICE_TRUSTED_PROXIES=PROXY)

    def get(peer: str, scheme: str | None, path: str = "/wallet/list", **more: str) -> HTTPResponse:
        client = HTTPConnection(
            "127.0.0.1", installation.port, DEADLINE_SECONDS, source_address=(peer, 0)
        )
        headers = {"X-Forwarded-Proto": scheme} if scheme else {}
        client.request("GET", path, headers={**headers, **more})
        answer = client.getresponse()
        answer.read()
        client.close()
        return answer

    secure = get(PROXY, "https")
    plain = get(PROXY, "http")
    forged = get(OTHER_CLIENT, "https")
    local = get(OTHER_CLIENT, None)
    file = get(PROXY, "http", "/static/admin/js/core.js")
    page = get(PROXY, "http", "/admin/")
    prefixed = get(PROXY, "https", "/x/status", Script_name="/x")

    assert secure.status == 401
    assert str(secure.getheader("Strict-Transport-Security")).startswith("max-age=")
    assert (plain.status, plain.getheader("Strict-Transport-Security")) == (301, None)
    assert str(plain.getheader("Location")).startswith("https://")
    assert forged.status == 301
    assert local.status == 401
    assert (file.status, page.status) == (301, 301)
    assert page.getheader("Set-Cookie") is None
    assert prefixed.status == 404


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_pages_work_in_a_browser_under_their_policies(installation: Installation) -> None:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (slow, and only for this)

    installation.serve()
    console_messages: list[str] = []
    page_errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda message: console_messages.append(message.text))
        page.on("pageerror", lambda error: page_errors.append(f"{page.url}: {error}"))

        page.goto(f"{installation.url}/api")
        page.click("#operations-service-status button")
        page.click("text=Try it out")
        page.click("text=Execute")
        body = page.inner_text(".live-responses-table .microlight")
        assert json.loads(body) == {"status": "ok"}

        page.goto(f"{installation.url}/api/redoc")
        page.wait_for_selector("h2:has-text('Can money move?')")
        page.wait_for_load_state("networkidle")

        page.goto(f"{installation.url}/admin/")
        page.fill("[name=username]", "operator@demo.example")
        page.fill("[name=password]", "demo-only-4711")
        page.click("button[type=submit]")
        page.wait_for_selector("text=Wallets")
        page.wait_for_load_state("networkidle")
        browser.close()

    refused = [each for each in console_messages if "Content Security Policy" in each]
    assert [each for each in refused if REFUSED_LOGO not in each] == []
    assert page_errors == []
