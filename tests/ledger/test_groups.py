"""Groups: all of their orders are carried out, or none, whatever else is in the batch."""

import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection

from core.unit_of_work import unit_of_work
from ledger.kinds import Kind
from ledger.models import Transaction
from ledger.orders import Order
from ledger.post import GroupRefused, post_group, post_or_deny
from tests.factories import Holder, a_client, a_company, a_paytoken, freeze
from wallets.models import Fee, PayToken

pytestmark = pytest.mark.usefixtures("books")


def a_transfer(
    source: Holder, target: Holder, amount_minor: int, group: uuid.UUID | None = None
) -> Order:
    return Order(
        Kind.TRANSFER, source.wallet_id, target.wallet_id, amount_minor, "USD", group_id=group
    )


def a_charge(payer: Holder, shop: Holder, amount_minor: int, group: uuid.UUID) -> Order:
    return Order(
        Kind.CHARGE, payer.wallet_id, shop.wallet_id, amount_minor, "USD",
        actor_id=shop.user.pk, group_id=group,
    )  # fmt: skip


def a_split(shop: Holder, other: Holder, amount_minor: int, group: uuid.UUID) -> Order:
    return Order(Kind.SPLIT, shop.wallet_id, other.wallet_id, amount_minor, "USD", group_id=group)


def state_of(*holders: Holder) -> list[tuple[int | None, int]]:
    return [(holder.wallet.balance_minor, holder.wallet.version) for holder in holders]


def rows_of(group: uuid.UUID) -> list[tuple[str, str | None]]:
    rows = Transaction.objects.filter(group_id=group).order_by("id")
    return [(row.kind, row.failure_code) for row in rows]


def post_batch(orders: Sequence[Order]) -> list[tuple[Any, ...]]:
    """Return what `ledger_post` says of each order of several groups."""

    def work() -> list[tuple[Any, ...]]:
        rows = ", ".join(
            "ROW(%s, %s::uuid, %s::uuid, %s, '', NULL, NULL, %s::uuid,"
            " NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
            for _ in orders
        )
        values = [
            value
            for o in orders
            for value in (o.kind, o.source_id, o.target_id, o.amount_minor, o.group_id)
        ]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT transaction_id IS NOT NULL, failure_code, source_balance_minor"
                f" FROM ledger_post(ARRAY[{rows}]::ledger_order_v3[], 'a request', false)",
                values,
            )
            return list(cursor.fetchall())

    return unit_of_work(work)


def test_a_group_is_carried_out_as_a_whole() -> None:
    ada, ben, cleo = a_client(holds="10.00"), a_client(), a_client()
    group = uuid.uuid4()

    outcomes = unit_of_work(
        lambda: post_group([a_transfer(ada, ben, 300, group), a_transfer(ben, cleo, 100, group)])
    )

    assert not isinstance(outcomes, GroupRefused)
    assert state_of(ada, ben, cleo) == [(700, 2), (200, 2), (100, 1)]
    assert rows_of(group) == [("transfer", None)] * 2


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_first_order_that_fails_refuses_all_and_is_alone_on_record(place: int) -> None:
    ada, ben, cleo = a_client(holds="10.00"), a_client(), a_client()
    amounts = [100, 50, 25]
    amounts[place] = 5_000
    group = uuid.uuid4()
    before = state_of(ada, ben, cleo)
    sides = [(ada, ben), (ben, cleo), (cleo, ada)]
    orders = [a_transfer(*sides[n], amounts[n], group) for n in range(3)]

    refused = unit_of_work(lambda: post_group(orders))

    assert isinstance(refused, GroupRefused)
    assert refused.place == place
    assert state_of(ada, ben, cleo) == before
    assert rows_of(group) == [("transfer", "insufficient_funds")]
    [row] = Transaction.objects.filter(group_id=group)
    assert (row.source_id, row.amount_minor) == (sides[place][0].wallet_id, 5_000)


def test_groups_of_one_batch_do_not_concern_each_other() -> None:
    ada, ben = a_client(holds="10.00"), a_client()
    good, bad, last = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()

    rows = post_batch(
        [
            a_transfer(ada, ben, 100, good),
            a_transfer(ben, ada, 50, good),
            a_transfer(ada, ben, 200, bad),
            a_transfer(ben, ada, 9_999, bad),
            a_transfer(ada, ben, 10, bad),
            a_transfer(ada, ben, 5),
            a_transfer(ada, ben, 1, last),
        ]
    )

    assert rows == [
        (True, None, 900),
        (True, None, 50),
        (False, "not_carried_out", None),
        (True, "insufficient_funds", None),
        (False, "not_carried_out", None),
        (True, None, 945),
        (True, None, 944),
    ]
    assert state_of(ada, ben) == [(944, 5), (56, 4)]
    assert rows_of(bad) == [("transfer", "insufficient_funds")]


def test_a_split_that_cannot_be_paid_puts_its_charge_on_record() -> None:
    payer, shop, closed = a_client(holds="10.00"), a_company(), a_client()
    freeze(closed)
    group = uuid.uuid4()

    refused = unit_of_work(
        lambda: post_group(
            [
                a_charge(payer, shop, 500, group),
                a_split(shop, payer, 100, group),
                a_split(shop, closed, 100, group),
            ]
        )
    )

    assert isinstance(refused, GroupRefused)
    assert refused.place == 2
    assert rows_of(group) == [("charge", "wallet_not_active")]
    assert state_of(payer, shop) == [(1_000, 1), (0, 0)]


def test_a_charge_that_is_undone_gives_the_pay_token_its_use_back() -> None:
    payer, shop, closed = a_client(holds="10.00"), a_company(), a_client()
    freeze(closed)
    text = a_paytoken(payer)

    reply = shop.api.post(
        "/wallet/charge",
        {
            "paytoken": text, "amount": "5.00", "summary": "Tea",
            "splits": [{"wallet": str(closed.wallet.address), "amount": "1.00"}],
        },
    )  # fmt: skip

    assert (reply.code, reply.json["details"]) == ("wallet_not_active", {"split": 0})
    assert PayToken.objects.get().uses_left == 1
    assert state_of(payer, shop) == [(1_000, 1), (0, 0)]


def test_each_charge_of_a_batch_has_its_fee_in_its_group() -> None:
    rich, poor, shop = a_client(holds="10.00"), a_client(holds="1.00"), a_company()
    Fee.objects.create(wallet_id=shop.wallet_id, percent="2.5", fixed_minor=10)
    orders = [
        Order(
            Kind.CHARGE, payer.wallet_id, shop.wallet_id, amount_minor, "USD",
            actor_id=shop.user.pk,
        )
        for payer, amount_minor in ((rich, 300), (poor, 200), (rich, 101))
    ]  # fmt: skip

    results = unit_of_work(lambda: post_or_deny(orders))

    assert [getattr(result, "fee_minor", None) for result in results] == [18, None, 13]
    assert state_of(shop) == [(401 - 31, 4)]
    fees = Transaction.objects.filter(kind=Kind.FEE).order_by("id")
    charges = Transaction.objects.filter(kind=Kind.CHARGE, failure_code=None).order_by("id")
    assert [(fee.amount_minor, fee.group_id) for fee in fees] == [
        (charge.fee_minor, charge.group_id) for charge in charges
    ]
