"""The one door for money: what `post` does with one order, and with many."""

import uuid

import pytest
from django.db import DatabaseError, IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from psycopg import errors as pg

from core import context
from core.unit_of_work import unit_of_work
from ledger.history import history
from ledger.kinds import FailureCode, Kind
from ledger.models import Entry, Transaction
from ledger.orders import Order, Outcome
from ledger.post import post
from tests.factories import Holder, a_client, freeze
from wallets.assets import system_wallet_id
from wallets.errors import WalletNotFound
from wallets.models import Purpose, Wallet

pytestmark = pytest.mark.usefixtures("books")

MAX_BALANCE = 9 * 10**18
WORLD = system_wallet_id("USD", Purpose.FUNDING)


def deposit(holder: Holder, amount_minor: int) -> Order:
    return Order(Kind.DEPOSIT, WORLD, holder.wallet_id, amount_minor, "USD")


def withdrawal(holder: Holder, amount_minor: int) -> Order:
    return Order(Kind.WITHDRAWAL, holder.wallet_id, WORLD, amount_minor, "USD")


def transfer(source: Holder, target: Holder, amount_minor: int) -> Order:
    return Order(Kind.TRANSFER, source.wallet_id, target.wallet_id, amount_minor, "USD")


def post_all(*orders: Order) -> list[Outcome]:
    return unit_of_work(lambda: post(orders))


def failures(outcomes: list[Outcome]) -> list[FailureCode | None]:
    return [outcome.failure for outcome in outcomes]


def state_of(holder: Holder) -> tuple[int | None, int]:
    """Return the balance and the version."""
    return holder.wallet.balance_minor, holder.wallet.version


def test_an_order_is_one_row_that_says_all_about_it() -> None:
    ada, ben = a_client(holds="10.00"), a_client()
    origin, group = uuid.uuid4(), uuid.uuid4()
    order = Order(
        Kind.TRANSFER,
        ada.wallet_id,
        ben.wallet_id,
        400,
        "USD",
        summary="Tea",
        actor_id=ada.user.id,
        origin_id=origin,
        group_id=group,
    )
    token = context.request_id.set("request-1")

    try:
        [outcome] = post_all(order)
    finally:
        context.request_id.reset(token)

    row = Transaction.objects.get(pk=outcome.transaction_id)
    assert outcome == Outcome(row.id, None, 600, 400, 1000, 400)
    assert (row.kind, row.asset_id, row.amount_minor) == ("transfer", "USD", 400)
    assert (row.source_id, row.source_balance_minor, row.source_version) == (ada.wallet_id, 600, 2)
    assert (row.target_id, row.target_balance_minor, row.target_version) == (ben.wallet_id, 400, 1)
    assert (row.source_is_system, row.target_is_system, row.failure_code) == (False, False, None)
    assert (row.summary, row.actor_id, row.request_id) == ("Tea", ada.user.id, "request-1")
    assert (row.origin_id, row.group_id) == (origin, group)
    assert row.created_at == outcome.created_at
    assert (state_of(ada), state_of(ben)) == ((600, 2), (400, 1))


def test_a_system_wallet_keeps_no_balance_and_no_version() -> None:
    ada = a_client()

    [came, went] = post_all(deposit(ada, 1000), withdrawal(ada, 300))

    assert (came.source_balance_minor, came.target_balance_minor) == (None, 1000)
    assert (came.available_minor, went.available_minor) == (None, 1000)
    assert (went.source_balance_minor, went.target_balance_minor) == (700, None)
    world = Wallet.objects.get(pk=WORLD)
    assert (world.balance_minor, world.version) == (None, 0)


def test_each_order_finds_what_the_ones_before_it_left() -> None:
    ada, ben = a_client(), a_client()

    spent_first = post_all(transfer(ada, ben, 500), deposit(ada, 500))
    spent_later = post_all(deposit(ada, 500), transfer(ada, ben, 1000), transfer(ben, ada, 1))

    assert failures(spent_first) == [FailureCode.INSUFFICIENT_FUNDS, None]
    assert failures(spent_later) == [None, None, None]
    assert [outcome.source_balance_minor for outcome in spent_later] == [None, 0, 999]
    assert (state_of(ada), state_of(ben)) == ((1, 4), (999, 2))


def test_a_balance_over_the_limit_fails_alone() -> None:
    ada, ben = a_client(holds="1.00"), a_client()

    outcomes = post_all(
        transfer(ada, ben, 10),
        deposit(ada, MAX_BALANCE - 89),
        deposit(ada, MAX_BALANCE - 90),
        deposit(ada, 1),
        deposit(ada, 2**63 - 1),
        transfer(ada, ben, 20),
    )

    over = FailureCode.BALANCE_LIMIT
    assert failures(outcomes) == [None, over, None, over, over, None]
    assert (state_of(ada), state_of(ben)) == ((MAX_BALANCE - 20, 4), (30, 2))
    refused = [row for row in history(ada.wallet_id, limit=10).entries if row.failure_code]
    assert [(row.failure_code, row.version) for row in refused] == [(over, None)] * 3


def test_the_first_failure_in_the_order_of_precedence_is_the_one_on_record() -> None:
    frozen, full, poor = a_client(), a_client(), a_client()
    post_all(deposit(full, MAX_BALANCE))
    freeze(frozen)

    outcomes = post_all(
        transfer(frozen, full, 1),
        transfer(poor, frozen, 1),
        transfer(poor, full, 1),
        deposit(frozen, 2**63 - 1),
    )

    assert failures(outcomes) == [
        FailureCode.WALLET_NOT_ACTIVE,
        FailureCode.WALLET_NOT_ACTIVE,
        FailureCode.INSUFFICIENT_FUNDS,
        FailureCode.WALLET_NOT_ACTIVE,
    ]
    assert (state_of(frozen), state_of(poor)) == ((0, 0), (0, 0))
    assert state_of(full) == (MAX_BALANCE, 1)


def test_an_unknown_wallet_is_refused_and_the_whole_batch_is_undone() -> None:
    ada = a_client(holds="10.00")
    nowhere = Order(Kind.TRANSFER, ada.wallet_id, uuid.uuid4(), 1, "USD")

    with pytest.raises(WalletNotFound):
        post_all(deposit(ada, 5), nowhere, deposit(ada, 5))

    assert state_of(ada) == (1000, 1)
    assert Transaction.objects.count() == 1


def test_two_assets_are_a_fault_and_the_whole_batch_is_undone() -> None:
    ada, eve = a_client(holds="10.00"), a_client(currency="EUR")

    with pytest.raises(DatabaseError) as raised:
        post_all(deposit(ada, 5), transfer(ada, eve, 1))

    assert isinstance(raised.value.__cause__, pg.DataException)
    assert (state_of(ada), state_of(eve)) == ((1000, 1), (0, 0))
    assert Transaction.objects.count() == 1


@pytest.mark.parametrize("amount_minor", [0, -1, -(2**63)])
def test_an_amount_that_is_not_positive_is_a_fault(amount_minor: int) -> None:
    ada, ben = a_client(holds="10.00"), a_client(holds="10.00")

    with pytest.raises(DatabaseError):
        post_all(deposit(ada, 5), transfer(ada, ben, amount_minor))

    assert (state_of(ada), state_of(ben)) == ((1000, 1), (1000, 1))
    assert Transaction.objects.count() == 2


def test_a_movement_that_its_kind_does_not_allow_is_a_fault() -> None:
    ada, ben = a_client(holds="10.00"), a_client()

    with pytest.raises(IntegrityError):
        post_all(Order(Kind.DEPOSIT, ada.wallet_id, ben.wallet_id, 5, "USD"))

    assert (state_of(ada), state_of(ben)) == ((1000, 1), (0, 0))
    assert Transaction.objects.count() == 1


def test_money_does_not_move_outside_a_unit_of_work() -> None:
    ada = a_client(holds="10.00")

    with pytest.raises(RuntimeError):
        post([deposit(ada, 5)])

    assert state_of(ada) == (1000, 1)
    assert Transaction.objects.count() == 1


def test_no_orders_are_no_outcomes() -> None:
    assert post_all() == []
    assert not Transaction.objects.exists()


def test_a_thousand_orders_are_one_query() -> None:
    holders = [a_client() for _ in range(4)]
    orders = [deposit(holders[number % 4], number + 1) for number in range(1_000)]

    def work() -> tuple[list[Outcome], int]:
        with CaptureQueriesContext(connection) as queries:
            return post(orders), len(queries)

    outcomes, queries = unit_of_work(work)

    assert queries == 1
    assert failures(outcomes) == [None] * 1_000
    for index, holder in enumerate(holders):
        assert state_of(holder) == (sum(range(index + 1, 1_001, 4)), 250)


def test_ids_follow_the_versions_of_each_wallet() -> None:
    ada, ben = a_client(), a_client()

    for _ in range(3):
        post_all(*[deposit(ada, 3), transfer(ada, ben, 2), transfer(ben, ada, 1)] * 20)

    for holder, completed in ((ada, 180), (ben, 120)):
        entries = Entry.objects.filter(wallet_id=holder.wallet_id).order_by("transaction_id")
        assert [entry.version for entry in entries] == list(range(1, completed + 1))


@pytest.mark.parametrize(
    "array",
    [
        "('[0:1]=' || ARRAY[{0}, {1}]::text)::ledger_order_v3[]",
        "('[-7:-6]=' || ARRAY[{0}, {1}]::text)::ledger_order_v3[]",
        "ARRAY[ARRAY[{0}], ARRAY[{1}]]",
    ],
)
def test_only_the_elements_of_the_array_count_not_its_subscripts(array: str) -> None:
    ada, ben = a_client(holds="10.00"), a_client()

    outcomes = post_sql(array.format(order_sql(ada, ben, 300), order_sql(ben, ada, 100)))

    assert [outcome[2:4] for outcome in outcomes] == [(700, 300), (200, 800)]
    assert (state_of(ada), state_of(ben)) == ((800, 3), (200, 2))
    assert Transaction.objects.filter(kind=Kind.TRANSFER).count() == 2


@pytest.mark.parametrize("array", ["ARRAY[{0}, NULL]", "ARRAY[NULL, {0}]::ledger_order_v3[]"])
def test_an_order_that_is_null_is_an_error_and_nothing_moves(array: str) -> None:
    ada, ben = a_client(holds="10.00"), a_client()

    with pytest.raises(DatabaseError):
        post_sql(array.format(order_sql(ada, ben, 300)))

    assert (state_of(ada), state_of(ben)) == ((1_000, 1), (0, 0))


def order_sql(source: Holder, target: Holder, amount_minor: int) -> str:
    nulls = ", ".join(["NULL"] * 10)
    sides = f"'{source.wallet_id}', '{target.wallet_id}'"
    return f"ROW('transfer', {sides}, {amount_minor}, '', {nulls})::ledger_order_v3"


def post_sql(array: str) -> list[tuple[object, ...]]:
    def work() -> list[tuple[object, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM ledger_post({array}, 'a request', false)")
            return list(cursor.fetchall())

    return unit_of_work(work)
