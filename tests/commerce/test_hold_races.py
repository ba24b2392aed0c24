"""What is done to a hold at once: one thing after the other, decided under the payer's lock."""

from decimal import Decimal

import pytest

from tests.commerce.test_holds import a_stay, available, change
from tests.races import race

pytestmark = pytest.mark.usefixtures("books")


def test_of_a_capture_a_void_and_an_increment_at_once_one_order_is_kept() -> None:
    guest, hotel, held = a_stay("100.00")
    path = f"/holds/{held.json['hold']}"

    calls = [*["capture"] * 3, *["void"] * 3, *["increment"] * 2]

    replies = race(
        len(calls),
        lambda n: hotel.api.post(f"{path}/{calls[n]}", {"amount": 1} if n > 5 else {}),
    )

    assert sorted(reply.status for reply in replies[:6]) == [200, *[409] * 5]
    assert {reply.status for reply in replies[6:]} <= {400, 409}
    assert guest.balance_minor + hotel.balance_minor == 10_000
    assert available(guest)[0] == available(guest)[1]


def test_increments_at_once_never_hold_more_than_there_is() -> None:
    guest, hotel, held = a_stay()

    replies = race(6, lambda _: change(hotel, held, "increment", amount="20.00"))

    assert sorted(reply.status for reply in replies) == [200, 200, 200, 400, 400, 400]
    assert available(guest) == (Decimal("100.00"), Decimal("0.00"))
