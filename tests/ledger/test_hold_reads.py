"""Holds, captures, splits and fees in histories, lists and statements, for each side."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.times import rfc3339
from core.unit_of_work import unit_of_work
from ledger.history import transactions_of
from ledger.kinds import Kind
from ledger.models import Entry, Hold, Transaction
from ledger.orders import Order
from ledger.post import post_group, post_or_deny
from ledger.statements import statement
from tests.factories import Holder, a_client, a_company, an_operator, api_of, charge
from tests.ledger.holds import capture_hold, increment_hold, place_hold, void_hold
from tests.ledger.query_cost import count_rows_read
from wallets.models import Fee

pytestmark = pytest.mark.usefixtures("books")


@dataclass(frozen=True)
class Stay:
    guest: Holder
    hotel: Holder
    hold: Hold
    void: Hold


@pytest.fixture
def stay() -> Stay:
    """A deposit of 10.00, a hold of 5.00 and 1.00 more, 4.00 captured of it, and a void."""
    guest, hotel = a_client(holds="10.00"), a_company()
    hold = place_hold(guest, hotel, 500)
    increment_hold(hold, 100)
    capture_hold(hold, 400)
    void = place_hold(guest, hotel, 30)
    void_hold(void)
    return Stay(guest, hotel, hold, void)


def rows_of(holder: Holder, query: str = "limit=200") -> list[dict[str, Any]]:
    reply = holder.api.get(f"/wallet/history/{holder.wallet_id}?{query}")
    assert reply.status == 200, reply.raw
    rows: list[dict[str, Any]] = reply.json
    return rows


# --- /wallet/history --------------------------------------------------------------------------


def test_the_payer_sees_what_was_held_and_the_balance_stays(stay: Stay) -> None:
    rows = rows_of(stay.guest)

    assert [(row["type"], row["amount"], row["balance"]) for row in rows[::-1]] == [
        ("deposit", 10, 10),
        ("hold", 5, 10),
        ("hold", 1, 10),
        ("capture", 4, 6),
        ("release", 2, 6),
        ("hold", Decimal("0.30"), 6),
        ("release", Decimal("0.30"), 6),
    ]
    kept, void = str(stay.hold.pk), str(stay.void.pk)
    assert [row["hold"] for row in rows] == [void, void, kept, kept, kept, kept, None]
    released, captured = rows[2:4]
    assert captured["group"] == released["group"] is not None
    assert {row["group"] for row in (*rows[:2], *rows[4:])} == {None}


def test_the_company_sees_what_it_captured_only(stay: Stay) -> None:
    [captured] = rows_of(stay.hotel)

    assert (captured["type"], captured["amount"], captured["balance"]) == ("capture", 4, 4)
    assert captured["hold"] == str(stay.hold.pk)
    assert captured["group"] is not None


@pytest.mark.parametrize(
    ("query", "at_guest", "at_hotel"),
    [
        ("type=hold", 3, 0),
        ("type=release", 2, 0),
        ("type=capture", 1, 1),
        ("type=split", 0, 0),
        ("type=fee", 0, 0),
        ("type=fee_return", 0, 0),
        ("success=true", 7, 1),
    ],
)
def test_filters_know_the_new_kinds(query: str, at_guest: int, at_hotel: int, stay: Stay) -> None:
    assert (len(rows_of(stay.guest, query)), len(rows_of(stay.hotel, query))) == (
        at_guest,
        at_hotel,
    )


def test_pages_skip_the_companys_side_and_lose_nothing(stay: Stay) -> None:
    other = a_client(holds="1.00")
    assert charge(stay.hotel, "0.10", wallet=other.wallet_id).status == 200
    for _ in range(3):
        void_hold(place_hold(stay.guest, stay.hotel, 10))
    assert charge(stay.hotel, "0.20", wallet=other.wallet_id).status == 200
    path = f"/wallets/{stay.hotel.wallet_id}/transactions?limit=1"

    pages = [stay.hotel.api.get(path).json]
    while pages[-1]["pagination"]["hasMore"]:
        pages.append(
            stay.hotel.api.get(f"{path}&cursor={pages[-1]['pagination']['nextCursor']}").json
        )

    assert [[row["type"] for row in page["data"]] for page in pages] == [
        ["charge"],
        ["charge"],
        ["capture"],
    ]


def test_a_hold_that_failed_is_in_the_payers_history_only() -> None:
    guest, hotel = a_client(holds="1.00"), a_company()
    order = Order(
        Kind.HOLD, guest.wallet_id, hotel.wallet_id, 200, "USD", "Room", hotel.user.pk,
        hold_id=uuid.uuid4(), hold_seconds=600,
    )  # fmt: skip

    unit_of_work(lambda: post_or_deny([order]))

    failed, _ = rows_of(guest)
    assert (failed["type"], failed["success"], failed["error"]) == (
        "hold",
        False,
        "insufficient_funds",
    )
    assert (failed["balance"], failed["hold"]) == (None, None)
    assert rows_of(hotel) == []
    assert guest.wallet.held_minor == 0


# --- Names of wallets -------------------------------------------------------------------------


def test_a_company_sees_the_token_that_it_held_and_captured_by(stay: Stay) -> None:
    [captured] = rows_of(stay.hotel)

    assert captured["source__token"] == str(stay.guest.wallet_id)
    assert captured["target__token"] == str(stay.hotel.wallet_id)
    addresses = {row["target__token"] for row in rows_of(stay.guest) if row["hold"]}
    assert addresses == {str(stay.hotel.wallet.address)}


def test_by_a_pay_token_a_company_sees_the_address(owner_dsn: str) -> None:
    guest, hotel = a_client(holds="10.00"), a_company()
    shown = guest.api.post(
        "/paytokens", {"wallet": str(guest.wallet_id), "max_amount": "5.00"}
    ).json
    hold_id = uuid.uuid4()
    place = Order(
        Kind.HOLD, guest.wallet_id, hotel.wallet_id, 300, "USD", "Room", hotel.user.pk,
        paytoken_id=uuid.UUID(shown["id"]), hold_id=hold_id, hold_seconds=600,
    )  # fmt: skip
    unit_of_work(lambda: post_or_deny([place]))

    capture_hold(Hold.objects.get(pk=hold_id))

    [captured] = rows_of(hotel)
    assert captured["source__token"] == str(guest.wallet.address)
    assert {row["source__token"] for row in rows_of(guest) if row["hold"]} == {str(guest.wallet_id)}


def test_splits_are_shown_by_address_and_a_fee_has_no_other_side() -> None:
    payer, shop, helper = a_client(holds="10.00"), a_company(), a_client()
    Fee.objects.create(wallet_id=shop.wallet_id, percent=Decimal(10))
    group = uuid.uuid4()
    orders = [
        Order(Kind.CHARGE, payer.wallet_id, shop.wallet_id, 500, "USD", "Tea", shop.user.pk,
              group_id=group),
        Order(Kind.SPLIT, shop.wallet_id, helper.wallet_id, 100, "USD", "Tea", shop.user.pk,
              group_id=group),
    ]  # fmt: skip
    assert isinstance(unit_of_work(lambda: post_group(orders)), list)

    split, fee, charged = rows_of(shop)
    [received] = rows_of(helper)
    paid, _ = rows_of(payer)

    assert [row["type"] for row in (split, fee, charged)] == ["split", "fee", "charge"]
    assert [row["balance"] for row in (split, fee, charged)] == [
        Decimal("3.50"),
        Decimal("4.50"),
        5,
    ]
    assert {row["group"] for row in (split, fee, charged, received, paid)} == {str(group)}
    own, helpers = str(shop.wallet_id), str(helper.wallet.address)
    assert (fee["source__token"], fee["target__token"]) == (own, None)
    assert (split["source__token"], split["target__token"]) == (own, helpers)
    assert charged["source__token"] == str(payer.wallet_id)
    assert received["source__token"] == str(shop.wallet.address)
    assert received["target__token"] == str(helper.wallet_id)

    document = shop.api.get(f"/wallets/{shop.wallet_id}/statement").json
    assert document["closingBalance"] == Decimal("3.50")
    assert [(row["type"], row["counterparty"], row["group"]) for row in document["entries"]] == [
        ("charge", str(payer.wallet_id), str(group)),
        ("fee", None, str(group)),
        ("split", helpers, str(group)),
    ]
    shown = api_of(an_operator()).get(f"/api/v1/wallet/ledger/{shop.user.pk}").json["data"]
    assert [row["account"] for row in shown if row["account"].startswith("SYSTEM")] == [
        "SYSTEM:fees"
    ]


# --- /wallets and /api/v1 ---------------------------------------------------------------------


def test_a_wallets_detail_has_the_same_balance_before_and_after_a_hold(stay: Stay) -> None:
    rows = stay.guest.api.get(f"/wallets/{stay.guest.wallet_id}").json["transactions"]

    assert [(row["type"], row["balanceBefore"], row["balanceAfter"]) for row in rows] == [
        ("RELEASE", 6, 6),
        ("HOLD", 6, 6),
        ("RELEASE", 6, 6),
        ("CAPTURE_OUT", 10, 6),
        ("HOLD", 10, 10),
        ("HOLD", 10, 10),
        ("FUND", 0, 10),
    ]
    assert rows[2]["group"] == rows[3]["group"] is not None
    [captured] = stay.hotel.api.get(f"/wallets/{stay.hotel.wallet_id}").json["transactions"]
    assert (captured["type"], captured["balanceBefore"]) == ("CAPTURE_IN", 0)
    assert captured["group"] == rows[3]["group"]


def test_lists_of_a_wallets_transactions_have_the_holds_of_the_payer(stay: Stay) -> None:
    at_guest, at_hotel = (
        holder.api.get(f"/wallets/{holder.wallet_id}/transactions").json["data"]
        for holder in (stay.guest, stay.hotel)
    )

    kinds = ["release", "hold", "release", "capture", "hold", "hold", "deposit"]
    assert [row["type"] for row in at_guest] == kinds
    assert [row["type"] for row in at_hotel] == ["capture"]
    assert at_hotel[0]["senderWallet"] == str(stay.guest.wallet_id)
    assert at_hotel[0]["group"] == at_guest[3]["group"] is not None


def test_the_platform_sees_holds_of_the_payer_and_no_sides_of_them(stay: Stay) -> None:
    platform = api_of(an_operator())

    def listed(name: str, holder: Holder) -> list[dict[str, Any]]:
        reply = platform.get(f"/api/v1/wallet/{name}/{holder.user.pk}?limit=200")
        assert reply.status == 200, reply.raw
        rows: list[dict[str, Any]] = reply.json["data"]
        return rows

    assert [(row["type"], row["balance"]) for row in listed("transactions", stay.guest)] == [
        ("RELEASE", 6),
        ("HOLD", 6),
        ("RELEASE", 6),
        ("CAPTURE", 6),
        ("HOLD", 10),
        ("HOLD", 10),
        ("DEPOSIT", 10),
    ]
    assert [row["type"] for row in listed("transactions", stay.hotel)] == ["CAPTURE"]
    assert [
        (row["account"], row["direction"], row["amount"]) for row in listed("ledger", stay.guest)
    ] == [
        (str(stay.guest.wallet_id), "DEBIT", 4),
        (str(stay.hotel.wallet_id), "CREDIT", 4),
        ("SYSTEM:funding", "DEBIT", 10),
        (str(stay.guest.wallet_id), "CREDIT", 10),
    ]
    assert [row["direction"] for row in listed("ledger", stay.hotel)] == ["DEBIT", "CREDIT"]


def test_a_companys_side_of_holds_costs_its_own_lists_no_row(stay: Stay) -> None:
    found = transactions_of([stay.hotel.wallet_id, stay.guest.wallet_id], count=50)

    assert len(found) == len({each.pk for each in found}) == 7
    assert [each.kind for each in transactions_of([stay.hotel.wallet_id], count=50)] == ["capture"]


# --- Statements -------------------------------------------------------------------------------


def times_of(holder: Holder) -> list[datetime]:
    transactions = Transaction.objects.filter(source_id=holder.wallet_id)
    return list(transactions.order_by("id").values_list("created_at", flat=True))


def test_a_statement_has_what_moved_and_ends_with_the_right_balance(stay: Stay) -> None:
    at_guest, at_hotel = (
        holder.api.get(f"/wallets/{holder.wallet_id}/statement").json
        for holder in (stay.guest, stay.hotel)
    )

    assert (at_guest["openingBalance"], at_guest["closingBalance"]) == (0, 6)
    assert [(row["type"], row["balance"]) for row in at_guest["entries"]] == [
        ("deposit", 10),
        ("capture", 6),
    ]
    assert (at_hotel["openingBalance"], at_hotel["closingBalance"]) == (0, 4)
    assert [row["type"] for row in at_hotel["entries"]] == ["capture"]
    lines = stay.guest.api.get(f"/wallets/{stay.guest.wallet_id}/statement?format=csv").raw
    assert lines.decode().count("\r\n") == 1 + 2 + 2


def test_a_period_of_nothing_but_holds_is_empty_between_two_equal_balances() -> None:
    guest, hotel = a_client(holds="10.00"), a_company()
    void_hold(place_hold(guest, hotel, 500))
    hold = place_hold(guest, hotel, 100)
    since = rfc3339(times_of(guest)[0])

    document = guest.api.get(f"/wallets/{guest.wallet_id}/statement?from={since}").json

    assert hold.remaining_minor == 100
    assert document["entries"] == []
    assert document["openingBalance"] == document["closingBalance"] == 10


def test_statements_meet_in_the_middle_of_a_hold(stay: Stay) -> None:
    wallet = stay.guest.wallet
    for moment in (*times_of(stay.guest), *[at + timedelta(milliseconds=1)
                                            for at in times_of(stay.guest)]):  # fmt: skip
        before, after = statement(wallet, until=moment), statement(wallet, since=moment)

        assert before.closing_minor == after.opening_minor
        for each in (before, after):
            moved = sum(entry.moved_minor for entry in each.entries())
            assert each.opening_minor + moved == each.closing_minor
        kinds = [entry.kind for part in (before, after) for entry in part.entries()]
        assert kinds == ["deposit", "capture"]


def test_batches_without_anything_that_moved_do_not_end_a_statement() -> None:
    guest, hotel = a_client(holds="10.00"), a_company()
    for _ in range(205):
        void_hold(place_hold(guest, hotel, 1))
    assert charge(hotel, "1.00", wallet=guest.wallet_id).status == 200
    for _ in range(105):
        void_hold(place_hold(guest, hotel, 1))

    document = statement(guest.wallet)

    assert [(entry.kind, entry.version) for entry in document.entries()] == [
        ("deposit", 1),
        ("charge", 412),
    ]
    assert document.closing_minor == 900


# --- Cost -------------------------------------------------------------------------------------


def test_the_newest_rows_of_many_holds_are_read_from_the_end() -> None:
    guest, hotel = a_client(holds="10.00"), a_company()
    for _ in range(100):
        void_hold(place_hold(guest, hotel, 1))
    page = "SELECT * FROM ledger_history(%s, %s, %s, NULL, NULL, 0, 20)"
    ends = [uuid.UUID(int=2**128 - 1), uuid.UUID(int=0)]

    read = count_rows_read(lambda: list(Entry.objects.raw(page, [guest.wallet_id, *ends])))

    assert 20 <= read <= 2 * 21
