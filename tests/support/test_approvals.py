"""Adjustments above the limit: one operator asks, another one decides, once."""

import uuid
from datetime import timedelta

import psycopg
import pytest
from django.db import DatabaseError, connection
from django.test import Client
from pytest_django import Settings

from accounts.models import Action, SupportAction, User
from commerce.adjustments import adjust, approve
from commerce.cash import order_withdrawal
from commerce.models import AdjustmentRequest, Decision
from core.unit_of_work import unit_of_work
from ledger.models import Transaction
from tests.factories import Holder, a_client, a_staff_member, carry_out, freeze
from tests.metrics import increase_during
from tests.races import race
from tests.support.admin_session import WALLETS, AdminSession, Page, admin_session_of

pytestmark = pytest.mark.usefixtures("books")

LIST = "/admin/commerce/adjustmentrequest/"


@pytest.fixture(autouse=True)
def _limit(settings: Settings) -> None:
    settings.ADJUSTMENT_LIMIT = 100


@pytest.fixture
def second(books: None) -> AdminSession:
    """The admin session of another operator."""
    return admin_session_of(a_staff_member())


def ask(admin: AdminSession, holder: Holder, amount: str = "100.01", **fields: str) -> Page:
    form = {
        "direction": "in",
        "amount": amount,
        "reason": "Ticket 42",
        "key": str(uuid.uuid4()),
        **fields,
    }
    return admin.post(f"{WALLETS}{holder.wallet_id}/adjust/", **form)


def decide(admin: AdminSession, verb: str, reason: str = "Looked into it") -> Page:
    return admin.post(f"{LIST}{AdjustmentRequest.objects.get().pk}/{verb}/", reason=reason)


def adjustments() -> list[Transaction]:
    return list(Transaction.objects.filter(kind="adjustment").order_by("id"))


def test_up_to_the_limit_one_operator_is_enough(admin: AdminSession) -> None:
    holder = a_client(holds="10.00")

    ask(admin, holder, "100.00")

    assert holder.balance_minor == 11_000
    assert not AdjustmentRequest.objects.exists()


def test_above_the_limit_nothing_moves_until_a_second_operator_approves(
    admin: AdminSession, operator: User, second: AdminSession
) -> None:
    holder = a_client(holds="10.00")

    asked = ask(admin, holder)
    before = holder.balance_minor
    approved = decide(second, "approve")

    assert "Asked to put in 100.01 USD: a second operator decides." in asked.text
    assert "asked by" in approved.text
    assert (before, holder.balance_minor) == (1_000, 11_001)
    [transaction] = adjustments()
    request = AdjustmentRequest.objects.get()
    assert (transaction.summary, transaction.actor_id) == ("Ticket 42", operator.pk)
    assert (request.status, request.transaction_id) == (Decision.APPROVED, transaction.pk)
    done = SupportAction.objects.filter(subject_id=str(holder.wallet_id)).order_by("id")
    assert [(each.action, each.reason) for each in done if each.action != Action.VIEW] == [
        (Action.ADJUSTMENT_ASKED, "Ticket 42"),
        (Action.ADJUSTMENT_APPROVED, "Looked into it"),
    ]


def test_the_requester_cannot_decide(admin: AdminSession) -> None:
    holder = a_client(holds="10.00")
    ask(admin, holder)

    pages = [decide(admin, verb) for verb in ("approve", "reject")]

    for page in pages:
        assert "Whoever asked for an adjustment does not decide about it." in page.text
    assert holder.balance_minor == 1_000
    assert AdjustmentRequest.objects.get().status == Decision.PENDING
    assert "/approve/" not in admin.get(f"{LIST}{AdjustmentRequest.objects.get().pk}/change/").text


def test_a_rejected_adjustment_never_moves_money(admin: AdminSession, second: AdminSession) -> None:
    holder = a_client(holds="10.00")
    ask(admin, holder)

    decide(second, "reject")
    late = decide(second, "approve")

    assert "Somebody has decided" in late.text
    assert AdjustmentRequest.objects.get().status == Decision.REJECTED
    assert holder.balance_minor == 1_000


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_a_decision_needs_a_reason(admin: AdminSession, second: AdminSession, verb: str) -> None:
    holder = a_client(holds="10.00")
    ask(admin, holder)
    url = f"{LIST}{AdjustmentRequest.objects.get().pk}/{verb}/"

    page = second.get(url)
    without = second.post(url, reason=" ")

    assert "Ticket 42" in page.text
    assert without.errors("reason")
    assert AdjustmentRequest.objects.get().status == Decision.PENDING
    assert holder.balance_minor == 1_000


def test_concurrent_approvals_approve_once(admin: AdminSession) -> None:
    holder = a_client(holds="10.00")
    ask(admin, holder)
    sessions = [admin_session_of(a_staff_member()) for _ in range(4)]

    pages = race(4, lambda number: decide(sessions[number], "approve"))

    assert [page.status for page in pages] == [200] * 4
    assert sum("Somebody has decided" in page.text for page in pages) == 3
    assert holder.balance_minor == 11_001
    assert len(adjustments()) == 1


def test_concurrent_approval_and_rejection_is_one_of_them(admin: AdminSession) -> None:
    holder = a_client(holds="10.00")
    ask(admin, holder)
    sessions = [admin_session_of(a_staff_member()) for _ in range(2)]

    race(2, lambda number: decide(sessions[number], ("approve", "reject")[number]))

    status = AdjustmentRequest.objects.get().status
    assert holder.balance_minor == (11_001 if status == Decision.APPROVED else 1_000)


def test_a_form_that_is_sent_twice_makes_one_request(admin: AdminSession) -> None:
    holder, key = a_client(holds="10.00"), str(uuid.uuid4())

    for _ in range(2):
        ask(admin, holder, key=key)

    assert AdjustmentRequest.objects.count() == 1


def test_approval_for_a_frozen_wallet_is_a_failed_attempt(
    admin: AdminSession, second: AdminSession
) -> None:
    holder = a_client(holds="10.00")
    ask(admin, holder)
    freeze(holder)

    page = decide(second, "approve")

    assert "wallet_not_active" in page.text
    assert holder.balance_minor == 1_000
    assert [row.failure_code for row in adjustments()] == ["wallet_not_active"]
    assert AdjustmentRequest.objects.get().status == Decision.FAILED


def test_a_wallet_that_was_emptied_meanwhile_is_not_overdrawn(
    admin: AdminSession, second: AdminSession
) -> None:
    holder = a_client(holds="200.00")
    ask(admin, holder, "150.00", direction="out")
    carry_out(order_withdrawal, holder.user, wallet_id=holder.wallet_id, amount="100.00")

    page = decide(second, "approve")

    assert "insufficient_funds" in page.text
    assert holder.balance_minor == 10_000
    assert "Somebody has decided" in decide(second, "approve").text


def test_an_expired_request_cannot_be_decided(
    admin: AdminSession, second: AdminSession, owner_dsn: str
) -> None:
    holder = a_client(holds="10.00")
    ask(admin, holder)
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("UPDATE commerce_adjustmentrequest SET expires_at = now()")

    page = decide(second, "approve")

    assert "Nobody decided about this adjustment in time" in page.text
    assert holder.balance_minor == 1_000
    assert admin.get(LIST, status="pending").rows == []
    assert len(admin.get(LIST, status="expired").rows) == 1


def test_splitting_an_adjustment_does_not_avoid_the_limit(
    admin: AdminSession, second: AdminSession
) -> None:
    holder, other = a_client(), a_client()
    ask(admin, holder, "60.00")

    again = ask(admin, holder, "40.01")
    elsewhere = ask(admin, other, "40.01")
    within = ask(admin, other, "40.00")
    by_another = ask(second, holder, "60.00")

    assert "a second operator decides" in again.text
    assert "a second operator decides" in elsewhere.text
    assert "Put in 40.00 USD" in within.text
    assert "Put in 60.00 USD" in by_another.text
    assert (holder.balance_minor, other.balance_minor) == (12_000, 4_000)


def test_each_asset_has_its_own_limit(admin: AdminSession) -> None:
    dollars, euros = a_client(), a_client(currency="EUR")

    pages = [ask(admin, holder, "100.00") for holder in (dollars, euros)]

    assert [page.text.count("second operator decides") for page in pages] == [0, 0]
    assert (dollars.balance_minor, euros.balance_minor) == (10_000, 10_000)


def test_debits_and_credits_count_towards_the_limit(admin: AdminSession) -> None:
    holder = a_client(holds="100.00")
    ask(admin, holder, "60.00")

    page = ask(admin, holder, "60.00", direction="out")

    assert "a second operator decides" in page.text
    assert holder.balance_minor == 16_000


def test_refused_adjustments_do_not_count(admin: AdminSession) -> None:
    holder = a_client()
    ask(admin, holder, "60.00", direction="out")

    ask(admin, holder, "100.00")

    assert holder.balance_minor == 10_000


def test_adjustments_older_than_a_day_do_not_count(
    admin: AdminSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = a_client()
    ask(admin, holder, "60.00")
    monkeypatch.setattr("commerce.staff_limit.COUNTED", timedelta(0))

    ask(admin, holder, "60.00")

    assert holder.balance_minor == 12_000


@pytest.mark.parametrize("wallets", [1, 3])
def test_concurrent_splitting_does_not_avoid_the_limit(operator: User, wallets: int) -> None:
    holders = [a_client() for _ in range(wallets)]

    def add(number: int) -> object:
        wallet_id = holders[number % wallets].wallet_id
        return unit_of_work(
            lambda: adjust(operator, wallet_id=wallet_id, amount="60", is_credit=True, reason="x")
        )

    results = race(3, add)

    assert sum(isinstance(result, AdjustmentRequest) for result in results) == 2
    assert sum(holder.balance_minor or 0 for holder in holders) == 6_000


def test_an_approved_adjustment_is_in_the_metrics(
    admin: AdminSession, second: AdminSession
) -> None:
    ask(admin, a_client())

    grown = increase_during(lambda: decide(second, "approve"))

    labels = {"kind": "adjustment", "asset": "USD", "code": "completed"}
    assert grown("wallet_transactions_total", **labels) == 1
    assert grown("wallet_transactions_amount_minor_total", **labels) == 10_001


def test_approved_adjustments_do_not_count(admin: AdminSession, second: AdminSession) -> None:
    holder = a_client()
    ask(admin, holder, "500.00")
    decide(second, "approve")

    ask(admin, holder, "100.00")

    assert holder.balance_minor == 60_000


def test_the_limit_is_in_major_units_of_each_asset(admin: AdminSession) -> None:
    euros = a_client(currency="EUR")

    page = ask(admin, euros, "100.01")

    assert "a second operator decides" in page.text


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_clients_cannot_decide(admin: AdminSession, verb: str) -> None:
    holder = a_client()
    ask(admin, holder)
    client = Client()
    client.force_login(holder.user)

    answer = client.post(f"{LIST}{AdjustmentRequest.objects.get().pk}/{verb}/", {"reason": "x"})

    assert (answer.status_code, holder.balance_minor) == (302, 0)


def test_a_decision_needs_a_csrf_token(admin: AdminSession) -> None:
    holder = a_client()
    ask(admin, holder)
    client = Client(enforce_csrf_checks=True)
    client.force_login(a_staff_member())

    answer = client.post(f"{LIST}{AdjustmentRequest.objects.get().pk}/approve/", {"reason": "x"})

    assert (answer.status_code, holder.balance_minor) == (403, 0)


def test_the_database_refuses_a_decision_by_the_requester(
    admin: AdminSession, operator: User, owner_dsn: str
) -> None:
    ask(admin, a_client())
    request_id = AdjustmentRequest.objects.get().pk

    with psycopg.connect(owner_dsn) as owner, pytest.raises(psycopg.errors.CheckViolation):
        owner.execute(
            "UPDATE commerce_adjustmentrequest SET status = 'rejected', decided_at = now(),"
            " decider_id = %s WHERE id = %s",
            [operator.pk, request_id],
        )


@pytest.mark.parametrize(
    "change", ["amount_minor = 1", "requester_id = gen_random_uuid()", "expires_at = 'infinity'"]
)
def test_a_request_cannot_be_changed(admin: AdminSession, owner_dsn: str, change: str) -> None:
    ask(admin, a_client())
    statement = f"UPDATE commerce_adjustmentrequest SET {change}"

    with pytest.raises(DatabaseError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(statement)
    with psycopg.connect(owner_dsn) as owner, pytest.raises(psycopg.errors.RestrictViolation):
        owner.execute(statement)


def test_a_decision_cannot_be_changed(admin: AdminSession) -> None:
    ask(admin, a_client())
    request_id = AdjustmentRequest.objects.get().pk
    unit_of_work(lambda: approve(a_staff_member(), request_id, reason="x"))

    with pytest.raises(DatabaseError, match="decided once"), connection.cursor() as cursor:
        cursor.execute("UPDATE commerce_adjustmentrequest SET decision_reason = 'y'")
