"""Transactions in the admin: the search, at a cost that does not grow, and the trial balance."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest

from accounts.models import User
from commerce.cash import order_deposit, order_withdrawal
from core.times import rfc3339
from core.unit_of_work import unit_of_work
from ledger.models import Transaction
from support import transaction_search
from support.operator_admin import OperatorAdmin
from tests.factories import Holder, a_client, a_company, carry_out
from tests.support.admin_session import TRANSACTIONS, TRIAL_BALANCE, AdminSession, Page
from wallets.services import open_cash_wallet

pytestmark = pytest.mark.usefixtures("books")


def a_charge(payer: Holder, amount: str, request_id: str = "req-1") -> Transaction:
    """Charge the payer, refused or not, and return the recorded transaction."""
    a_company().api.post(
        "/wallet/charge",
        {"wallet": str(payer.wallet_id), "amount": amount, "summary": "Tea"},
        **{"X-Request-ID": request_id},
    )
    return Transaction.objects.latest("id")


def all_pages(admin: AdminSession, **query: str) -> list[Page]:
    pages = [admin.get(TRANSACTIONS, **query)]
    while (next_url := pages[-1].next_url) is not None:
        pages.append(admin.get(f"{TRANSACTIONS}{next_url}"))
    return pages


@pytest.mark.parametrize(
    "query_of",
    [
        lambda payer, charge: str(charge.pk),
        lambda payer, charge: f" {str(charge.pk).upper()} ",
        lambda payer, charge: charge.request_id,
        lambda payer, charge: str(charge.target_id),
    ],
)
def test_a_transaction_is_found(
    admin: AdminSession, query_of: Callable[[Holder, Transaction], str]
) -> None:
    payer = a_client(holds="10.00")
    charge = a_charge(payer, "2.50", request_id=str(uuid.uuid4()))
    a_client(holds="20.00")

    assert admin.get(TRANSACTIONS, q=query_of(payer, charge)).ids == [str(charge.pk)]


def test_a_customer_finds_the_transactions_of_all_their_wallets(admin: AdminSession) -> None:
    payer = a_client(holds="10.00")
    euros = unit_of_work(lambda: open_cash_wallet(payer.user, "EUR"))
    carry_out(order_deposit, payer.user, wallet_id=euros.pk, amount="5.00")
    charge = a_charge(payer, "2.50")
    a_client(holds="20.00")
    newest_first = [
        str(pk) for pk in Transaction.objects.order_by("-id").values_list("pk", flat=True)
    ]

    by_email = admin.get(TRANSACTIONS, q=payer.user.email.upper()).ids

    assert by_email == newest_first[1:]
    assert by_email[0] == str(charge.pk)
    assert admin.get(TRANSACTIONS, q=str(payer.user.pk)).ids == by_email
    assert admin.get(TRANSACTIONS, q=str(payer.wallet_id)).ids == [by_email[0], by_email[2]]


@pytest.mark.parametrize("query", ["nobody@example.com", "req-2", "10.00", str(uuid.UUID(int=7))])
def test_unknown_queries_find_nothing(admin: AdminSession, query: str) -> None:
    a_charge(a_client(holds="10.00"), "2.50")

    assert admin.get(TRANSACTIONS, q=query).rows == []


def test_a_user_without_a_wallet_has_no_transactions(admin: AdminSession, operator: User) -> None:
    a_client(holds="10.00")

    assert admin.get(TRANSACTIONS, q=operator.email).rows == []
    assert admin.get(TRANSACTIONS, q=operator.email, outcome="failed").rows == []


def test_filters_by_kind_asset_and_outcome(admin: AdminSession) -> None:
    payer = a_client(holds="10.00")
    a_client(holds="5.00", currency="EUR")
    charge, failed = a_charge(payer, "2.50"), a_charge(payer, "99.00")

    assert admin.get(TRANSACTIONS, kind="charge").ids == [str(failed.pk), str(charge.pk)]
    assert admin.get(TRANSACTIONS, outcome="failed").ids == [str(failed.pk)]
    assert admin.get(TRANSACTIONS, outcome="insufficient_funds").ids == [str(failed.pk)]
    assert admin.get(TRANSACTIONS, outcome="balance_limit").ids == []
    assert str(failed.pk) not in admin.get(TRANSACTIONS, outcome="completed").ids
    assert len(admin.get(TRANSACTIONS, asset_id="EUR").ids) == 1
    of_payer = admin.get(TRANSACTIONS, q=payer.user.email, outcome="completed", kind="charge")
    assert of_payer.ids == [str(charge.pk)]


def test_a_failed_attempt_shows_amount_and_failure_code(admin: AdminSession) -> None:
    payer = a_client(holds="10.00")
    failed = a_charge(payer, "99.00", request_id="req-9")

    listed = admin.get(TRANSACTIONS, outcome="failed").text
    page = admin.get(f"{TRANSACTIONS}{failed.pk}/change/").text

    for text in (listed, page):
        assert "99.00 USD" in text
        assert "insufficient_funds" in text
        assert payer.user.email in text
    assert "req-9" in page
    assert "Tea" in page


def test_a_system_wallet_is_shown_by_its_name(admin: AdminSession) -> None:
    a_client(holds="10.00")

    assert "SYSTEM:funding" in admin.get(TRANSACTIONS).text


def test_pages_follow_each_other_without_a_gap(
    admin: AdminSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OperatorAdmin, "list_per_page", 2)
    holder = a_client(holds="10.00")
    for _ in range(4):
        carry_out(order_withdrawal, holder.user, wallet_id=holder.wallet_id, amount="1.00")
    every_id = [str(pk) for pk in Transaction.objects.order_by("-id").values_list("pk", flat=True)]

    for query in ({}, {"q": str(holder.wallet_id)}, {"q": holder.user.email}):
        pages = all_pages(admin, **query)

        assert [page.ids for page in pages] == [every_id[:2], every_id[2:4], every_id[4:]]


def test_a_search_without_an_index_continues_on_the_next_page(
    admin: AdminSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = a_client(holds="10.00")
    charge = a_charge(holder, "1.00", request_id="req-old")
    for _ in range(4):
        carry_out(order_withdrawal, holder.user, wallet_id=holder.wallet_id, amount="1.00")
    monkeypatch.setattr(transaction_search, "TRANSACTIONS_SCANNED", 3)

    for query in ({"q": "req-old"}, {"kind": "charge"}, {"kind": "charge", "q": holder.user.email}):
        first, *others = all_pages(admin, **query)

        assert first.ids == []
        assert "and none before" in first.text
        assert [pk for page in others for pk in page.ids] == [str(charge.pk)]
        assert others[-1].next_url is None


def test_a_list_can_start_before_a_time(admin: AdminSession) -> None:
    holder = a_client(holds="10.00")
    charge = a_charge(holder, "1.00")
    later = charge.created_at + timedelta(milliseconds=1)

    assert admin.get(TRANSACTIONS, p=rfc3339(later)).ids[0] == str(charge.pk)
    assert str(charge.pk) not in admin.get(TRANSACTIONS, p=rfc3339(charge.created_at)).ids
    assert admin.get(TRANSACTIONS, p="2020-01-31T12:00").rows == []


@pytest.mark.parametrize("query", [{}, {"outcome": "completed"}, {"q": "email"}])
def test_the_list_takes_as_many_queries_for_many_rows(
    admin: AdminSession, query: dict[str, str]
) -> None:
    holder = a_client(holds="100.00")
    query = {name: holder.user.email if name == "q" else value for name, value in query.items()}
    few = admin.queries(TRANSACTIONS, **query)
    for _ in range(6):
        a_charge(holder, "1.00")

    many = admin.queries(TRANSACTIONS, **query)

    assert len(admin.get(TRANSACTIONS, **query).rows) == 7
    assert len(many) == len(few)
    assert not [sql for sql in many if "COUNT(" in sql or "LIKE" in sql]


def test_the_trial_balance_of_now_and_of_an_earlier_time(admin: AdminSession) -> None:
    holder = a_client(holds="100.00")
    carry_out(order_withdrawal, holder.user, wallet_id=holder.wallet_id, amount="40.00")
    _first, second = Transaction.objects.order_by("id")

    now, then = admin.get(TRIAL_BALANCE), admin.get(TRIAL_BALANCE, at=rfc3339(second.created_at))

    assert "The books balance" in now.text
    assert "USD 60.00 -60.00 0.00 0.00 0.00" in now.text
    assert "USD 100.00 -100.00 0.00 0.00 0.00" in then.text


def test_the_trial_balance_refuses_an_invalid_time(admin: AdminSession) -> None:
    page = admin.get(TRIAL_BALANCE, at="yesterday")

    assert "Enter a valid date/time." in page.text
    assert "balance:" not in page.text


def test_the_trial_balance_reports_unbalanced_books(admin: AdminSession, owner_dsn: str) -> None:
    holder = a_client(holds="12.50")
    forged = "UPDATE ledger_transaction SET target_balance_minor = %s WHERE target_id = %s"

    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute(forged, [9_999, holder.wallet_id])
        page = admin.get(TRIAL_BALANCE)
        owner.execute(forged, [1_250, holder.wallet_id])

    assert "do NOT balance" in page.text
    assert "87.49" in page.text


def test_a_refund_links_to_its_charge(admin: AdminSession) -> None:
    payer, company = a_client(holds="10.00"), a_company()
    charge = company.api.post(
        "/wallet/charge", {"wallet": str(payer.wallet_id), "amount": "4.00", "summary": "Tea"}
    ).json["transaction"]
    company.api.post("/wallet/refund", {"transaction": charge})
    refund = Transaction.objects.latest("id")

    page = admin.get(f"{TRANSACTIONS}{refund.pk}/change/")

    assert f"{TRANSACTIONS}{charge}/change/" in page.response.content.decode()
