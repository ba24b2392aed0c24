"""The trial balance: the balances of wallets and system wallets add up to zero."""

from io import StringIO

import psycopg
import pytest
from django.core.management import call_command

from commerce.adjustments import adjust
from commerce.cash import order_withdrawal
from commerce.credits import order_bonus, order_spend
from core.times import rfc3339
from core.unit_of_work import unit_of_work
from ledger.models import Transaction
from ledger.trial_balance import Line, trial_balance
from tests.factories import a_client, an_operator, carry_out
from wallets.assets import create_asset, get_asset

pytestmark = pytest.mark.usefixtures("books")


def line_of(symbol: str, **when: object) -> Line:
    return next(line for line in trial_balance(**when) if line.symbol == symbol)  # type: ignore[arg-type]


def test_every_purpose_is_in_the_trial_balance() -> None:
    create_asset(symbol="GOLD", name="Gold", decimals=2, is_cash=False)
    client, operator, gold = a_client(holds="100.00"), an_operator(), get_asset("GOLD")
    carry_out(order_withdrawal, client.user, wallet_id=client.wallet_id, amount="40")
    carry_out(order_bonus, operator, user=client.user, asset=gold, amount="9")
    carry_out(order_spend, operator, user=client.user, asset=gold, amount="2")

    assert line_of("USD") == Line("USD", 6_000, {"funding": -6_000})
    assert line_of("GOLD") == Line("GOLD", 700, {"promotions": -900, "revenue": 200})
    assert [line.difference_minor for line in trial_balance()] == [0] * len(trial_balance())


def test_the_trial_balance_of_a_past_moment() -> None:
    client = a_client(holds="100.00")
    carry_out(order_withdrawal, client.user, wallet_id=client.wallet_id, amount="40")
    first, second = Transaction.objects.order_by("id")
    assert first.created_at < second.created_at

    assert line_of("USD", at=first.created_at).wallets_minor == 0
    assert line_of("USD", at=second.created_at) == Line("USD", 10_000, {"funding": -10_000})
    assert line_of("USD").wallets_minor == 6_000


def test_the_command_prints_a_line_per_asset() -> None:
    a_client(holds="12.50")
    moment = rfc3339(Transaction.objects.get().created_at)
    now, then = StringIO(), StringIO()

    call_command("trial_balance", stdout=now)
    call_command("trial_balance", at=moment, stdout=then)

    [dollars] = [line for line in now.getvalue().splitlines() if line.startswith("USD")]
    assert dollars.split() == ["USD", "12.50", "-12.50", "0.00", "0.00", "0.00", "0.00"]
    assert "12.50" not in then.getvalue()


def test_the_command_fails_when_the_books_do_not_balance(owner_dsn: str) -> None:
    client = a_client(holds="12.50")
    forged = "UPDATE ledger_transaction SET target_balance_minor = %s WHERE target_id = %s"

    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute(forged, [9_999, client.wallet_id])
        with pytest.raises(SystemExit) as ended:
            call_command("trial_balance", stdout=StringIO(), stderr=StringIO())
        owner.execute(forged, [1_250, client.wallet_id])

    assert ended.value.code == 1


def test_an_adjustment_has_its_reason_and_its_author() -> None:
    client, operator = a_client(holds="10.00"), an_operator()

    for is_credit, amount in ((True, "5.00"), (False, "2.50")):
        unit_of_work(
            lambda is_credit=is_credit, amount=amount: adjust(  # type: ignore[misc]
                operator,
                wallet_id=client.wallet_id,
                amount=amount,
                is_credit=is_credit,
                reason="Ticket 42",
            )
        )

    rows = Transaction.objects.filter(kind="adjustment")
    assert {(row.summary, row.actor_id) for row in rows} == {("Ticket 42", operator.pk)}
    assert client.balance_minor == 1_250
