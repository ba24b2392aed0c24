"""Holds: a company sets money aside, and takes it later or leaves it."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from ledger.kinds import Kind
from ledger.models import Hold, Transaction
from tests.clock import Clock
from tests.factories import (
    Holder,
    a_client,
    a_company,
    a_paytoken,
    an_operator,
    api_of,
    freeze,
    set_charges,
)
from tests.http_client import Reply

pytestmark = pytest.mark.usefixtures("books")

WEEK = 7 * 86_400


def hold(company: Holder, amount: Any, payer: Holder | None = None, **fields: Any) -> Reply:
    named = {} if payer is None else {"wallet": str(payer.wallet_id)}
    return company.api.post("/holds", {**named, "amount": amount, "summary": "Room 12", **fields})


def change(company: Holder, held: Reply, action: str, **fields: Any) -> Reply:
    return company.api.post(f"/holds/{held.json['hold']}/{action}", fields)


def seen(holder: Holder, held: Reply) -> Reply:
    return holder.api.get(f"/holds/{held.json['hold']}")


def available(holder: Holder) -> tuple[Decimal, Decimal]:
    info = holder.api.get(f"/wallet/info/{holder.wallet_id}").json
    return info["balance"], info["available"]


def a_stay(amount: str = "40.00", **fields: Any) -> tuple[Holder, Holder, Reply]:
    """A guest with 100, a hotel, and what it holds of the guest's."""
    guest, hotel = a_client(holds="100.00"), a_company()
    return guest, hotel, hold(hotel, amount, guest, **fields)


def kinds_of(holder: Holder) -> list[str]:
    rows = holder.api.get(f"/wallet/history/{holder.wallet_id}").json
    return [row["type"] for row in reversed(rows)]


def test_money_is_set_aside_and_stays_the_payer_s() -> None:
    guest, hotel, held = a_stay(reference="booking-4711", metadata={"room": "12"})

    assert held.status == 201
    assert held.json == {
        "hold": str(Hold.objects.get().id),
        "status": "active",
        "amount": Decimal("40.00"),
        "captured": Decimal("0.00"),
        "remaining": Decimal("40.00"),
        "currency": "USD",
        "summary": "Room 12",
        "reference": "booking-4711",
        "metadata": {"room": "12"},
        "expires_at": held.json["expires_at"],
        "created_at": held.json["created_at"],
    }
    assert available(guest) == (Decimal("100.00"), Decimal("60.00"))
    assert seen(hotel, held).json == held.json
    assert seen(guest, held).json == {**held.json, "reference": None, "metadata": None}
    assert (kinds_of(guest), kinds_of(hotel)) == (["deposit", "hold"], [])
    more_than_left = guest.api.post(f"/wallets/{guest.wallet_id}/withdraw", {"amount": "60.01"})
    assert more_than_left.code == "insufficient_funds"
    assert more_than_left.json["details"] == {
        "available": Decimal("60.00"),
        "shortfall": Decimal("0.01"),
    }


def test_a_capture_takes_what_remains() -> None:
    guest, hotel, held = a_stay()

    taken = change(hotel, held, "capture")

    assert (taken.status, taken.json["status"]) == (200, "captured")
    assert (taken.json["captured"], taken.json["remaining"]) == (Decimal("40.00"), 0)
    assert (taken.json["wallet"], taken.json["balance"]) == (str(hotel.wallet_id), Decimal("40.00"))
    assert taken.json["fee"] == 0
    assert available(guest) == (Decimal("60.00"), Decimal("60.00"))
    assert kinds_of(guest) == ["deposit", "hold", "capture"]
    assert kinds_of(hotel) == ["capture"]
    row = Transaction.objects.get(pk=taken.json["transaction"])
    assert (row.kind, row.source_held_minor, row.amount_minor) == (Kind.CAPTURE, 0, 4_000)


def test_a_final_capture_releases_the_rest() -> None:
    guest, hotel, held = a_stay()

    taken = change(hotel, held, "capture", amount="15.00")

    assert (taken.json["captured"], taken.json["remaining"]) == (Decimal("15.00"), 0)
    assert taken.json["status"] == "captured"
    assert available(guest) == (Decimal("85.00"), Decimal("85.00"))
    assert kinds_of(guest) == ["deposit", "hold", "capture", "release"]
    rows = Transaction.objects.filter(hold_id=held.json["hold"]).exclude(kind=Kind.HOLD)
    assert len({row.group_id for row in rows}) == 1


def test_several_captures_take_it_part_by_part() -> None:
    guest, hotel, held = a_stay()

    first = change(hotel, held, "capture", amount="15.00", final=False)
    too_much = change(hotel, held, "capture", amount="25.01", final=False)
    last = change(hotel, held, "capture", amount="25.00", final=False)

    assert (first.json["status"], first.json["remaining"]) == ("active", Decimal("25.00"))
    assert (too_much.status, too_much.code) == (400, "capture_exceeds_hold")
    assert too_much.json["details"] == {"remaining": Decimal("25.00")}
    assert (last.json["status"], last.json["captured"]) == ("captured", Decimal("40.00"))
    assert available(guest) == (Decimal("60.00"), Decimal("60.00"))
    assert kinds_of(guest) == ["deposit", "hold", "capture", "capture"]


def test_an_increment_holds_more_and_extends_no_time() -> None:
    guest, hotel, held = a_stay()

    more = change(hotel, held, "increment", amount="20.00")
    too_much = change(hotel, held, "increment", amount="40.01")

    assert more.json == {**held.json, "amount": Decimal("60.00"), "remaining": Decimal("60.00")}
    assert (too_much.status, too_much.code) == (400, "insufficient_funds")
    assert available(guest) == (Decimal("100.00"), Decimal("40.00"))
    [failed, *_] = guest.api.get(f"/wallet/history/{guest.wallet_id}").json
    assert (failed["type"], failed["error"]) == ("hold", "insufficient_funds")


@pytest.mark.parametrize("by", ["company", "operator"])
def test_a_void_gives_it_back(by: str) -> None:
    guest, hotel, held = a_stay()
    api = hotel.api if by == "company" else api_of(an_operator())

    voided = api.post(f"/holds/{held.json['hold']}/void")

    assert (voided.status, voided.json["status"]) == (200, "voided")
    assert (voided.json["remaining"], voided.json["captured"]) == (0, 0)
    assert available(guest) == (Decimal("100.00"), Decimal("100.00"))
    assert kinds_of(guest) == ["deposit", "hold", "release"]


@pytest.mark.parametrize("end", ["capture", "void"])
@pytest.mark.parametrize("action", ["capture", "void", "increment"])
def test_a_hold_ends_once(end: str, action: str) -> None:
    guest, hotel, held = a_stay()
    ended = change(hotel, held, end)
    before = available(guest)
    fields = {"amount": "1.00"} if action == "increment" else {}

    again = change(hotel, held, action, **fields)

    assert (again.status, again.code) == (409, "hold_not_active")
    assert again.json["details"] == {"status": ended.json["status"]}
    assert available(guest) == before


def test_at_its_time_the_money_is_free_whether_or_not_anything_has_swept(clock: Clock) -> None:
    guest, hotel, held = a_stay(expires_in=3_600)

    clock.move(3_601)

    assert available(guest) == (Decimal("100.00"), Decimal("100.00"))
    assert seen(hotel, held).json["status"] == seen(guest, held).json["status"] == "expired"
    assert seen(hotel, held).json["remaining"] == 0
    [listed] = hotel.api.get("/holds?status=expired").json
    assert listed["status"] == "expired"
    assert hotel.api.get("/holds?status=active").json == []
    for action in ("capture", "void", "increment"):
        late = change(hotel, held, action, **({"amount": 1} if action == "increment" else {}))
        assert (late.status, late.code) == (409, "hold_expired")
    assert hotel.balance_minor == 0


def test_a_charge_that_needs_what_has_expired_gets_it(clock: Clock) -> None:
    guest, hotel, _ = a_stay(expires_in=60)
    clock.move(61)

    all_of_it = hotel.api.post(
        "/wallet/charge", {"wallet": str(guest.wallet_id), "amount": "100.00", "summary": "Stay"}
    )

    assert all_of_it.status == 200
    assert (guest.balance_minor, hotel.balance_minor) == (0, 10_000)
    assert kinds_of(guest) == ["deposit", "hold", "release", "charge"]


# fmt: off
WRONG = [
    ({"amount": 0},                       400, "amount_not_positive"),
    ({"amount": "100.01"},                400, "insufficient_funds"),
    ({"amount": "1.001"},                 422, "validation_error"),
    ({"expires_in": 59},                  422, "validation_error"),
    ({"expires_in": 30 * 86_400 + 1},     422, "validation_error"),
    ({"summary": None},                   422, "validation_error"),
    ({"wallet": str(uuid.UUID(int=5))},   404, "not_found"),
    ({"paytoken": "pt_x"},                422, "validation_error"),
    ({"reference": "x" * 101},            422, "validation_error"),
    ({"metadata": {"K": "v"}},            422, "validation_error"),
    ({"splits": []},                      422, "validation_error"),
]
# fmt: on


@pytest.mark.parametrize(("fields", "status", "code"), WRONG)
def test_what_is_wrong_is_refused_and_nothing_is_held(
    fields: dict[str, Any], status: int, code: str
) -> None:
    guest, hotel = a_client(holds="100.00"), a_company()

    reply = hold(hotel, **{"amount": "5.00", "payer": guest, **fields})

    assert (reply.status, reply.code) == (status, code)
    assert available(guest) == (Decimal("100.00"), Decimal("100.00"))
    assert not Hold.objects.exists()


def test_zero_never_means_all() -> None:
    guest, hotel, held = a_stay()

    replies = [change(hotel, held, each, amount=0) for each in ("capture", "increment")]

    assert [(r.status, r.code) for r in replies] == [(400, "amount_not_positive")] * 2
    assert available(guest) == (Decimal("100.00"), Decimal("60.00"))


def test_strangers_see_and_change_none() -> None:
    guest, _, held = a_stay()
    other = a_company()

    assert {seen(each, held).status for each in (other, a_client())} == {404}
    assert {change(other, held, each).status for each in ("capture", "void")} == {404}
    assert change(other, held, "increment", amount=1).status == 404
    assert {change(guest, held, each).status for each in ("capture", "void")} == {403}
    assert other.api.get("/holds").json == []
    assert available(guest) == (Decimal("100.00"), Decimal("60.00"))


@pytest.mark.parametrize("side", ["payer", "company"])
def test_a_frozen_wallet_refuses_all_but_a_void(side: str) -> None:
    guest, hotel, held = a_stay()
    freeze(guest if side == "payer" else hotel)

    refused = [
        hold(hotel, "1.00", guest),
        change(hotel, held, "increment", amount="1.00"),
        change(hotel, held, "capture"),
    ]

    assert {(r.status, r.code) for r in refused} == {(409, "wallet_not_active")}
    assert Transaction.objects.filter(failure_code="wallet_not_active").count() == 3
    assert seen(hotel, held).json["status"] == "active"
    assert change(hotel, held, "void").status == 200


def test_the_policy_of_the_moment_decides_and_a_capture_asks_it_no_more() -> None:
    guest, hotel, held = a_stay()
    set_charges(guest, "paytoken")

    assert hold(hotel, "1.00", guest).code == "charge_not_approved"
    assert change(hotel, held, "increment", amount="1.00").code == "charge_not_approved"
    assert change(hotel, held, "capture").status == 200


def test_an_approval_s_limits_count_the_whole_of_a_hold() -> None:
    guest, hotel = a_client(holds="100.00"), a_company()
    set_charges(guest, "approved")
    guest.api.post(
        "/wallet/approvals",
        {
            "wallet": str(guest.wallet_id), "company": str(hotel.user.pk),
            "max_amount": "30.00", "max_per_day": "50.00",
        },
    )  # fmt: skip
    held = hold(hotel, "20.00", guest)

    assert change(hotel, held, "increment", amount="10.01").code == "approval_exceeded"
    assert change(hotel, held, "increment", amount="10.00").status == 200
    change(hotel, held, "void")
    assert hold(hotel, "20.01", guest).code == "approval_exceeded", "a void gives nothing back"
    assert hold(hotel, "20.00", guest).status == 201


def test_a_pay_token_s_use_is_spent_when_it_is_held_and_its_cap_is_the_hold_s() -> None:
    guest, hotel = a_client(holds="100.00"), a_company()
    capped, open_token = a_paytoken(guest, max_amount="30.00"), a_paytoken(guest)

    held = hold(hotel, "20.00", paytoken=capped)
    uncapped = hold(hotel, "5.00", paytoken=open_token)

    assert (held.status, uncapped.status) == (201, 201)
    assert hold(hotel, "1.00", paytoken=capped).code == "paytoken_used"
    above = change(hotel, held, "increment", amount="10.01")
    assert (above.status, above.code) == (400, "paytoken_exceeded")
    assert above.json["details"] == {"max_amount": Decimal("30.00")}
    none = change(hotel, uncapped, "increment", amount="0.01")
    assert (none.code, none.json["details"]) == ("paytoken_exceeded", {"max_amount": None})
    assert change(hotel, held, "increment", amount="10.00").status == 200
    assert change(hotel, held, "capture").status == 200
    [capture, *_] = hotel.api.get(f"/wallet/history/{hotel.wallet_id}").json
    assert capture["source__token"] == str(guest.wallet.address), "its token was never shown"


def test_a_wallet_with_a_hold_is_not_closed_nor_its_customer_deleted() -> None:
    guest, hotel, held = a_stay()

    for holder in (guest, hotel):
        reply = holder.api.call("DELETE", f"/customer/{holder.user.pk}")
        assert (reply.status, reply.code) == (409, "holds_active")
    change(hotel, held, "void")
    assert hotel.api.call("DELETE", f"/customer/{hotel.user.pk}").status == 204


def test_a_capture_is_refunded_in_all_at_most_what_was_captured() -> None:
    guest, hotel, held = a_stay()
    taken = change(hotel, held, "capture", amount="30.00").json["transaction"]

    part = hotel.api.post("/wallet/refund", {"transaction": taken, "amount": "10.00"})
    too_much = hotel.api.post("/wallet/refund", {"transaction": taken, "amount": "20.01"})
    rest = hotel.api.post("/wallet/refund", {"transaction": taken})

    assert (part.json["refunded"], rest.json["refunded"]) == (Decimal("10.00"), Decimal("30.00"))
    assert too_much.code == "refund_exceeds_charge"
    assert (guest.balance_minor, hotel.balance_minor) == (10_000, 0)


def test_a_wallet_has_at_most_two_hundred_active_holds() -> None:
    guest, hotel = a_client(holds="100.00"), a_company()
    held = [hold(hotel, "0.01", guest) for _ in range(200)]

    refused = hold(hotel, "0.01", guest)

    assert {each.status for each in held} == {201}
    assert (refused.status, refused.code) == (409, "hold_limit_reached")
    change(hotel, held[0], "void")
    assert hold(hotel, "0.01", guest).status == 201


def test_lists_are_paged_and_filtered() -> None:
    guest, hotel = a_client(holds="100.00"), a_company()
    holds = [hold(hotel, amount, guest).json["hold"] for amount in (1, 2, 3)]
    hotel.api.post(f"/holds/{holds[0]}/void")

    newest = hotel.api.get("/holds?limit=2")

    assert [row["hold"] for row in newest.json] == [holds[2], holds[1]]
    next_path = newest.headers["Link"].split(">")[0].removeprefix("<http://testserver")
    assert [row["hold"] for row in hotel.api.get(next_path).json] == [holds[0]]
    assert [row["hold"] for row in guest.api.get("/holds?status=voided").json] == [holds[0]]
    assert len(hotel.api.get(f"/holds?wallet={guest.wallet_id}").json) == 3
    assert len(api_of(an_operator()).get("/holds").json) == 3


def test_a_repeat_with_its_key_gives_the_first_answer() -> None:
    guest, hotel = a_client(holds="100.00"), a_company()
    body = {"wallet": str(guest.wallet_id), "amount": "5.00", "summary": "Room 12"}

    first, again = (hotel.api.post("/holds", body, key="booking") for _ in range(2))
    path = f"/holds/{first.json['hold']}/capture"
    taken, retaken = (hotel.api.post(path, {}, key="check-out") for _ in range(2))

    assert (first.status, again.status, again.raw) == (201, 201, first.raw)
    assert (taken.raw, retaken.headers["Idempotent-Replayed"]) == (retaken.raw, "true")
    assert hotel.balance_minor == 500
