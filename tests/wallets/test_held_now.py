"""What is held at the moment of reading: a hold that has expired holds nothing, swept or not."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import models

from ledger.models import Hold, HoldStatus, Transaction
from tests.clock import Clock
from tests.factories import Holder, a_client, a_company, an_operator, api_of, charge
from tests.ledger.holds import place_hold
from wallets.models import PayToken, Wallet
from wallets.selectors import (
    default_cash_wallet,
    get_wallet,
    own_wallet,
    wallet_by_token_or_address,
)

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture
def holder(clock: Clock) -> Holder:
    """A client with 10.00, of which 4.00 are held for 600 seconds and 1.00 for 1,200."""
    guest, hotel = a_client(holds="10.00"), a_company()
    place_hold(guest, hotel, 400, 600)
    place_hold(guest, hotel, 100, 1_200)
    return guest


#: (seconds from now, what is held then in minor units)
MOMENTS = [(0, 500), (500, 500), (600, 100), (1_100, 100), (1_200, 0)]


@pytest.fixture(params=MOMENTS, ids=lambda moment: f"after {moment[0]} s")
def held_minor(request: pytest.FixtureRequest, holder: Holder, clock: Clock) -> int:
    """Move the clock, and return what is held by then. Nothing has been released."""
    seconds, held_minor = request.param
    clock.move(seconds)
    return int(held_minor)


def nothing_was_swept() -> bool:
    return (
        set(Hold.objects.values_list("status", flat=True)) == {HoldStatus.ACTIVE}
        and not Transaction.objects.filter(kind="release").exists()
    )


def by_paytoken(holder: Holder) -> int:
    """Read the wallet beside another row: its columns have a name of their own there."""
    made = holder.api.post("/paytokens", {"wallet": str(holder.wallet_id)})
    assert made.status == 201
    return int(PayToken.objects.select_related("wallet").get().wallet.held_minor)


def refreshed(holder: Holder) -> int:
    wallet = Wallet(pk=holder.wallet_id)
    wallet.refresh_from_db()
    return int(wallet.held_minor)


READS: dict[str, Callable[[Holder], int | None]] = {
    "get": lambda holder: Wallet.objects.get(pk=holder.wallet_id).held_minor,
    "filter": lambda holder: next(iter(holder.user.wallets.all())).held_minor,
    "in_bulk": lambda holder: (
        Wallet.objects.in_bulk([holder.wallet_id])[holder.wallet_id].held_minor
    ),
    "values_list": lambda holder: Wallet.objects.values_list("held_minor", flat=True).get(
        pk=holder.wallet_id
    ),
    "values": lambda holder: Wallet.objects.values("held_minor").get(pk=holder.wallet_id)[
        "held_minor"
    ],
    "only": lambda holder: Wallet.objects.only("held_minor").get(pk=holder.wallet_id).held_minor,
    "deferred": lambda holder: (
        Wallet.objects.defer("held_minor").get(pk=holder.wallet_id).held_minor
    ),
    "annotated": lambda holder: (
        Wallet.objects.annotate(n=models.Count("status_changes"))
        .get(pk=holder.wallet_id)
        .held_minor
    ),
    "select_related": by_paytoken,
    "refresh_from_db": refreshed,
    "get_wallet": lambda holder: get_wallet(holder.wallet_id).held_minor,
    "own_wallet": lambda holder: own_wallet(holder.user, holder.wallet_id).held_minor,
    "by address": lambda holder: wallet_by_token_or_address(holder.wallet.address).held_minor,
    "default": lambda holder: default_cash_wallet(holder.user).held_minor,
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_every_way_to_read_a_wallet_knows_the_moment(
    read: Callable[[Holder], int | None], holder: Holder, held_minor: int
) -> None:
    assert read(holder) == held_minor
    assert nothing_was_swept()


def test_the_api_shows_what_is_held_at_the_moment(holder: Holder, held_minor: int) -> None:
    user, platform = holder.user.pk, api_of(an_operator())
    held = Decimal(held_minor) / 100

    info = holder.api.get(f"/wallet/info/{holder.wallet_id}").json
    [listed] = holder.api.get("/wallet/list").json
    [exported] = json.loads(holder.api.get(f"/customer/{user}/export").raw)["wallets"]
    by_user = holder.api.get(f"/api/v1/wallet/balance/{user}/USD").json
    [of_user] = platform.get(f"/api/v1/wallet/balances/{user}").json["balances"]

    shown: list[dict[str, Any]] = [info, listed, exported, by_user, of_user]
    assert {(each["balance"], Decimal(str(each["available"]))) for each in shown} == {
        (10, 10 - held)
    }
    assert {each["locked"] for each in (by_user, of_user)} == {held}
    assert nothing_was_swept()


def test_what_is_available_can_be_spent_and_no_more(holder: Holder, held_minor: int) -> None:
    shop = a_company()
    available = Decimal(1_000 - held_minor) / 100

    short = charge(shop, str(available + Decimal("0.01")), wallet=holder.wallet_id)
    paid = charge(shop, str(available), wallet=holder.wallet_id)

    assert (short.code, paid.status) == ("insufficient_funds", 200)
    assert holder.wallet.available_minor == 0


def test_what_is_written_stays_until_a_movement_writes_the_release(
    holder: Holder, clock: Clock, owner_dsn: str
) -> None:
    """The column is what the entries say; what is read is the moment's."""
    column = "SELECT held_minor FROM wallets_wallet WHERE id = %s"
    clock.move(600)

    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        [before] = owner.execute(column, [holder.wallet_id]).fetchall()
        body = {"wallet": str(holder.wallet_id), "amount": "1.00"}
        assert holder.api.post("/wallet/deposit", body).status == 200
        [after] = owner.execute(column, [holder.wallet_id]).fetchall()

    assert (before, after) == ((500,), (100,))
    assert holder.wallet.held_minor == 100
