"""The history of a wallet: all its transactions, newest first, page by page."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from ledger.models import Transaction
from tests.factories import Holder, a_client, a_company
from tests.http_client import Api, Reply

pytestmark = pytest.mark.usefixtures("books")

FIELDS = {
    "summary",
    "source__token",
    "target__token",
    "amount",
    "success",
    "date",
    "transaction",
    "type",
    "balance",
    "error",
    "group",
    "hold",
}

# fmt: off
QUERIES = (
    ("",                                       200),
    ("limit=1",                                200),
    ("limit=200",                              200),
    ("limit=007",                              200),
    ("success=true",                           200),
    ("success=false",                          200),
    ("type=charge",                            200),
    ("cursor=0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f11", 200),
    ("from=2026-01-31T12:00:00Z",              200),
    ("from=2026-01-31T12:00:00.123456Z",       200),
    ("from=2026-01-31T12:00:00%2B02:00",       200),
    ("to=9999-12-31T23:59:59Z",                200),
    ("from=0001-01-01T00:00:00Z",              200),
    ("from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", 422),
    ("limit=0",                                422),
    ("limit=201",                              422),
    ("limit=1000000000000000000000",           422),
    ("limit=-1",                               422),
    ("limit=%2B5",                             422),
    ("limit=%205",                             422),
    ("limit=5.0",                              422),
    ("limit=1e1",                              422),
    ("limit=%D9%A5",                           422),  # an Arabic 5
    ("limit=abc",                              422),
    ("limit=",                                 422),
    ("limit=5&limit=5",                        422),
    ("cursor=abc",                             422),
    ("cursor=",                                422),
    ("cursor=5",                               422),
    ("cursor=0b8e3d567d0f4b569f6a5f0f4f4a8f11", 422),
    ("cursor=%00",                             422),
    ("from=yesterday",                         422),
    ("from=2026-01-31",                        422),
    ("from=2026-01-31T12:00:00",               422),
    ("from=2026-01-31T12:00:00+02:00",         422),  # a bare plus is a space
    ("from=2026-02-30T12:00:00Z",              422),
    ("from=2026-01-31T25:00:00Z",              422),
    ("from=1769860800",                        422),
    ("from=",                                  422),
    ("from=0001-01-01T00:00:00%2B23:59",       422),
    ("to=9999-12-31T23:59:59-23:59",           422),
    ("to=tomorrow",                            422),
    ("success=yes",                            422),
    ("success=True",                           422),
    ("success=1",                              422),
    ("success=",                               422),
    ("type=CHARGE",                            422),
    ("type=present",                           422),
    ("type=",                                  422),
    ("type=charge&type=refund",                422),
    ("page=2",                                 422),
    ("Limit=5",                                422),
    ("offset=5",                               422),
    ("%00=5",                                  422),
)
# fmt: on


@pytest.mark.parametrize(("query", "status"), QUERIES)
def test_query(query: str, status: int) -> None:
    client = a_client(holds="5.00")

    reply = _history(client, query)

    assert reply.status == status
    if status == 200:
        assert all(set(row) == FIELDS for row in reply.json)
    else:
        assert reply.code == "validation_error"
        assert list(reply.json["details"]) == [unquote(query.partition("=")[0])]


def test_every_kind_of_row_newest_first() -> None:
    payer, company = a_client(holds="100.00"), a_company()
    _wallet_post(payer, "withdraw", amount=1)
    _wallet_post(payer, "withdraw", amount=500)
    charge = company.api.post(
        "/wallet/charge", {"wallet": str(payer.wallet_id), "amount": 20, "summary": "Tea"}
    ).json["transaction"]
    company.api.post("/wallet/refund", {"transaction": charge, "amount": 5})

    rows = _history(payer).json

    me, shop = str(payer.wallet_id), str(company.wallet.address)
    assert [_main_fields(row) for row in rows] == [
        ("refund", shop, me, Decimal(5), True, Decimal(84), None),
        ("charge", me, shop, Decimal(20), True, Decimal(79), None),
        ("withdrawal", me, None, Decimal(500), False, None, "insufficient_funds"),
        ("withdrawal", me, None, Decimal(1), True, Decimal(99), None),
        ("deposit", None, me, Decimal(100), True, Decimal(100), None),
    ]
    assert rows[1]["transaction"] == charge
    assert all(set(row) == FIELDS for row in rows)
    dates = [row["date"] for row in rows]
    assert dates == sorted(dates, reverse=True)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", date) for date in dates)
    ages = [datetime.now(UTC) - datetime.fromisoformat(date) for date in dates]
    assert all(abs(age.total_seconds()) < 60 for age in ages)


def test_history_of_a_new_wallet_is_empty() -> None:
    client = a_client()

    reply = _history(client)

    assert (reply.status, reply.json, "Link" in reply.headers) == (200, [], False)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("success=true", [("deposit", 5), ("withdrawal", 4), ("deposit", 100)]),
        ("success=false", [("withdrawal", 900)]),
        ("type=deposit", [("deposit", 5), ("deposit", 100)]),
        ("type=withdrawal", [("withdrawal", 900), ("withdrawal", 4)]),
        ("type=withdrawal&success=true", [("withdrawal", 4)]),
        ("type=refund", []),
    ],
)
def test_filters(query: str, expected: list[tuple[str, int]]) -> None:
    client = a_client(holds="100.00")
    _wallet_post(client, "withdraw", amount=4)
    _wallet_post(client, "deposit", amount=5)
    _wallet_post(client, "withdraw", amount=900)

    rows = _history(client, query).json

    assert [(row["type"], row["amount"]) for row in rows] == expected


def test_from_is_inclusive_and_to_is_not() -> None:
    client = a_client()
    for amount in (1, 2, 3):
        _wallet_post(client, "deposit", amount=amount)
    rows = _history(client).json

    for moment in (row["date"] for row in rows):
        since = _history(client, f"from={moment}").json
        until = _history(client, f"to={moment}").json
        empty = _history(client, f"from={moment}&to={moment}").json

        assert since == [row for row in rows if row["date"] >= moment]
        assert until == [row for row in rows if row["date"] < moment]
        assert empty == []
    assert _history(client, "from=2000-01-01T00:00:00Z&to=2100-01-01T00:00:00Z").json == rows


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
def test_links_lead_through_every_row_once(limit: int) -> None:
    client = a_client(holds="100.00")
    for amount in (1, 2, 3, 4):
        _wallet_post(client, "withdraw", amount=amount)

    pages = _pages(client, f"limit={limit}")

    rows = [row for page in pages for row in page]
    assert [row["amount"] for row in rows] == [4, 3, 2, 1, 100]
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert len(pages) == -(-5 // limit), "no empty page at the end"


def test_links_keep_the_filters_and_do_not_shift_when_something_happens() -> None:
    client = a_client(holds="100.00")
    for amount in (1, 2, 900, 3):
        _wallet_post(client, "withdraw", amount=amount)

    first = _history(
        client, "limit=2&type=withdrawal&success=true&from=2000-01-01T00:00:00%2B01:00"
    )
    _wallet_post(client, "withdraw", amount=7)
    second = client.api.get(_next(first))

    assert [row["amount"] for row in first.json] == [3, 2]
    assert [row["amount"] for row in second.json] == [1]
    assert "Link" not in second.headers


def test_a_page_has_fifty_rows_unless_asked_otherwise() -> None:
    client = a_client()
    body = {"wallet": str(client.wallet_id), "amount": 1}
    for _ in range(51):
        client.api.post("/wallet/withdraw", body)

    pages = _pages(client)

    assert [len(page) for page in pages] == [50, 1]


def test_reading_writes_nothing(api: Api) -> None:
    client = a_client(holds="100.00")

    replies = [_history(client), _history(Holder(client.user, api, client.wallet_id))]

    assert [reply.status for reply in replies] == [200, 401]
    assert Transaction.objects.count() == 1


def _main_fields(row: dict[str, Any]) -> tuple[Any, ...]:
    names = ("type", "source__token", "target__token", "amount", "success", "balance", "error")
    return tuple(row[name] for name in names)


def _history(holder: Holder, query: str = "") -> Reply:
    return holder.api.get(f"/wallet/history/{holder.wallet_id}?{query}")


def _wallet_post(holder: Holder, action: str, *, amount: int) -> None:
    holder.api.post(f"/wallet/{action}", {"wallet": str(holder.wallet_id), "amount": amount})


def _pages(holder: Holder, query: str = "") -> list[list[dict[str, Any]]]:
    """Return the pages, following each link to its end."""
    reply = _history(holder, query)
    pages = [reply.json]
    while "Link" in reply.headers:
        assert len(pages) < 20, "the links lead in a circle"
        reply = holder.api.get(_next(reply))
        assert reply.status == 200
        pages.append(reply.json)
    return pages


def _next(reply: Reply) -> str:
    """Return the path and the query of the next page."""
    found = re.fullmatch(r'<(http://testserver/[^>]+)>; rel="next"', reply.headers["Link"])
    assert found, reply.headers["Link"]
    link = urlsplit(found[1])
    return f"{link.path}?{link.query}"
