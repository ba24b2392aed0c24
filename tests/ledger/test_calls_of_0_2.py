"""Processes of release 0.2.0 still move money, and obey rules that they do not know."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone
from psycopg import errors as pg

from core.models import IdempotencyRecord
from core.unit_of_work import unit_of_work
from ledger.models import Transaction
from tests.factories import Holder, a_client, a_company, a_paytoken, charge, freeze, set_charges

pytestmark = pytest.mark.usefixtures("books")

#: To the letter as 0.2.0 has it in `ledger/post.py` and `ledger/post_once.py`.
POST = """
    SELECT * FROM ledger_post(
        ARRAY(SELECT ROW(o.*)::ledger_order
                FROM unnest(%b::varchar[], %b::uuid[], %b::uuid[], %b::bigint[], %b::varchar[],
                            %b::uuid[], %b::uuid[], %b::uuid[]) AS o),
        %s, false)
"""
POST_ONCE = """
    SELECT * FROM ledger_post_once(
        %s, %s, %s, %s, %s, %s,
        ROW(%s, %s, %s, %s, %s, %s, NULL, NULL)::ledger_order, %s, %s, %s)
"""


def post(company: Holder, *payers: Holder, amount_minor: int = 250) -> list[tuple[Any, ...]]:
    """Charge the payers, one after another, as a process of 0.2.0."""
    columns: list[list[Any]] = [
        ["charge" for _ in payers],
        [payer.wallet_id for payer in payers],
        [company.wallet_id for _ in payers],
        [amount_minor for _ in payers],
        ["Tea" for _ in payers],
        [company.user.pk for _ in payers],
        [uuid.UUID(int=5) for _ in payers],
        [uuid.UUID(int=7) for _ in payers],
    ]

    def work() -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(POST, [*columns, "a request"])
            return list(cursor.fetchall())

    return unit_of_work(work)


def post_once(company: Holder, payer: Holder) -> list[tuple[Any, ...]]:
    """Charge the payer 2.50 under a key, as a process of 0.2.0."""
    company_id, month_ago = company.user.pk, timezone.now() - timedelta(days=30)
    claim = (None, company_id, "order-1017", "POST /here", b"a fingerprint", month_ago)
    order = ("charge", payer.wallet_id, company.wallet_id, 250, "Tea", company_id)
    with connection.cursor() as cursor:
        cursor.execute(POST_ONCE, [*claim, *order, "a request", '{"balance":%2$s}', 2])
        return list(cursor.fetchall())


def state_of(*holders: Holder) -> object:
    wallets = [(holder.balance_minor, holder.wallet.version) for holder in holders]
    return wallets, Transaction.objects.count(), IdempotencyRecord.objects.count()


def test_its_orders_are_carried_out_and_refused_as_ever() -> None:
    ada, poor, frozen, shop = (a_client(holds=each) for each in ("5.00", "1.00", "5.00", "1.00"))
    freeze(frozen)

    done, short, stopped = post(shop, ada, poor, frozen)

    row = Transaction.objects.get(pk=done[0])
    assert done[1:] == (None, 250, 350, 500)
    assert (row.summary, row.origin_id, row.group_id) == (
        "Tea", uuid.UUID(int=5), uuid.UUID(int=7),
    )  # fmt: skip
    assert row.by_token
    assert (short[1:], stopped[1]) == (
        ("insufficient_funds", None, None, 100), "wallet_not_active",
    )  # fmt: skip
    assert (ada.balance_minor, shop.balance_minor) == (250, 350)


def test_its_fast_way_moves_money_once() -> None:
    ada, shop = a_client(holds="5.00"), a_company()

    [first] = post_once(shop, ada)
    [again] = post_once(shop, ada)

    assert (bytes(first[2]), first[4], again[4]) == (b'{"balance":2.50}', False, True)
    assert (bytes(again[2]), again[3]) == (bytes(first[2]), first[3])
    assert (ada.balance_minor, shop.balance_minor) == (250, 250)


@pytest.mark.parametrize("charges", ["approved", "paytoken"])
def test_it_cannot_charge_a_wallet_that_is_not_open(charges: str) -> None:
    ada, careful, shop = a_client(holds="5.00"), a_client(holds="5.00"), a_company()
    set_charges(careful, charges)
    before = state_of(ada, careful, shop)

    fast = post_once(shop, careful)
    with pytest.raises(DatabaseError, match="charge_not_approved") as raised:
        post(shop, ada, careful)

    assert fast == []
    assert isinstance(raised.value.__cause__, pg.InsufficientPrivilege)
    assert state_of(ada, careful, shop) == before


def test_it_charges_a_wallet_whose_owner_approved_the_company() -> None:
    ada, shop = a_client(holds="9.00"), a_company()
    set_charges(ada, "approved")
    approval = {"wallet": str(ada.wallet_id), "company": str(shop.user.pk), "max_per_day": 5}
    assert ada.api.post("/wallet/approvals", approval).status == 201

    post(shop, ada)
    [fast] = post_once(shop, ada)

    with pytest.raises(DatabaseError, match="approval_exceeded"):
        post(shop, ada, amount_minor=1)
    assert fast[4] is False
    assert (ada.balance_minor, shop.balance_minor) == (400, 500)


def test_a_refund_names_the_payer_as_little_as_its_charge_did() -> None:
    ada, shop = a_client(holds="9.00"), a_company()
    paid = charge(shop, 5, paytoken=a_paytoken(ada)).json["transaction"]
    columns: list[list[Any]] = [
        ["refund"], [shop.wallet_id], [ada.wallet_id], [500], [""], [shop.user.pk],
        [uuid.UUID(paid)], [None],
    ]  # fmt: skip

    def work() -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(POST, [*columns, "a request"])
            return list(cursor.fetchall())

    [[refund, *_]] = unit_of_work(work)

    assert not Transaction.objects.get(pk=refund).by_token
    assert (ada.balance_minor, shop.balance_minor) == (900, 0)
