"""What each charge costs a company that pays a fee."""

import json
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import User
from commerce.fees import remove_fee, set_fee
from core.money import MAX_AMOUNT_MINOR
from core.unit_of_work import unit_of_work
from ledger.kinds import Kind
from ledger.models import Transaction
from ledger.trial_balance import trial_balance
from tests.factories import (
    Holder,
    a_client,
    a_company,
    a_paytoken,
    an_operator,
    api_of,
    charge,
    freeze,
)
from tests.races import race
from wallets.assets import system_wallet_id
from wallets.models import Fee, Purpose

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture
def operator(books: None) -> User:
    return an_operator()


def path_of(holder: Holder) -> str:
    return f"/company/{holder.user.pk}/fee"


def have_pay(holder: Holder, **fee: Any) -> None:
    """Have a company pay a fee."""
    reply = api_of(an_operator()).call("PUT", path_of(holder), json.dumps(fee).encode())
    assert reply.status == 200, reply.json


def rows_of(*kinds: Kind) -> list[Transaction]:
    return list(Transaction.objects.filter(kind__in=kinds).order_by("id"))


def fees_minor() -> list[int]:
    """Return what companies paid, the earliest fee first."""
    return [row.amount_minor for row in rows_of(Kind.FEE)]


@pytest.mark.parametrize(
    ("fee", "amount", "paid"),
    [
        ({"percent": "2.5"}, "10.00", "0.25"),
        ({"fixed": "0.30"}, "10.00", "0.30"),
        ({"percent": "2.5", "fixed": "0.30"}, "10.00", "0.55"),
        ({"percent": "2.5", "min": "0.50"}, "10.00", "0.50"),
        ({"percent": "2.5", "min": "0.50"}, "40.00", "1.00"),
        ({"percent": "2.5", "max": "0.20"}, "10.00", "0.20"),
        ({"percent": "2.5", "fixed": "0.30", "max": "0.50"}, "10.00", "0.50"),
        # Half a minor unit is one, and less is none.
        ({"percent": "50"}, "0.01", "0.01"),
        ({"percent": "49.9999"}, "0.01", "0"),
        ({"percent": "2.5"}, "0.20", "0.01"),
        ({"percent": "2.5"}, "0.60", "0.02"),
        ({"percent": "100"}, "10.00", "10.00"),
        # Never more than the amount.
        ({"percent": "100", "fixed": "1"}, "10.00", "10.00"),
        ({"fixed": "30"}, "10.00", "10.00"),
        ({"min": "30"}, "10.00", "10.00"),
        ({"percent": "0"}, "10.00", "0"),
        ({"percent": "2.5", "max": "0"}, "10.00", "0"),
    ],
)
def test_what_a_charge_costs(fee: dict[str, str], amount: str, paid: str) -> None:
    client, company = a_client(holds="100.00"), a_company()
    have_pay(company, **fee)

    reply = charge(company, amount, wallet=client.wallet_id)

    paid_minor, taken_minor = int(Decimal(paid) * 100), int(Decimal(amount) * 100)
    assert reply.status == 200
    assert company.balance_minor == taken_minor - paid_minor
    assert client.balance_minor == 10_000 - taken_minor
    # A fee of nothing leaves no row.
    assert fees_minor() == [paid_minor] * (paid_minor > 0)


def test_the_fee_goes_to_the_wallet_of_fees_in_the_charges_group() -> None:
    client, company = a_client(holds="10.00"), a_company()
    have_pay(company, percent="2.5")

    charge(company, "10.00", wallet=client.wallet_id)

    taken, fee = rows_of(Kind.CHARGE, Kind.FEE)
    assert (fee.source_id, fee.target_id) == (
        company.wallet_id, system_wallet_id("USD", Purpose.FEES),
    )  # fmt: skip
    assert fee.group_id == taken.group_id is not None
    assert (taken.fee_minor, fee.fee_minor) == (25, None)
    [line] = [line for line in trial_balance() if line.symbol == "USD"]
    assert line.systems_minor["fees"] == 25
    assert line.difference_minor == 0


def test_without_a_fee_a_charge_is_one_row() -> None:
    client, company, other = a_client(holds="10.00"), a_company(), a_company()
    have_pay(other, percent="2.5")

    charge(company, "10.00", wallet=client.wallet_id)

    [taken] = rows_of(Kind.CHARGE, Kind.FEE)
    assert (taken.group_id, taken.fee_minor) == (None, None)


def test_a_charge_by_a_pay_token_costs_the_same() -> None:
    client, company = a_client(holds="10.00"), a_company()
    have_pay(company, percent="2.5")

    reply = charge(company, "10.00", paytoken=a_paytoken(client))

    assert (reply.status, company.balance_minor, fees_minor()) == (200, 975, [25])


@pytest.mark.parametrize("by", ["wallet", "paytoken"])
@pytest.mark.parametrize(
    ("fee", "paid"), [({"percent": "2.5"}, "0.25"), ({"percent": "0"}, "0"), (None, "0")]
)
def test_the_answer_says_the_fee_and_the_balance_after_it(
    fee: dict[str, str] | None, paid: str, by: str
) -> None:
    client, company = a_client(holds="10.00"), a_company(holds="1.00")
    if fee:
        have_pay(company, **fee)
    payer = client.wallet_id if by == "wallet" else a_paytoken(client)

    reply = charge(company, "10.00", **{by: payer})

    assert (reply.status, reply.json["fee"]) == (200, Decimal(paid))
    assert reply.json["balance"] == 11 - Decimal(paid)


def test_a_charge_that_fails_costs_nothing() -> None:
    client, company = a_client(holds="1.00"), a_company(holds="5.00")
    have_pay(company, percent="2.5")

    replies = [
        charge(company, "10.00", wallet=client.wallet_id),
        charge(company, "10.00", paytoken=a_paytoken(client)),
    ]
    freeze(client)
    replies.append(charge(company, "1.00", wallet=client.wallet_id))

    assert [reply.code for reply in replies] == [
        "insufficient_funds", "insufficient_funds", "wallet_not_active",
    ]  # fmt: skip
    assert {row.fee_minor for row in rows_of(Kind.CHARGE)} == {None}
    assert (client.balance_minor, company.balance_minor, fees_minor()) == (100, 500, [])


def test_each_charge_of_a_batch_has_its_own_fee() -> None:
    rich, poor, company = a_client(holds="100.00"), a_client(), a_company()
    have_pay(company, percent="2.5", min="0.05")
    items = [
        {"wallet": str(payer.wallet_id), "amount": amount, "summary": "Tea"}
        for payer, amount in ((rich, "10.00"), (poor, "10.00"), (rich, "0.01"), (rich, "4.00"))
    ]

    reply = company.api.post("/wallet/charges", {"charges": items})

    assert reply.status == 200
    assert fees_minor() == [25, 1, 10]
    groups = [row.group_id for row in rows_of(Kind.CHARGE) if row.is_completed]
    assert len(set(groups)) == 3
    assert [row.group_id for row in rows_of(Kind.FEE)] == groups
    assert company.balance_minor == 1000 + 1 + 400 - 36


def test_what_the_company_does_itself_costs_nothing() -> None:
    client, company = a_client(), a_company(holds="10.00")
    have_pay(company, percent="50")

    body = {"source": str(company.wallet_id), "target": str(client.wallet_id), "amount": "2.00"}
    sent = company.api.post("/wallet/transfer", body)
    taken_out = company.api.post(
        "/wallet/withdraw", {"wallet": str(company.wallet_id), "amount": "1.00"}
    )

    assert (sent.status, taken_out.status) == (200, 200)
    assert (company.balance_minor, fees_minor()) == (700, [])


def test_a_company_that_has_nothing_else_pays_from_what_it_takes() -> None:
    client, company = a_client(holds="10.00"), a_company()
    have_pay(company, percent="100")

    reply = charge(company, "10.00", wallet=client.wallet_id)

    assert (reply.status, company.balance_minor, fees_minor()) == (200, 0, [1000])


def test_a_charge_obeys_the_fee_of_its_moment() -> None:
    client, company = a_client(holds="100.00"), a_company()
    charge(company, "10.00", wallet=client.wallet_id)
    for percent in ("1", "2"):
        have_pay(company, percent=percent)
        charge(company, "10.00", wallet=client.wallet_id)
    api_of(an_operator()).call("DELETE", path_of(company))

    charge(company, "10.00", wallet=client.wallet_id)

    assert fees_minor() == [10, 20]


def test_charges_while_the_fee_changes(operator: User) -> None:
    clients, company = [a_client(holds="100.00") for _ in range(3)], a_company()
    percents = ("1", "2", None, "4", "5", None, "7", "8")

    def run(number: int) -> list[int]:
        if number == len(clients):
            for percent in percents:
                _change(company, operator, percent)
            return []
        payer = clients[number].wallet_id
        return [charge(company, "1.00", wallet=payer).status for _ in percents]

    *statuses, _ = race(len(clients) + 1, run)

    taken, fees = rows_of(Kind.CHARGE), rows_of(Kind.FEE)
    assert statuses == [[200] * len(percents)] * len(clients)
    assert {row.fee_minor for row in taken} <= {None, *(int(each) for each in percents if each)}
    assert {row.group_id: row.amount_minor for row in fees} == {
        row.group_id: row.fee_minor for row in taken if row.fee_minor
    }
    assert company.balance_minor == 100 * len(taken) - sum(row.amount_minor for row in fees)


def test_a_charge_after_an_acknowledged_change_obeys_it_whoever_else_charges(
    operator: User,
) -> None:
    own, others, company = a_client(holds="100.00"), a_client(holds="100.00"), a_company()

    def run(number: int) -> list[int]:
        if number:
            return [charge(company, "1.00", wallet=others.wallet_id).status for _ in range(10)]
        paid = []
        for percent in range(1, 9):
            _change(company, operator, str(percent))
            charge(company, "1.00", wallet=own.wallet_id)
            [last] = Transaction.objects.filter(kind=Kind.CHARGE, source_id=own.wallet_id).order_by(
                "-id"
            )[:1]
            paid.append(last.fee_minor or 0)
        return paid

    paid, statuses = race(2, run)

    assert paid == list(range(1, 9))
    assert statuses == [200] * 10


def _change(company: Holder, operator: User, percent: str | None) -> None:
    """Have the company pay a percentage from now on; None for no fee."""
    if percent is None:
        unit_of_work(lambda: remove_fee(company.user.pk, operator=operator, address=None))
        return
    unit_of_work(
        lambda: set_fee(
            company.user.pk,
            percent=percent,
            fixed=None,
            lowest=None,
            highest=None,
            operator=operator,
            address=None,
        )
    )


# The arithmetic, against exact fractions.

MINOR = st.integers(0, MAX_AMOUNT_MINOR)


def exact_fee(
    amount_minor: int, percent: Decimal, fixed: int, lowest: int | None, highest: int | None
) -> int:
    fee = Fraction(amount_minor) * Fraction(percent) / 100 + fixed
    if lowest is not None:
        fee = max(fee, Fraction(lowest))
    if highest is not None:
        fee = min(fee, Fraction(highest))
    return min(floor(fee + Fraction(1, 2)), amount_minor)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    amount_minor=st.integers(1, MAX_AMOUNT_MINOR),
    percent=st.integers(0, 1_000_000).map(lambda n: Decimal(n).scaleb(-4)),
    fixed=st.one_of(st.just(0), MINOR),
    bounds=st.tuples(st.none() | MINOR, st.none() | MINOR).map(
        lambda pair: pair if None in pair else tuple(sorted(pair))  # type: ignore[type-var]
    ),
)
@example(amount_minor=1, percent=Decimal(50), fixed=0, bounds=(None, None))
# The exact fee is just below a half, and 0.5 when it is first rounded to four places.
@example(
    amount_minor=30_493_678_078_429_862,
    percent=Decimal("41.8696"),
    fixed=0,
    bounds=(None, None),
)
def test_the_database_computes_exactly(
    company_wallet: Holder, amount_minor: int, percent: Decimal, fixed: int, bounds: Any
) -> None:
    lowest, highest = bounds
    Fee.objects.filter(pk=company_wallet.wallet_id).update(
        percent=percent, fixed_minor=fixed, min_minor=lowest, max_minor=highest
    )

    with connection.cursor() as cursor:
        cursor.execute("SELECT fee_of(%s, %s)", [company_wallet.wallet_id, amount_minor])
        [(computed,)] = cursor.fetchall()

    assert computed == exact_fee(amount_minor, percent, fixed, lowest, highest)


@pytest.fixture
def company_wallet(books: None) -> Holder:
    """A company with a fee, which the test changes."""
    company = a_company()
    have_pay(company, percent="1")
    return company
