"""A wallet's history: every entry once, newest first, at the same cost on each page."""

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from core.unit_of_work import unit_of_work
from ledger.history import MIN_ID, history, transactions_of
from ledger.kinds import Kind
from ledger.models import Entry
from ledger.orders import Order
from ledger.post import post
from tests.factories import Holder, a_client, a_company, freeze
from tests.ledger.clock_skew import move_ids_ahead
from tests.ledger.query_cost import count_rows_read
from wallets.assets import system_wallet_id
from wallets.models import Purpose

pytestmark = pytest.mark.usefixtures("books")

FUNDING = system_wallet_id("USD", Purpose.FUNDING)


def post_each(*orders: Order) -> None:
    """Post the orders one by one, so that time passes between them."""
    for order in orders:
        unit_of_work(partial(post, [order]))


def rows_of(holder: Holder, query: str = "limit=200") -> list[dict[str, Any]]:
    reply = holder.api.get(f"/wallet/history/{holder.wallet_id}?{query}")
    assert reply.status == 200, reply.raw
    assert "Link" not in reply.headers
    rows: list[dict[str, Any]] = reply.json
    return rows


def pages_of(holder: Holder, query: str) -> Iterator[list[dict[str, Any]]]:
    """Follow the links to the last page."""
    path: str | None = f"/wallet/history/{holder.wallet_id}?{query}"
    while path:
        reply = holder.api.get(path)
        assert reply.status == 200, reply.raw
        yield reply.json
        link = re.fullmatch(r'<http://[^/]+(/[^>]+)>; rel="next"', reply.headers.get("Link", ""))
        assert link or "Link" not in reply.headers
        path = link.group(1) if link else None


@pytest.fixture
def busy() -> Holder:
    """A client with 25 entries on both sides and of several kinds, 5 of them failed."""
    busy, other, shop = a_client(), a_client(holds="10.00"), a_company()
    there = Order(Kind.TRANSFER, other.wallet_id, busy.wallet_id, 3, "USD")
    back = Order(Kind.TRANSFER, busy.wallet_id, other.wallet_id, 1, "USD")
    refused = Order(Kind.CHARGE, busy.wallet_id, shop.wallet_id, 10**6, "USD")
    deposit = Order(Kind.DEPOSIT, FUNDING, busy.wallet_id, 10, "USD")
    charge = Order(Kind.CHARGE, busy.wallet_id, shop.wallet_id, 2, "USD")
    post_each(*[there, back, refused, deposit, charge] * 5)
    return busy


def test_entries_are_newest_first_and_complete(busy: Holder) -> None:
    rows = rows_of(busy)

    kinds = ["transfer", "transfer", "charge", "deposit", "charge"] * 5
    assert [row["type"] for row in rows] == kinds[::-1]
    ids = [row["transaction"] for row in rows]
    assert ids == sorted(ids, reverse=True)
    charge, deposit, refused, back, there = rows[:5]
    own = str(busy.wallet_id)
    assert [row["source__token"] == own for row in rows[:5]] == [True, False, True, True, False]
    assert (deposit["source__token"], deposit["target__token"]) == (None, own)
    assert [float(row["amount"]) for row in rows[:5]] == [0.02, 0.10, 10_000, 0.01, 0.03]
    assert (refused["success"], refused["error"]) == (False, "insufficient_funds")
    assert refused["balance"] is None
    balances = [float(row["balance"]) for row in (charge, deposit, back, there)]
    assert balances == [0.50, 0.52, 0.42, 0.43]


@pytest.mark.parametrize("limit", [1, 4, 5, 24, 25])
def test_pages_give_every_row_once(limit: int, busy: Holder) -> None:
    pages = list(pages_of(busy, f"limit={limit}"))

    assert [row for page in pages for row in page] == rows_of(busy)
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert 1 <= len(pages[-1]) <= limit


def test_a_new_entry_between_two_pages_shifts_no_row(busy: Holder) -> None:
    before = rows_of(busy)
    pages = pages_of(busy, "limit=10")

    first = next(pages)
    post_each(Order(Kind.DEPOSIT, FUNDING, busy.wallet_id, 1, "USD"))

    assert [*first, *(row for page in pages for row in page)] == before


@pytest.mark.parametrize(
    ("query", "is_kept"),
    [
        ("success=true", lambda row: row["success"]),
        ("success=false", lambda row: not row["success"]),
        ("type=deposit", lambda row: row["type"] == "deposit"),
        ("type=charge", lambda row: row["type"] == "charge"),
        ("type=charge&success=true", lambda row: row["type"] == "charge" and row["success"]),
        ("type=refund", lambda row: False),
    ],
)
def test_filters(query: str, is_kept: Callable[[dict[str, Any]], bool], busy: Holder) -> None:
    kept = [row for row in rows_of(busy) if is_kept(row)]

    assert rows_of(busy, f"{query}&limit=200") == kept
    assert [row for page in pages_of(busy, f"{query}&limit=3") for row in page] == kept


def test_from_is_inclusive_and_to_is_exclusive(busy: Holder) -> None:
    rows = rows_of(busy)
    dates = sorted({row["date"] for row in rows})
    assert len(dates) > 5

    for date in dates:
        since = [row for row in rows if row["date"] >= date]
        assert rows_of(busy, f"from={date}&limit=200") == since
        until = [row for row in rows if row["date"] < date]
        assert rows_of(busy, f"to={date}&limit=200") == until
    middle = [row for row in rows if dates[1] <= row["date"] < dates[-1]]
    window = f"from={dates[1]}&to={dates[-1]}"
    assert [row for page in pages_of(busy, f"{window}&limit=4") for row in page] == middle


def test_a_failed_attempt_is_in_both_wallets_histories() -> None:
    payer, company, other = a_client(holds="1.00"), a_company(), a_client()
    body = {"wallet": str(payer.wallet_id), "amount": "2.00", "summary": "Tea"}

    assert company.api.post("/wallet/charge", body).status == 400
    freeze(payer)
    assert company.api.post("/wallet/charge", body).status == 409

    shown_to_payer, shown_to_company = str(company.wallet.address), str(company.wallet_id)
    for side, target in ((payer, shown_to_payer), (company, shown_to_company)):
        [frozen, poor] = rows_of(side, "success=false&limit=200")
        assert (frozen["error"], poor["error"]) == ("wallet_not_active", "insufficient_funds")
        for row in (frozen, poor):
            assert (row["success"], row["balance"], row["summary"]) == (False, None, "Tea")
            assert row["source__token"] == str(payer.wallet_id)
            assert row["target__token"] == target
    assert rows_of(other) == []
    assert (payer.balance_minor, company.balance_minor) == (100, 0)


@pytest.mark.parametrize("is_first", [True, False], ids=["first page", "later page"])
@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"success": True},
        {"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2100, 1, 1, tzinfo=UTC)},
    ],
    ids=["all", "completed", "window"],
)
def test_a_page_never_reads_a_wallets_whole_history(
    filters: dict[str, Any], is_first: bool, long_history: Holder
) -> None:
    cursor = None if is_first else history(long_history.wallet_id, limit=500).next_cursor

    read = count_rows_read(
        lambda: history(long_history.wallet_id, limit=50, cursor=cursor, **filters)
    )

    # A page and one row more on each side, which shows whether there is a next page.
    assert 51 <= read <= 2 * 51, f"{read} rows were read for a page of 50"


@pytest.mark.parametrize("skipped", [0, 3, 12])
@pytest.mark.parametrize("wanted", [1, 9, 10, 11, 25, 30])
def test_a_page_continues_in_earlier_months(
    wanted: int, skipped: int, busy: Holder, owner_dsn: str
) -> None:
    ids = sorted(row.transaction_id for row in history(busy.wallet_id, limit=25).entries)
    later = move_ids_ahead(owner_dsn, ids[15:], timedelta(days=60))
    above_all = uuid.UUID(int=later[-1].int + 1)

    page = Entry.objects.raw(
        "SELECT * FROM ledger_history(%s, %s, %s, NULL, NULL, %s, %s)",
        [busy.wallet_id, above_all, MIN_ID, skipped, wanted],
    )

    newest_first = [*later[::-1], *ids[14::-1]]
    assert [row.transaction_id for row in page] == newest_first[skipped : skipped + wanted]


def test_a_page_of_several_wallets_reads_a_page_of_each_side(long_history: Holder) -> None:
    others = [a_client().wallet_id for _ in range(3)]

    read = count_rows_read(lambda: transactions_of([long_history.wallet_id, *others], count=51))

    assert 51 <= read <= 2 * 51
