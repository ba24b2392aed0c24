"""Verification of holds, fees and splits: whatever is forged is found, and says what it is."""

import uuid
from dataclasses import dataclass
from decimal import Decimal

import pytest

from core.unit_of_work import unit_of_work
from ledger.kinds import Kind
from ledger.models import Hold
from ledger.orders import Order
from ledger.post import post_group
from ledger.trial_balance import COLUMNS, trial_balance
from ledger.verification import verify_wallets
from tests.clock import Clock
from tests.factories import Holder, a_client, a_company, charge
from tests.ledger.holds import capture_hold, increment_hold, place_hold, void_hold
from tests.ledger.tampering import tampering
from wallets.models import Fee

pytestmark = pytest.mark.usefixtures("books")

WALLET_HELD, HELD_THEN = "its entries hold", "what is held on an entry"
REMAINS, EXPIRY = "of its holds remains", "says that a hold expires"
SUM, RUNNING = "entries add up to", "the balance on an entry"
HOLD_ROW, NO_HOLD = "its transactions say", "has transactions of the hold"
FEE, SPLIT = "paid a fee of", "paid 50 on in group"


@dataclass(frozen=True)
class Books:
    payer: Holder
    shop: Holder
    #: Two that still hold 100 each, and one of 500 that has ended: captured 200, released 300.
    first: Hold
    second: Hold
    ended: Hold


@pytest.fixture
def held() -> Books:
    """A payer with three holds of a shop, which pays 10 % for its charges and has one split."""
    payer, shop, other = a_client(holds="100.00"), a_company(), a_client()
    Fee.objects.create(wallet_id=shop.wallet_id, percent=Decimal(10))
    ended = place_hold(payer, shop, 400)
    increment_hold(ended, 100)
    capture_hold(ended, 50, final=False)
    capture_hold(ended, 150)
    first, second = place_hold(payer, shop, 100, 600), place_hold(payer, shop, 100, 700)
    void_hold(place_hold(payer, shop, 70))
    assert charge(shop, "0.01", wallet=payer.wallet_id).status == 200  # a fee of nothing
    group = uuid.uuid4()
    sides = [
        (Kind.CHARGE, payer, shop, 100),
        (Kind.SPLIT, shop, other, 50),
    ]
    orders = [
        Order(kind, source.wallet_id, target.wallet_id, amount, "USD", "Tea", shop.user.pk,
              group_id=group)
        for kind, source, target, amount in sides
    ]  # fmt: skip
    assert isinstance(unit_of_work(lambda: post_group(orders)), list)
    return Books(payer, shop, first, second, Hold.objects.get(pk=ended.pk))


@pytest.mark.parametrize("ranges", [1, 3, 64])
def test_correct_holds_fees_and_splits_have_no_findings(held: Books, ranges: int) -> None:
    assert list(verify_wallets(ranges=ranges)) == []


def test_a_hold_that_nobody_has_released_yet_is_no_finding(held: Books, clock: Clock) -> None:
    clock.move(650)

    assert held.payer.wallet.held_minor == 100
    assert list(verify_wallets(ranges=1)) == []


@pytest.mark.parametrize(
    ("change", "findings"),
    [
        ("UPDATE wallets_wallet SET held_minor = held_minor + 1 WHERE id = %(payer)s",
         [WALLET_HELD, REMAINS]),
        ("UPDATE wallets_wallet SET held_minor = 0 WHERE id = %(payer)s", [WALLET_HELD, REMAINS]),
        ("UPDATE wallets_wallet SET next_expiry = NULL WHERE id = %(payer)s", [EXPIRY]),
        ("UPDATE wallets_wallet SET next_expiry = next_expiry + interval '1 s'"
         " WHERE id = %(payer)s", [EXPIRY]),
        ("UPDATE ledger_transaction SET source_held_minor = source_held_minor + 1"
         " WHERE hold_id = %(ended)s AND kind = 'hold'", [HELD_THEN]),
        ("UPDATE ledger_transaction SET source_held_minor = source_held_minor + 1"
         " WHERE hold_id = %(ended)s AND kind = 'capture'", [HELD_THEN]),
        ("UPDATE ledger_transaction SET source_held_minor = source_held_minor + 1"
         " WHERE hold_id = %(ended)s AND kind = 'release'", [HELD_THEN]),
        ("UPDATE ledger_transaction SET source_balance_minor = source_balance_minor + 1"
         " WHERE hold_id = %(ended)s AND kind = 'release'", [RUNNING]),
        ("UPDATE ledger_transaction SET amount_minor = amount_minor + 1"
         " WHERE hold_id = %(first)s", [WALLET_HELD, HELD_THEN, HOLD_ROW]),
        ("UPDATE ledger_hold SET amount_minor = amount_minor + 1 WHERE id = %(first)s",
         [REMAINS, HOLD_ROW]),
        ("UPDATE ledger_hold SET captured_minor = captured_minor + 1 WHERE id = %(first)s",
         [REMAINS, HOLD_ROW]),
        ("UPDATE ledger_hold SET released_minor = released_minor + 1 WHERE id = %(first)s",
         [REMAINS, HOLD_ROW]),
        ("UPDATE ledger_hold SET captured_minor = captured_minor + 1,"
         " released_minor = released_minor - 1 WHERE id = %(ended)s", [HOLD_ROW]),
        ("UPDATE ledger_hold SET expires_at = expires_at + interval '1 s' WHERE id = %(first)s",
         [EXPIRY]),
        ("DELETE FROM ledger_hold WHERE id = %(ended)s", [NO_HOLD]),
        ("DELETE FROM ledger_hold WHERE id = %(second)s", [REMAINS, NO_HOLD]),
        ("DELETE FROM ledger_transaction WHERE hold_id = %(ended)s AND kind = 'release'",
         [SUM, WALLET_HELD, HELD_THEN, HOLD_ROW]),
        ("UPDATE ledger_transaction SET hold_id = %(first)s"
         " WHERE hold_id = %(ended)s AND kind = 'release'", [HOLD_ROW, HOLD_ROW]),
        ("UPDATE ledger_transaction SET target_id = %(outsider)s"
         " WHERE hold_id = %(ended)s AND kind = 'release'", [HOLD_ROW, NO_HOLD]),
    ],
)  # fmt: skip
def test_a_forged_hold_is_found(
    change: str, findings: list[str], held: Books, owner_dsn: str
) -> None:
    outsider = a_company()
    names = {
        "payer": held.payer.wallet_id, "outsider": outsider.wallet_id,
        "first": held.first.pk, "second": held.second.pk, "ended": held.ended.pk,
    }  # fmt: skip

    with tampering(owner_dsn) as owner:
        changed = owner.execute(change, names)
        found = list(verify_wallets(ranges=3))

    assert changed.rowcount >= 1
    assert {each.wallet_id for each in found} == {held.payer.wallet_id}
    assert_problems([each.problem for each in found], findings)


def test_a_release_for_another_payer_is_found_at_both(held: Books, owner_dsn: str) -> None:
    other = a_client(holds="10.00").wallet

    with tampering(owner_dsn) as owner:
        owner.execute(
            "UPDATE ledger_transaction SET source_id = %s, source_version = 2,"
            " source_balance_minor = 1000 WHERE hold_id = %s AND kind = 'release'",
            [other.pk, held.ended.pk],
        )
        found = list(verify_wallets(ranges=3))

    at_payer, at_other = (
        [each.problem for each in found if each.wallet_id == wallet_id]
        for wallet_id in (held.payer.wallet_id, other.pk)
    )
    assert_problems(at_payer, [SUM, WALLET_HELD, HELD_THEN, HOLD_ROW])
    assert_problems(at_other, [SUM, WALLET_HELD, HELD_THEN, NO_HOLD])


@pytest.mark.parametrize(
    ("change", "findings"),
    [
        ("UPDATE ledger_transaction SET fee_minor = fee_minor + 1 WHERE kind = 'charge'"
         " AND fee_minor > 0", [FEE]),
        ("UPDATE ledger_transaction SET fee_minor = fee_minor + 1 WHERE kind = 'charge'"
         " AND fee_minor = 0", [FEE]),
        ("UPDATE ledger_transaction SET fee_minor = NULL WHERE kind = 'capture'"
         " AND amount_minor = 150", [FEE]),
        ("UPDATE ledger_transaction SET fee_minor = fee_minor - 1 WHERE kind = 'capture'"
         " AND amount_minor = 50", [FEE]),
        ("UPDATE ledger_transaction SET group_id = gen_random_uuid() WHERE kind = 'fee'"
         " AND amount_minor = 15", [FEE, FEE]),
        ("UPDATE ledger_transaction SET group_id = NULL WHERE kind IN ('fee', 'capture')"
         " AND amount_minor IN (150, 15)", [FEE, FEE]),
        ("UPDATE ledger_transaction SET group_id = gen_random_uuid() WHERE kind = 'split'",
         [SPLIT]),
        ("UPDATE ledger_transaction SET fee_minor = 51 WHERE kind = 'charge' AND fee_minor > 0",
         [FEE, SPLIT]),
        ("DELETE FROM ledger_transaction WHERE kind = 'fee' AND amount_minor = 15",
         [SUM, RUNNING, FEE]),
        ("UPDATE ledger_transaction SET amount_minor = 14 WHERE kind = 'fee' AND amount_minor = 15",
         [SUM, RUNNING, FEE]),
    ],
)  # fmt: skip
def test_a_forged_fee_or_split_is_found(
    change: str, findings: list[str], held: Books, owner_dsn: str
) -> None:
    with tampering(owner_dsn) as owner:
        changed = owner.execute(change)
        found = list(verify_wallets(ranges=3))

    assert changed.rowcount >= 1
    assert {each.wallet_id for each in found} == {held.shop.wallet_id}
    assert_problems([each.problem for each in found], findings)


def test_fees_stand_in_the_trial_balance(held: Books) -> None:
    [line] = [each for each in trial_balance() if each.symbol == "USD"]

    assert line.systems_minor["fees"] == 5 + 15 + 10
    assert dict(zip(COLUMNS[1:], line.amounts_minor, strict=True)) == {
        "wallets": 10_000 - 30,
        "funding": -10_000,
        "promotions": 0,
        "revenue": 0,
        "fees": 30,
        "difference": 0,
    }


def assert_problems(problems: list[str], findings: list[str]) -> None:
    """Assert that there is one problem for each finding, and no other."""
    assert len(problems) == len(findings), problems
    for finding in set(findings):
        named = [problem for problem in problems if finding in problem]
        assert len(named) == findings.count(finding), problems
