"""Errors below /admin/: pages for people, who see what to do; the error body for programs."""

from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import SupportAction, User
from tests.factories import a_client
from tests.support.admin_session import WALLETS, AdminSession, Page
from wallets.models import Status


def assert_styled(page: Page, status: int, title: str) -> None:
    """Check that it is a whole page of the admin, which leads back and names the request."""
    source = page.response.content.decode()
    assert (page.status, page.response.headers["Content-Type"]) == (
        status,
        "text/html; charset=utf-8",
    )
    assert "unfold/css/styles.css" in source
    assert 'href="/admin/"' in source
    assert title in page.text
    assert page.response.headers["X-Request-ID"] in page.text
    assert "default-src 'none'" in page.response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["nothing", "nothing/here/", "wallets/nothing/"])
def test_an_unknown_page(admin: AdminSession, path: str) -> None:
    assert_styled(Page(admin.client.get(f"/admin/{path}")), 404, "Page not found")


def test_a_page_that_is_refused(admin: AdminSession, operator: User) -> None:
    page = admin.get(f"/admin/accounts/user/{operator.pk}/delete/")

    assert_styled(page, 403, "Not allowed")


def test_a_form_without_its_token_does_nothing(operator: User) -> None:
    wallet = a_client(holds="10.00").wallet
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)

    page = Page(client.post(f"{WALLETS}{wallet.pk}/freeze/", {"reason": "Forged"}))

    assert_styled(page, 403, "Send the form again")
    wallet.refresh_from_db()
    assert wallet.status == Status.ACTIVE
    assert not SupportAction.objects.exists()


def test_a_log_in_without_its_token() -> None:
    client = Client(enforce_csrf_checks=True)

    page = Page(client.post("/admin/login/", {"username": "a@example.com", "password": "x"}))

    assert_styled(page, 403, "Send the form again")


def test_an_address_that_only_takes_a_form(admin: AdminSession) -> None:
    page = Page(admin.client.get("/admin/logout/"))

    assert_styled(page, 405, "Not by a link")
    assert "POST" in page.response.headers["Allow"]


def test_a_form_that_is_too_large(admin: AdminSession) -> None:
    page = admin.post("/admin/find/", query="x" * 1_100_000)

    assert_styled(page, 413, "Too large")


def test_a_crash_shows_no_secret(admin: AdminSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("support.figures.books", _crash)
    admin.client.raise_request_exception = False

    page = admin.get("/admin/")

    assert_styled(page, 500, "Something went wrong")
    assert "secret" not in page.text


def test_while_the_database_is_away(admin: AdminSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", _crash)
    admin.client.raise_request_exception = False

    assert_styled(admin.get("/admin/nothing/"), 500, "Something went wrong")


@pytest.mark.parametrize("debug", [False, True])
def test_a_program_gets_the_error_body(
    admin: AdminSession, settings: Settings, debug: bool
) -> None:
    settings.DEBUG = debug

    answer: Any = admin.client.get("/admin/nothing/", headers={"Accept": "application/json"})

    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert answer.json()["code"] == "not_found"


def _crash(*_: Any) -> Any:
    raise RuntimeError("a secret of ours")
