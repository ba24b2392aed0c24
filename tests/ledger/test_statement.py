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
from tests.ledger.clock_skew import move_ids_ahead
from tests.ledger.query_cost import count_rows_read
from wallets.assets import system_wallet_id
from wallets.models import Purpose

pytestmark = pytest.mark.usefixtures("books")

FUNDING = system_wallet_id("USD", Purpose.FUNDING)


def three_movements() -> tuple[Holder, list[Transaction]]:
    """A client with a deposit of 100, a charge of 30 and a failed one of 500; oldest first."""
    client, company = a_client(holds="100.00"), a_company()
    carry_out(order_charge, company.user, payer=client.wallet_id, amount="30", summary="=Tea")
    company.api.post(
        "/wallet/charge", {"wallet": str(client.wallet_id), "amount": 500, "summary": "Car"}
    )
    return client, list(Transaction.objects.order_by("id"))


def deposits(client: Holder, count: int) -> None:
    order = Order(Kind.DEPOSIT, FUNDING, client.wallet_id, 100, "USD")
    unit_of_work(lambda: post([order] * count))


def deposits_and_withdrawals(client: Holder, times: int) -> None:
    """Deposit 100 and withdraw 1, in minor units, `times` times."""
    orders = [
        Order(Kind.DEPOSIT, FUNDING, client.wallet_id, 100, "USD"),
        Order(Kind.WITHDRAWAL, client.wallet_id, FUNDING, 1, "USD"),
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


def test_the_detail_shows_a_transfer_to_both_owners() -> None:
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


def test_the_detail_shows_twenty_transactions() -> None:
    client = a_client()
    deposits(client, 25)

    assert len(client.api.get(f"/wallets/{client.wallet_id}").json["transactions"]) == 20


def test_transactions_have_sender_receiver_and_failure() -> None:
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


def test_pages_by_cursor_equal_pages_by_offset() -> None:
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
def test_invalid_page_parameters(query: str) -> None:
    client = a_client()

    reply = client.api.get(f"/wallets/{client.wallet_id}/transactions?{query}")

    assert (reply.status, reply.code) == (422, "validation_error")


def test_a_statement_leads_from_the_opening_to_the_closing_balance() -> None:
    client, _ = three_movements()

    document = client.api.get(f"/wallets/{client.wallet_id}/statement").json

    assert (document["openingBalance"], document["closingBalance"]) == (0, 70)
    assert [(row["type"], row["direction"], row["balance"]) for row in document["entries"]] == [
        ("deposit", "CREDIT", 100),
        ("charge", "DEBIT", 70),
    ]


def test_balances_of_adjoining_periods_match() -> None:
    client, (deposited, paid, _) = three_movements()
    at = paid.created_at
    path = f"/wallets/{client.wallet_id}/statement"
    assert deposited.created_at < at

    before = client.api.get(f"{path}?to={rfc3339(at)}").json
    after = client.api.get(f"{path}?from={rfc3339(at)}").json
    later = client.api.get(f"{path}?from={rfc3339(at + timedelta(days=1))}"
                           f"&to={rfc3339(at + timedelta(days=2))}").json  # fmt: skip

    assert (before["closingBalance"], after["openingBalance"]) == (100, 100)
    assert [len(document["entries"]) for document in (before, after, later)] == [1, 1, 0]
    assert (later["openingBalance"], later["closingBalance"]) == (70, 70)


@pytest.mark.parametrize(
    "parameters",
    [{"path": "?format=csv"}, {"path": "", "Accept": "text/csv"}],
    ids=["query", "accept"],
)
def test_a_statement_as_csv(parameters: dict[str, Any]) -> None:
    client, _ = three_movements()
    parameters = dict(parameters)

    reply = client.api.get(
        f"/wallets/{client.wallet_id}/statement{parameters.pop('path')}", **parameters
    )

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
     "from=2027-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "limit=5",
     "from=2026-01-01T00:00:00%2B00:99", "from=2026-01-01T00:00:00-24:00",
     "to=2026-01-01T00:60:00Z", "to=2026-01-01T24:00:00Z", "to=2026-01-01T00:00:60Z"],
)  # fmt: skip
def test_invalid_statement_parameters(query: str) -> None:
    client = a_client()

    reply = client.api.get(f"/wallets/{client.wallet_id}/statement?{query}")

    assert (reply.status, reply.code) == (422, "validation_error")


def test_a_statement_from_the_future_is_empty() -> None:
    client = a_client(holds="10.00")
    ahead = rfc3339(client.wallet.created_at + timedelta(days=400))

    reply = client.api.get(f"/wallets/{client.wallet_id}/statement?from={ahead}")

    assert (reply.status, reply.json["from"], reply.json["to"]) == (200, ahead, ahead)
    assert reply.json["entries"] == []
    assert reply.json["openingBalance"] == reply.json["closingBalance"] == Decimal("10.00")


def test_a_statement_that_ends_before_the_wallet_begins_is_empty() -> None:
    client = a_client(holds="10.00")
    before = rfc3339(client.wallet.created_at - timedelta(days=400))

    reply = client.api.get(f"/wallets/{client.wallet_id}/statement?to={before}")

    assert (reply.status, reply.json["from"], reply.json["to"]) == (200, before, before)
    assert reply.json["entries"] == []
    assert reply.json["openingBalance"] == reply.json["closingBalance"] == 0


def test_a_statement_is_read_in_batches_and_ignores_later_entries() -> None:
    client = a_client()
    deposits_and_withdrawals(client, 1_250)
    wallet = client.wallet
    document = statement(
        wallet, since=wallet.created_at, until=wallet.created_at + timedelta(days=1)
    )

    with CaptureQueriesContext(connection) as queries:
        entries = document.entries()
        first = next(entries)
        deposits(client, 10)
        rest = list(entries)

    assert [entry.version for entry in (first, *rest)] == list(range(1, 2_501))
    balances = [entry.balance_after_minor for entry in (first, *rest)]
    assert balances == [n for whole in range(1, 1_251) for n in (99 * whole + 1, 99 * whole)]
    assert balances[-1] == document.closing_minor == 99 * 1_250
    reads = [query for query in queries.captured_queries if "ledger_entries" in query["sql"]]
    assert len(reads) == 13


def test_balances_match_after_a_clock_stepped_back(owner_dsn: str) -> None:
    client = a_client()
    deposits(client, 4)
    first, second, _, fourth = Transaction.objects.order_by("target_version")
    move_ids_ahead(owner_dsn, [second.id], timedelta(seconds=60))
    move_ids_ahead(owner_dsn, [fourth.id], timedelta(seconds=90))
    at = first.created_at + timedelta(seconds=30)

    before = statement(client.wallet, until=at)
    after = statement(client.wallet, since=at)

    assert [entry.version for entry in before.entries()] == [1, 2, 3]
    assert [entry.version for entry in after.entries()] == [4]
    assert (before.closing_minor, after.opening_minor, after.closing_minor) == (300, 300, 400)


def test_a_batch_reads_only_the_rows_it_returns(long_history: Holder) -> None:
    entries = statement(long_history.wallet).entries()

    read = count_rows_read(lambda: next(entries))

    # The batch, and one row more on each side.
    assert 200 <= read <= 202
    assert [entry.version for entry in entries] == list(range(2, 2_001))


def test_the_newest_entry_is_found_without_reading_the_others(long_history: Holder) -> None:
    newest = "SELECT version FROM ledger_newest_entry(%s, %s)"
    with connection.cursor() as cursor:
        assert (
            count_rows_read(lambda: cursor.execute(newest, [long_history.wallet_id, MAX_ID])) <= 2
        )
        assert cursor.fetchall() == [(2_000,)]


def test_entries_missing_on_the_replica_are_read_from_the_primary(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = a_client()
    deposits(client, 3)
    document = statement(client.wallet)
    monkeypatch.setattr(replica, "read", lambda _alias, _query: [])

    assert [entry.version for entry in document.entries()] == [1, 2, 3]


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
def test_the_accept_header_decides_the_format(accept: str | None, content_type: str) -> None:
    client = a_client(holds="10.00")
    headers = {} if accept is None else {"Accept": accept}

    reply = client.api.get(f"/wallets/{client.wallet_id}/statement", **headers)

    assert (reply.status, reply.headers["Content-Type"]) == (200, content_type)


def test_the_owner_of_a_frozen_wallet_can_read_everything() -> None:
    client, _ = three_movements()
    freeze(client)

    for path in ("", "/transactions", "/statement"):
        assert client.api.get(f"/wallets/{client.wallet_id}{path}").status == 200


@pytest.mark.parametrize(
    ("summary", "cell"),
    [("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@A1", "'@A1"), ("\uff1d1+1", "'\uff1d1+1"),
     ("\u200b=1", "'\u200b=1"), ("x;=1+1", "x;'=1+1"), ("x\t=1+1", "x\t'=1+1"),
     ('x;"=1+1', 'x;\'"=1+1'), ("x\r\n=1+1", "x\r\n'=1+1"), ("a; b", "a; b"), ("1-1", "1-1")],
)  # fmt: skip
def test_no_csv_cell_is_a_formula(summary: str, cell: str) -> None:
    client = a_client(holds="10.00")
    body = {"amount": "1.00", "description": summary}
    assert client.api.post(f"/wallets/{client.wallet_id}/withdraw", body).status == 200

    reply = client.api.get(f"/wallets/{client.wallet_id}/statement?format=csv")

    rows = list(csv.DictReader(io.StringIO(reply.raw.decode(), newline="")))
    assert [row["summary"] for row in rows if row["type"] == "withdrawal"] == [cell]
    quoted = cell.replace('"', '""')
    assert f',"{quoted}"\r\n' in reply.raw.decode()
