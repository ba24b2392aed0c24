"""Refunds with `fee: return`: the share of the fee comes back first, never more than the fee."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.charges import _fee_share
from commerce.models import Charge
from ledger.models import Transaction
from tests.factories import Holder, a_client, a_company, freeze
from wallets.models import Fee

pytestmark = pytest.mark.usefixtures("books")


def a_charge_with_fee(percent: str = "10") -> tuple[Holder, Holder, str]:
    """A payer of 100.00, a shop, and a charge of 9.99 of which the fee is 1.00."""
    payer, shop = a_client(holds="100.00"), a_company()
    Fee.objects.create(wallet_id=shop.wallet_id, percent=Decimal(percent))
    body = {"wallet": str(payer.wallet_id), "amount": "9.99", "summary": "x"}
    charged = shop.api.post("/wallet/charge", body)
    assert (charged.status, charged.json["fee"]) == (200, Decimal("1.00"))
    return payer, shop, charged.json["transaction"]


def refund(shop: Holder, charge: str, **fields: Any) -> Any:
    return shop.api.post("/wallet/refund", {"transaction": charge, **fields})


def test_the_fee_comes_back_first_in_the_group_of_the_refund() -> None:
    payer, shop, charge = a_charge_with_fee()

    reply = refund(shop, charge, fee="return")

    assert reply.status == 200
    assert (reply.json["fee_returned"], reply.json["balance"]) == (Decimal("1.00"), 0)
    assert (payer.balance_minor, shop.balance_minor) == (10_000, 0)
    row = Transaction.objects.get(pk=reply.json["transaction"])
    group = Transaction.objects.filter(group_id=row.group_id).order_by("id")
    assert [each.kind for each in group] == ["fee_return", "refund"]


def test_without_being_asked_for_the_fee_stays() -> None:
    _, shop, charge = a_charge_with_fee()
    shop.api.post("/wallet/deposit", {"wallet": str(shop.wallet_id), "amount": "1.00"})

    reply = refund(shop, charge)

    assert (reply.json["fee_returned"], shop.balance_minor) == (Decimal("0.00"), 0)
    assert not Transaction.objects.filter(kind="fee_return").exists()


def test_each_part_brings_the_difference_of_two_rounded_sums() -> None:
    _, shop, charge = a_charge_with_fee()

    replies = [refund(shop, charge, amount=each, fee="return") for each in ("3.33", "3.33", "3.33")]

    assert [str(each.json["fee_returned"]) for each in replies] == ["0.33", "0.34", "0.33"]


def test_a_refund_that_fails_leaves_its_row_alone_and_the_fee_where_it_is() -> None:
    payer, shop, charge = a_charge_with_fee()
    freeze(payer)

    reply = refund(shop, charge, fee="return")

    assert (reply.status, reply.code) == (409, "wallet_not_active")
    assert shop.balance_minor == 899
    assert not Transaction.objects.filter(kind="fee_return").exists()
    [row] = Transaction.objects.filter(kind="refund")
    assert row.failure_code == "wallet_not_active"


@given(
    amount=st.integers(1, 10**6),
    fee_share=st.fractions(0, 1),
    parts=st.lists(st.tuples(st.integers(1, 10**5), st.booleans()), max_size=12),
)
def test_returns_never_exceed_the_fee_however_refunds_mix(
    amount: int, fee_share: Any, parts: list[tuple[int, bool]]
) -> None:
    fee = int(amount * fee_share)
    charge = Charge(amount_minor=amount, fee_minor=fee)
    returned = 0

    for part, returns in parts:
        refunded = min(part, amount - charge.refunded_minor)
        after = charge.refunded_minor + refunded
        share = _fee_share(charge, refunded)
        assert share == rounded(fee * after, amount) - rounded(fee * charge.refunded_minor, amount)
        charge.refunded_minor = after
        returned += share if returns else 0

    assert 0 <= returned <= fee


def rounded(product: int, amount: int) -> int:
    return int((Decimal(product) / amount).quantize(Decimal(1), ROUND_HALF_UP))
