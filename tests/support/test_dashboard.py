"""The dashboard: the figures of a day at a bounded cost, and a notice for each that timed out."""

import json
from datetime import timedelta

import psycopg
import pytest
from django.core.cache import cache
from django.utils import timezone

from accounts.models import User
from support import figures
from tests.clock import Clock
from tests.factories import Holder, UserFactory, a_client, a_company, api_of
from tests.http_client import Reply
from tests.support.admin_session import TRIAL_BALANCE, AdminSession

pytestmark = pytest.mark.usefixtures("books")

DASHBOARD = "/admin/"


def charge(payer: Holder, company: Holder, amount: str) -> None:
    company.api.post(
        "/wallet/charge",
        {"wallet": str(payer.wallet_id), "amount": amount, "summary": "Tea"},
    )


def test_an_empty_service(admin: AdminSession) -> None:
    text = admin.get(DASHBOARD).text

    for expected in (
        "No USD moved in the last 24 hours.",
        "Nothing was refused in the last 24 hours.",
        "There were no charges in USD",
        "Oldest none",
        "In balance.",
        "no attempts",
    ):
        assert expected in text


def test_the_figures_of_a_day(admin: AdminSession) -> None:
    payer, company, other = a_client(holds="100.00"), a_company(), a_company()
    charge(payer, company, "12.50")
    charge(payer, other, "30.00")
    charge(payer, company, "999.00")
    charge(payer, company, "1.00")
    UserFactory.create(is_imported=True)  # signs nobody up

    page = admin.get(DASHBOARD)

    assert "Moved, USD 143.50" in page.text
    assert "Transactions 4" in page.text
    assert "Refused 1 20.0 % of attempts" in page.text
    assert "Sign-ups 3 1 as client, 2 as company" in page.text
    assert "Corner Shop 1 30.00 USD Corner Shop 2 13.50 USD" in page.text
    context = page.response.context
    assert '"data": ["0.00"' in context["volume"]
    assert '"43.50"' in context["volume"]
    assert "Insufficient Funds" in context["refusals"]


def test_each_asset_has_its_own_figures(admin: AdminSession) -> None:
    a_client(holds="10.00")
    a_client(holds="7.00", currency="EUR")

    assert "Moved, EUR 7.00" in admin.get(DASHBOARD, asset="EUR").text
    assert "Moved, USD 10.00" in admin.get(DASHBOARD, asset="nonsense").text


def test_older_transactions_are_not_in_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    a_client(holds="10.00")
    later = timezone.now() + timedelta(hours=25)
    monkeypatch.setattr(timezone, "now", lambda: later)

    hours = figures.hours()

    assert hours is not None
    assert len(hours) == 24
    assert not any(hour.counts for hour in hours)


def test_a_second_view_does_not_query_the_ledger(admin: AdminSession) -> None:
    a_client(holds="10.00")
    admin.get(DASHBOARD)

    queries = admin.queries(DASHBOARD)

    assert not [sql for sql in queries if "ledger_" in sql or "queuedtransaction" in sql]


def test_past_hours_are_read_once(admin: AdminSession, monkeypatch: pytest.MonkeyPatch) -> None:
    a_client(holds="10.00")
    first_ids: list[object] = []
    query = figures._query

    def count(statement: str, values: list[object]) -> list[tuple[object, ...]]:
        first_ids.append(values[0])
        return query(statement, values)

    monkeypatch.setattr(figures, "_query", count)
    first = figures.hours()
    cache.delete("dashboard_hours")
    second = figures.hours()

    assert first is not None
    assert second is not None
    assert [hour.counts for hour in first] == [hour.counts for hour in second]
    assert len(first_ids) == 2
    assert str(first_ids[1]) > str(first_ids[0])


def test_a_query_that_times_out_does_not_affect_the_others(
    admin: AdminSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = a_client(holds="10.00")
    monkeypatch.setattr(figures, "QUERY_TIMEOUT_MS", 1)
    slow = "SELECT pg_sleep(10)"
    monkeypatch.setattr(figures, "_read_hours", lambda *_: figures._query(slow, []))
    monkeypatch.setattr(figures, "_merchants", lambda *_: figures._query(slow, []))

    page = admin.get(DASHBOARD)

    assert page.status == 200
    assert "Too many transactions to add up" in page.text
    assert "Too many charges to add up" in page.text
    assert "In balance." in page.text
    assert holder.balance_minor == 1_000


def test_a_trial_balance_that_times_out_is_reported(
    admin: AdminSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_client(holds="10.00")
    slow = "SELECT symbol, 0, %s FROM wallets_asset, LATERAL pg_sleep(10)"
    monkeypatch.setattr("ledger.trial_balance._LINES", slow)
    monkeypatch.setattr(figures, "TRIAL_BALANCE_TIMEOUT_MS", 1)
    monkeypatch.setattr("support.transactions.TRIAL_BALANCE_TIMEOUT_MS", 1)

    dashboard, trial_balance = admin.get(DASHBOARD), admin.get(TRIAL_BALANCE)
    monkeypatch.undo()

    assert "Not checked" in dashboard.text
    assert "too large to compute the trial balance" in trial_balance.text
    assert "The books balance" not in trial_balance.text


@pytest.mark.parametrize(("findings", "expected"), [(0, "no errors"), (2, "2 wallets")])
def test_the_last_verification_is_shown(
    admin: AdminSession, findings: int, expected: str, owner_dsn: str
) -> None:
    before = admin.get(DASHBOARD).text
    cache.clear()
    with psycopg.connect(owner_dsn) as owner:
        owner.execute(
            "INSERT INTO ledger_verification (finished_at, seconds, findings, unbalanced_assets)"
            " VALUES (now(), 1, %s, 0)",
            [findings],
        )

    text = admin.get(DASHBOARD).text

    assert "have not been recomputed yet" in before
    assert expected in text
    assert ("The books are NOT in order" in text) is bool(findings)


def test_pending_approvals_are_counted(admin: AdminSession) -> None:
    holder = a_client()
    admin.post(
        f"/admin/wallets/wallet/{holder.wallet_id}/adjust/",
        direction="in",
        amount="1000000",
        reason="Ticket 1",
        key="00000000-0000-4000-8000-000000000001",
    )

    assert "Approvals 1" in admin.get(DASHBOARD).text


def test_the_axes_are_short_for_money_and_whole_for_attempts(admin: AdminSession) -> None:
    context = admin.get(DASHBOARD).response.context

    money, counts = (json.loads(context[name]) for name in ("money_options", "count_options"))

    assert money["scales"]["y"]["ticks"]["format"]["notation"] == "compact"
    assert counts["scales"]["y"]["ticks"] == {"precision": 0}


def hold(company: Holder, payer: Holder, amount: str, **more: object) -> Reply:
    reply = company.api.post(
        "/holds",
        {"wallet": str(payer.wallet_id), "amount": amount, "summary": "Room", **more},
    )
    assert reply.status == 201, reply.json
    return reply


def test_the_fees_of_a_day_and_in_all(admin: AdminSession, operator: User) -> None:
    payer, company = a_client(holds="100.00"), a_company()
    path = f"/company/{company.user.pk}/fee"
    assert api_of(operator).call("PUT", path, b'{"percent": "10"}').status == 200
    taken = company.api.post(
        "/wallet/charge",
        {"wallet": str(payer.wallet_id), "amount": "12.00", "summary": "Tea"},
    )
    refund = {"transaction": taken.json["transaction"], "amount": "6.00", "fee": "return"}
    assert company.api.post("/wallet/refund", refund).status == 200

    page = admin.get(DASHBOARD)

    assert "Fees, USD 0.60 0.60 in all" in page.text
    assert "Fee return" in page.response.context["volume"]


def test_what_is_held_now_without_what_has_expired(admin: AdminSession, clock: Clock) -> None:
    payer, company = a_client(holds="100.00"), a_company()
    hold(company, payer, "30.00", expires_in=60)
    hold(company, payer, "12.50", expires_in=86_400)
    captured = hold(company, payer, "5.00", expires_in=86_400).json["hold"]
    company.api.post(f"/holds/{captured}/capture", {})

    before = admin.get(DASHBOARD)
    cache.delete("dashboard_held")
    clock.move(61)
    after = admin.get(DASHBOARD).text

    assert "Held now, USD 42.50 2 active holds" in before.text
    # What is held does not move.
    assert "Moved, USD 105.00" in before.text
    assert '"Hold"' not in before.response.context["volume"]
    assert "Corner Shop 1 5.00 USD" in before.text
    assert "Held now, USD 12.50 1 active hold" in after
