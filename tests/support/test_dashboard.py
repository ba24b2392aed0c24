"""The first page of the admin: figures of a day, cheap to look at, and honest when they are not."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from ledger.models import Verification
from support import figures
from tests.factories import Holder, a_client, a_company
from tests.support.desk import TRIAL_BALANCE, Desk

pytestmark = pytest.mark.usefixtures("books")

DASHBOARD = "/admin/"


def charge(payer: Holder, company: Holder, amount: str) -> None:
    company.api.post(
        "/wallet/charge",
        {"wallet": str(payer.wallet_id), "amount": amount, "summary": "Tea"},
    )


def test_an_empty_service_says_so(desk: Desk) -> None:
    text = desk.get(DASHBOARD).text

    for expected in (
        "No USD moved in the last 24 hours.",
        "Nothing was refused in the last 24 hours.",
        "No company charged anybody in USD",
        "nothing waits",
        "In balance.",
        "nothing tried",
    ):
        assert expected in text


def test_it_tells_how_the_day_went(desk: Desk) -> None:
    payer, company, other = a_client(holds="100.00"), a_company(), a_company()
    charge(payer, company, "12.50")
    charge(payer, other, "30.00")
    charge(payer, company, "999.00")
    charge(payer, company, "1.00")

    page = desk.get(DASHBOARD)

    assert "KeyedResult, USD 143.50" in page.text
    assert "Transactions 4" in page.text
    assert "Refused 1 20.0 % of all attempts" in page.text
    assert "Sign-ups 3 1 as client, 2 as company" in page.text
    assert "Corner Shop 1 30.00 USD Corner Shop 2 13.50 USD" in page.text
    context = page.response.context
    assert '"data": ["0.00"' in context["volume"]
    assert '"43.50"' in context["volume"]
    assert "Insufficient Funds" in context["refusals"]


def test_each_asset_has_its_own_figures(desk: Desk) -> None:
    a_client(holds="10.00")
    a_client(holds="7.00", currency="EUR")

    assert "KeyedResult, EUR 7.00" in desk.get(DASHBOARD, asset="EUR").text
    assert "KeyedResult, USD 10.00" in desk.get(DASHBOARD, asset="nonsense").text


def test_what_is_older_than_a_day_is_not_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    a_client(holds="10.00")
    later = timezone.now() + timedelta(hours=25)
    monkeypatch.setattr(timezone, "now", lambda: later)

    hours = figures.hours()

    assert hours is not None
    assert len(hours) == 24
    assert not any(hour.counts for hour in hours)


def test_many_who_look_ask_the_ledger_once(desk: Desk) -> None:
    a_client(holds="10.00")
    desk.get(DASHBOARD)

    again = desk.queries(DASHBOARD)

    assert not [sql for sql in again if "ledger_" in sql or "queuedtransaction" in sql]


def test_hours_that_are_over_are_read_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    a_client(holds="10.00")
    asked: list[object] = []
    ask = figures._ask

    def count(statement: str, values: list[object]) -> list[tuple[object, ...]]:
        asked.append(values[0])
        return ask(statement, values)

    monkeypatch.setattr(figures, "_ask", count)
    first = figures.hours()
    cache.delete("dashboard_hours")
    second = figures.hours()

    assert first is not None
    assert second is not None
    assert [hour.counts for hour in first] == [hour.counts for hour in second]
    assert len(asked) == 2
    assert str(asked[1]) > str(asked[0])


def test_what_takes_too_long_keeps_nothing_else_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = a_client(holds="10.00")
    monkeypatch.setattr(figures, "QUERY_MS", 1)
    slow = "SELECT pg_sleep(10)"
    monkeypatch.setattr(figures, "_read_hours", lambda *_: figures._ask(slow, []))
    monkeypatch.setattr(figures, "_merchants", lambda *_: figures._ask(slow, []))

    page = desk.get(DASHBOARD)

    assert page.status == 200
    assert "Too many transactions to be added up" in page.text
    assert "Too many charges to be added up" in page.text
    assert "In balance." in page.text
    assert holder.balance_minor == 1_000


def test_a_ledger_too_long_to_weigh_is_said_to_be(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_client(holds="10.00")
    slow = "SELECT a.symbol, 0, 0, 0, 0 FROM wallets_asset a, LATERAL pg_sleep(10)"
    monkeypatch.setattr("ledger.trial_balance._LINES", slow)
    monkeypatch.setattr(figures, "WEIGH_MS", 1)
    monkeypatch.setattr("support.transactions.WEIGHED_WITHIN_MS", 1)

    dashboard, trial_balance = desk.get(DASHBOARD), desk.get(TRIAL_BALANCE)
    monkeypatch.undo()

    assert "Not weighed" in dashboard.text
    assert "too long to be weighed while you wait" in trial_balance.text
    assert "The books balance" not in trial_balance.text


@pytest.mark.parametrize(("findings", "said"), [(0, "nothing was off"), (2, "2 wallets")])
def test_the_last_verification_is_told(desk: Desk, findings: int, said: str) -> None:
    none_yet = desk.get(DASHBOARD).text
    cache.clear()
    Verification.objects.create(seconds=1, findings=findings, unbalanced_assets=0)

    text = desk.get(DASHBOARD).text

    assert "not recomputed yet" in none_yet
    assert said in text
    assert ("The books are NOT in order" in text) is bool(findings)


def test_approvals_that_wait_are_counted(desk: Desk) -> None:
    holder = a_client()
    desk.post(
        f"/admin/wallets/wallet/{holder.wallet_id}/adjust/",
        direction="in",
        amount="1000000",
        reason="Ticket 1",
        key="00000000-0000-4000-8000-000000000001",
    )

    assert "Approvals 1" in desk.get(DASHBOARD).text
