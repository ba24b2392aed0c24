"""An adjustment that waits is told to all whom it concerns, and so is what became of it."""

import re
from datetime import timedelta

import pytest
from pytest_django import Settings

from commerce.models import AdjustmentRequest
from tests.factories import a_client, a_staff_member
from tests.support.admin_session import WALLETS, AdminSession, admin_session_of
from tests.support.test_approvals import ask, decide

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture(autouse=True)
def _limit(settings: Settings) -> None:
    settings.ADJUSTMENT_LIMIT = 100


@pytest.fixture
def second(books: None) -> AdminSession:
    """The admin session of another operator."""
    return admin_session_of(a_staff_member())


def badge(admin: AdminSession) -> str:
    """Return what stands beside Approvals in the sidebar."""
    page = admin.get("/admin/find/").response.content.decode()
    [link] = re.findall(r"<span>Approvals</span>(.*?)</a>", page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", link).split())


def test_who_may_decide_sees_how_many_wait(admin: AdminSession, second: AdminSession) -> None:
    before = badge(second)
    ask(admin, a_client())
    ask(admin, a_client())
    ask(second, a_client())

    assert (before, badge(second), badge(admin)) == ("", "2", "1")
    assert "Approvals 3 wait, 1 of them for you" in admin.get("/admin/").text


def test_what_waits_is_on_the_page_of_the_wallet(admin: AdminSession, second: AdminSession) -> None:
    holder, other = a_client(), a_client()
    ask(admin, holder, "1,500.00")
    notice = "Not moved yet: put in 1,500.00 USD, asked by"
    pages = [f"{WALLETS}{holder.wallet_id}/{page}/" for page in ("change", "adjust")]

    waiting = [admin.get(page).text for page in pages]
    others = admin.get(f"{WALLETS}{other.wallet_id}/change/").text
    decide(second, "reject", "Not ours to pay")
    decided = [admin.get(page).text for page in pages]

    assert [notice in text for text in waiting] == [True, True]
    assert notice not in others
    assert [notice in text for text in decided] == [False, False]
    assert "Rejected" in decided[0]
    assert "Not ours to pay" in decided[0]


@pytest.mark.parametrize(
    ("verb", "state"), [("approve", "Approved"), ("reject", "Rejected"), ("", "Pending")]
)
def test_whoever_asked_is_told_after_the_log_in_what_became_of_it(
    admin: AdminSession, second: AdminSession, verb: str, state: str
) -> None:
    holder = a_client(holds="10.00")
    ask(admin, holder, "1,500.00")
    request = AdjustmentRequest.objects.get()
    if verb:
        decide(second, verb, "Looked into ticket 42")

    told, others = admin.get("/admin/").text, second.get("/admin/").text

    request.refresh_from_db()
    assert "Adjustments that you asked for, in the last 7 days" in told
    assert f"Put in 1,500.00 USD {holder.user.email} Ticket 42 {state}" in told
    assert "Adjustments that you asked for" not in others
    if verb:
        assert request.decider is not None
        assert f"{request.decider.email}, " in told
        assert ": Looked into ticket 42" in told


def test_whoever_asked_is_told_that_nobody_decided(
    admin: AdminSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commerce.adjustments.DECIDED_WITHIN", timedelta(0))
    ask(admin, a_client(holds="10.00"))

    told = admin.get("/admin/").text

    assert "Ticket 42 Expired until" in told
    assert badge(admin) == ""
