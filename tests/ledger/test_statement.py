"""Statements, details and transaction lists of a wallet: `/wallets/<id>…`."""

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commerce.charges import order_charge
from commerce.movements import move
from commerce.transfers import order_transfer
from core import replica
from core.times import rfc3339
from core.unit_of_work import unit_of_work
from ledger.history import MAX_ID
from ledger.kinds import Kind
from ledger.models import Transaction
from ledger.orders import Order
from ledger.post import post
from ledger.statements import statement
from tests.factories import Holder, a_client, a_company, carry_out, freeze
from tests.ledger.clock import put_ahead
from tests.ledger.reading import rows_read_by
from wallets.assets import system_wallet_id
from wallets.models import Purpose

pytestmark = pytest.mark.usefixtures("books")

WORLD = system_wallet_id("USD", Purpose.FUNDING)


def three_movements() -> tuple[Holder, list[Transaction]]:
    """A client who put in 100, paid 30 and was refused 500; oldest first."""
    client, company = a_client(holds="100.00"), a_company()
    carry_out(order_charge, company.user, wallet_id=client.wallet_id, amount="30", summary="=Tea")
    company.api.post(
        "/wallet/charge", {"wallet": str(client.wallet_id), "amount": 500, "summary": "Car"}
    )
    return client, list(Transaction.objects.order_by("id"))


def deposits(client: Holder, count: int) -> None:
    order = Order(Kind.DEPOSIT, WORLD, client.wallet_id, 100, "USD")
    unit_of_work(lambda: post([order] * count))


def there_and_back(client: Holder, times: int) -> None:
    """Put 100 in and take 1 out, again and again."""
    orders = [
        Order(Kind.DEPOSIT, WORLD, client.wallet_id, 100, "USD"),
        Order(Kind.WITHDRAWAL, client.wallet_id, WORLD, 1, "USD"),
    ]
    unit_of_work(lambda: post(orders * times))


def test_the_detail_shows_the_newest_entries_with_balances_around_them() -> None:
    client, _ = three_movements()

    wallet = client.api.get(f"/wallets/{client.wallet_id}").json

    assert wallet["balance"] == Decimal("70.00")
    assert [
        (row["type"], row["amount"], row["balanceBefore"], row["balanceAfter"], row["status"])
        for row in wallet["transactions"]
    ] == [
        ("CHARGE_OUT", 500, None, None, "FAILED"),
        ("CHARGE_OUT", 30, 100, 70, "COMPLETED"),
        ("FUND", 100, 0, 100, "COMPLETED"),
    ]
    assert {row["walletId"] for row in wallet["transactions"]} == {str(client.wallet_id)}


def test_the_detail_names_both_ends_of_a_transfer() -> None:
    sender, receiver = a_client(holds="10.00"), a_client()
    unit_of_work(
        lambda: move(
            order_transfer(
                sender.user, source_id=sender.wallet_id, target_id=receiver.wallet_id, amount="4"
            ),
            sender.user,
        )
    )

    [sent, *_] = sender.api.get(f"/wallets/{sender.wallet_id}").json["transactions"]
    [received] = receiver.api.get(f"/wallets/{receiver.wallet_id}").json["transactions"]

    assert (sent["type"], sent["balanceAfter"]) == ("TRANSFER_OUT", 6)
    assert (received["type"], received["balanceAfter"]) == ("TRANSFER_IN", 4)
    assert sent["id"] == received["id"]


def test_the_detail_shows_twenty() -> None:
    client = a_client()
    deposits(client, 25)

    assert len(client.api.get(f"/wallets/{client.wallet_id}").json["transactions"]) == 20


def test_transactions_tell_who_paid_whom_and_why_it_failed() -> None:
    client, _ = three_movements()

    page = client.api.get(f"/wallets/{client.wallet_id}/transactions").json

    failed, paid, deposited = page["data"]
    assert (failed["type"], failed["status"]) == ("charge", "failed")
    assert failed["errorMessage"] == "The wallet does not hold enough."
    assert (paid["senderWallet"], paid["status"]) == (str(client.wallet_id), "completed")
    assert paid["errorMessage"] is None
    assert (deposited["senderWallet"], deposited["receiverWallet"]) == (
        None,
        str(client.wallet_id),
    )
    assert page["pagination"] == {"limit": 20, "offset": 0, "hasMore": False, "nextCursor": None}


def test_transactions_by_cursor_give_what_offsets_give() -> None:
    client = a_client()
    deposits(client, 7)
    path = f"/wallets/{client.wallet_id}/transactions?limit=3"

    first = client.api.get(path).json
    second = client.api.get(f"{path}&cursor={first['pagination']['nextCursor']}").json
    third = client.api.get(f"{path}&cursor={second['pagination']['nextCursor']}").json

    assert second["data"] == client.api.get(f"{path}&offset=3").json["data"]
    assert third["data"] == client.api.get(f"{path}&offset=6").json["data"]
    assert (len(third["data"]), third["pagination"]["hasMore"]) == (1, False)


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", "offset=-1", "offset=1e9", "cursor=1", "page=2",
     "offset=0&cursor=019a2b3c-4d5e-7f60-8a91-b2c3d4e5f607"],
)  # fmt: skip
def test_a_page_that_makes_no_sense(query: str) -> None:
    client = a_client()

    reply = client.api.get(f"/wallets/{client.wallet_id}/transactions?{query}")

    assert (reply.status, reply.code) == (422, "validation_error")


def test_a_statement_leads_from_the_opening_to_the_closing_balance() -> None:
    client, _ = three_movements()

    told = client.api.get(f"/wallets/{client.wallet_id}/statement").json

    assert (told["openingBalance"], told["closingBalance"]) == (0, 70)
    assert [(row["type"], row["direction"], row["balance"]) for row in told["entries"]] == [
        ("deposit", "CREDIT", 100),
        ("charge", "DEBIT", 70),
    ]


def test_statements_of_adjoining_stretches_meet() -> None:
    client, (deposited, paid, _) = three_movements()
    at = paid.created_at
    path = f"/wallets/{client.wallet_id}/statement"
    assert deposited.created_at < at

    before = client.api.get(f"{path}?to={rfc3339(at)}").json
    after = client.api.get(f"{path}?from={rfc3339(at)}").json
    later = client.api.get(f"{path}?from={rfc3339(at + timedelta(days=1))}"
                           f"&to={rfc3339(at + timedelta(days=2))}").json  # fmt: skip

    assert (before["closingBalance"], after["openingBalance"]) == (100, 100)
    assert [len(told["entries"]) for told in (before, after, later)] == [1, 1, 0]
    assert (later["openingBalance"], later["closingBalance"]) == (70, 70)


@pytest.mark.parametrize(
    "asked", [{"path": "?format=csv"}, {"path": "", "Accept": "text/csv"}], ids=["query", "accept"]
)
def test_a_statement_as_csv(asked: dict[str, Any]) -> None:
    client, _ = three_movements()
    asked = dict(asked)

    reply = client.api.get(f"/wallets/{client.wallet_id}/statement{asked.pop('path')}", **asked)

    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(reply.raw.decode())))
    assert [(row["type"], row["amount"], row["balance"], row["summary"]) for row in rows] == [
        ("opening balance", "", "0.00", ""),
        ("deposit", "100.00", "100.00", ""),
        ("charge", "-30.00", "70.00", "'=Tea"),
        ("closing balance", "", "70.00", ""),
    ]


@pytest.mark.parametrize(
    "query",
    ["from=yesterday", "to=2026-01-01", "format=pdf", "from=2026-02-30T00:00:00Z",
     "from=2027-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "limit=5"],
)  # fmt: skip
def test_a_stretch_that_makes_no_sense(query: str) -> None:
    client = a_client()

    reply = client.api.get(f"/wallets/{client.wallet_id}/statement?{query}")

    assert (reply.status, reply.code) == (422, "validation_error")


def test_a_statement_is_read_in_chunks_and_is_not_moved_by_what_comes_later() -> None:
    client = a_client()
    there_and_back(client, 1_250)
    wallet = client.wallet
    told = statement(wallet, since=wallet.created_at, until=wallet.created_at + timedelta(days=1))

    with CaptureQueriesContext(connection) as queries:
        entries = told.entries()
        first = next(entries)
        deposits(client, 10)
        rest = list(entries)

    assert [entry.version for entry in (first, *rest)] == list(range(1, 2_501))
    balances = [entry.balance_after_minor for entry in (first, *rest)]
    assert balances == [n for whole in range(1, 1_251) for n in (99 * whole + 1, 99 * whole)]
    assert balances[-1] == told.closing_minor == 99 * 1_250
    reads = [query for query in queries.captured_queries if "ledger_entries" in query["sql"]]
    assert len(reads) == 3


def test_statements_meet_where_a_clock_has_stepped_back(owner_dsn: str) -> None:
    client = a_client()
    deposits(client, 4)
    first, second, _, fourth = Transaction.objects.order_by("target_version")
    put_ahead(owner_dsn, [second.id], timedelta(seconds=60))
    put_ahead(owner_dsn, [fourth.id], timedelta(seconds=90))
    at = first.created_at + timedelta(seconds=30)

    before = statement(client.wallet, until=at)
    after = statement(client.wallet, since=at)

    assert [entry.version for entry in before.entries()] == [1, 2, 3]
    assert [entry.version for entry in after.entries()] == [4]
    assert (before.closing_minor, after.opening_minor, after.closing_minor) == (300, 300, 400)


def test_a_chunk_reads_what_it_gives(old: Holder) -> None:
    entries = statement(old.wallet).entries()

    read = rows_read_by(lambda: next(entries))

    # The chunk, and one row more of each side.
    assert 1_000 <= read <= 1_002
    assert [entry.version for entry in entries] == list(range(2, 2_001))


def test_the_newest_entry_is_found_without_reading_the_others(old: Holder) -> None:
    newest = "SELECT version FROM ledger_newest_entry(%s, %s)"
    with connection.cursor() as cursor:
        assert rows_read_by(lambda: cursor.execute(newest, [old.wallet_id, MAX_ID])) <= 2
        assert cursor.fetchall() == [(2_000,)]


def test_what_a_replica_does_not_have_yet_is_read_from_the_primary(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = a_client()
    deposits(client, 3)
    told = statement(client.wallet)
    monkeypatch.setattr(replica, "read", lambda _alias, _query: [])

    assert [entry.version for entry in told.entries()] == [1, 2, 3]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/csv, application/json", "application/json"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/csv, */*", "text/csv; charset=utf-8"),
    ],
)
def test_a_statement_comes_as_it_is_liked_best(accept: str | None, content_type: str) -> None:
    client = a_client(holds="10.00")
    headers = {} if accept is None else {"Accept": accept}

    reply = client.api.get(f"/wallets/{client.wallet_id}/statement", **headers)

    assert (reply.status, reply.headers["Content-Type"]) == (200, content_type)


def test_a_frozen_wallet_still_tells_its_owner_everything() -> None:
    client, _ = three_movements()
    freeze(client)

    for path in ("", "/transactions", "/statement"):
        assert client.api.get(f"/wallets/{client.wallet_id}{path}").status == 200


@pytest.mark.parametrize("summary", ["=1+1", "+1", "-1", "@A1", "\uff1d1+1", "\u200b=1"])
def test_no_cell_is_a_formula(summary: str) -> None:
    client = a_client(holds="10.00")
    body = {"amount": "1.00", "description": summary}
    assert client.api.post(f"/wallets/{client.wallet_id}/withdraw", body).status == 200

    reply = client.api.get(f"/wallets/{client.wallet_id}/statement?format=csv")

    rows = list(csv.DictReader(io.StringIO(reply.raw.decode())))
    assert [row["summary"] for row in rows if row["type"] == "withdrawal"] == [f"'{summary}"]
