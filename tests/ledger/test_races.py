"""Concurrent calls: no deadlock, no lost cent, no exceeded limit."""

from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Decimal
from threading import Event

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from core.unit_of_work import unit_of_work
from harness.waiting import wait_until
from ledger.kinds import Kind
from ledger.models import Entry, Transaction
from ledger.orders import Order
from ledger.post import post
from tests.factories import (
    ClientFactory,
    CompanyFactory,
    Holder,
    a_client,
    a_company,
    api_of,
    freeze,
)
from tests.http_client import Reply
from tests.races import race
from wallets.models import Status, Wallet
from wallets.services import open_cash_wallet, set_status

pytestmark = pytest.mark.usefixtures("books")


def charge(company: Holder, payer: Holder, amount: str, *, key: str | None = None) -> Reply:
    body = {"wallet": str(payer.wallet_id), "amount": amount, "summary": "Race"}
    return company.api.post("/wallet/charge", body, key=key)


def test_opposite_transfers_neither_deadlock_nor_lose_a_cent() -> None:
    ada, ben = a_client(holds="100.00"), a_client(holds="100.00")
    there = [Order(Kind.TRANSFER, ada.wallet_id, ben.wallet_id, 3, "USD")]
    back = [Order(Kind.TRANSFER, ben.wallet_id, ada.wallet_id, 2, "USD")]
    attempts: list[int] = []

    def transfer_ten_times(number: int) -> None:
        def work() -> None:
            attempts.append(number)
            [outcome] = post(back if number % 2 else there)
            assert outcome.failure is None

        for _ in range(10):
            unit_of_work(work)

    race(16, transfer_ten_times)

    # A deadlock would be retried by the unit of work, and counted here.
    assert len(attempts) == 160
    assert (ada.balance_minor, ben.balance_minor) == (10_000 - 80, 10_000 + 80)
    assert (ada.wallet.version, ben.wallet.version) == (161, 161)


def test_concurrent_charges_of_one_company_are_in_one_order() -> None:
    company = a_company()
    payers = [a_client(holds="10.00") for _ in range(12)]

    replies = race(12, lambda number: [charge(company, payers[number], "1.25") for _ in range(4)])

    assert [reply.status for of_one in replies for reply in of_one] == [200] * 48
    assert company.balance_minor == 48 * 125
    assert [payer.balance_minor for payer in payers] == [500] * 12
    entries = Entry.objects.filter(wallet_id=company.wallet_id).order_by("transaction_id")
    assert [(entry.version, entry.balance_after_minor) for entry in entries] == [
        (version, version * 125) for version in range(1, 49)
    ]


def test_fifty_concurrent_requests_with_one_key_move_money_once() -> None:
    payer, company = a_client(holds="100.00"), a_company()

    replies = race(50, lambda _: charge(company, payer, "10.00", key="order-1017"))

    assert {reply.status for reply in replies} == {200}
    assert len({reply.raw for reply in replies}) == 1
    replayed = [reply.headers.get("Idempotent-Replayed") for reply in replies]
    assert (replayed.count(None), replayed.count("true")) == (1, 49)
    assert (payer.balance_minor, company.balance_minor) == (9_000, 1_000)
    assert Transaction.objects.filter(kind=Kind.CHARGE).count() == 1


def test_concurrent_refusals_under_one_key_are_one_failed_attempt() -> None:
    payer, company = a_client(holds="1.00"), a_company()

    replies = race(10, lambda _: charge(company, payer, "10.00", key="order-1017"))

    assert {(reply.status, reply.code) for reply in replies} == {(400, "insufficient_funds")}
    assert len({reply.raw for reply in replies}) == 1
    assert (payer.balance_minor, company.balance_minor) == (100, 0)
    assert Transaction.objects.filter(kind=Kind.CHARGE).count() == 1


def test_one_key_for_two_concurrent_requests_serves_only_one_of_them() -> None:
    payer, company = a_client(holds="100.00"), a_company()
    amounts = ["10.00", "20.00"]

    replies = race(10, lambda number: charge(company, payer, amounts[number % 2], key="order-1017"))

    assert sorted(reply.status for reply in replies) == [200] * 5 + [409] * 5
    refused = [reply for reply in replies if reply.status == 409]
    assert {reply.code for reply in refused} == {"idempotency_key_reused"}
    [paid] = {reply.json["balance"] for reply in replies if reply.status == 200}
    assert payer.balance_minor == 10_000 - int(paid * 100)


@pytest.mark.parametrize("limit", [1, 3])
def test_concurrent_creations_of_a_client_end_at_the_limit(limit: int, settings: Settings) -> None:
    settings.MAX_WALLETS_BY_CLIENT = limit
    client = ClientFactory.create().user

    replies = race(12, lambda _: api_of(client).post("/wallet/create"))

    assert_created(client, replies, limit=limit)


def test_concurrent_creations_of_a_company_make_one_wallet() -> None:
    company = CompanyFactory.create().user

    replies = race(12, lambda _: api_of(company).post("/wallet/create"))

    assert_created(company, replies, limit=1)


def test_a_creation_waits_for_an_uncommitted_one_of_the_same_owner(settings: Settings) -> None:
    settings.MAX_WALLETS_BY_CLIENT = 2
    client = ClientFactory.create().user
    api = api_of(client)

    with ThreadPoolExecutor(1) as pool:

        def create_before_a_waiting_one() -> Future[list[Reply]]:
            open_cash_wallet(client, "USD")
            created = pool.submit(race, 1, lambda _: api.post("/wallet/create"))
            wait_until(is_blocking_another_connection)
            return created

        replies = unit_of_work(create_before_a_waiting_one).result()

    assert [reply.status for reply in replies] == [201]
    assert Wallet.objects.filter(owner=client).count() == 2


def assert_created(owner: User, replies: list[Reply], *, limit: int) -> None:
    refused = [reply for reply in replies if reply.status != 201]
    assert len(replies) - len(refused) == limit
    assert {(reply.status, reply.code) for reply in refused} == {(409, "wallet_limit_reached")}
    assert Wallet.objects.filter(owner=owner).count() == limit


def test_concurrent_refunds_never_exceed_the_charge() -> None:
    payer, company = a_client(holds="100.00"), a_company(holds="100.00")
    charged = charge(company, payer, "50.00").json["transaction"]

    replies = race(
        16,
        lambda _: company.api.post("/wallet/refund", {"transaction": charged, "amount": "12.00"}),
    )

    succeeded = [reply for reply in replies if reply.status == 200]
    refused = [reply for reply in replies if reply.status != 200]
    assert sorted(reply.json["refunded"] for reply in succeeded) == [12, 24, 36, 48]
    assert {(reply.status, reply.code) for reply in refused} == {(409, "refund_exceeds_charge")}
    assert (payer.balance_minor, company.balance_minor) == (9_800, 10_200)


def test_concurrent_full_refunds_refund_the_charge_once() -> None:
    payer, company = a_client(holds="100.00"), a_company(holds="100.00")
    charged = charge(company, payer, "50.00").json["transaction"]

    replies = race(8, lambda _: company.api.post("/wallet/refund", {"transaction": charged}))

    assert sorted(reply.status for reply in replies) == [200] + [409] * 7
    assert [reply.json["refunded"] for reply in replies if reply.status == 200] == [Decimal(50)]
    assert (payer.balance_minor, company.balance_minor) == (10_000, 10_000)


def test_no_charge_succeeds_once_a_freeze_is_committed() -> None:
    payer, company = a_client(holds="1000.00"), a_company()
    frozen = Event()

    def freeze_while_charges_run() -> tuple[int, list[Reply]]:
        wait_until(lambda: payer.wallet.version > 20)
        freeze(payer)
        balance_at_freeze = payer.balance_minor
        frozen.set()
        return balance_at_freeze, []

    def charge_until_after_the_freeze() -> tuple[int, list[Reply]]:
        replies = []
        while not frozen.is_set():
            replies.append(charge(company, payer, "0.01"))
        return 0, [*replies, charge(company, payer, "0.01")]

    [(balance_at_freeze, _), *charged] = race(
        8, lambda number: charge_until_after_the_freeze() if number else freeze_while_charges_run()
    )

    assert payer.balance_minor == balance_at_freeze, (
        "a charge succeeded after the freeze was committed"
    )
    assert [replies[-1].code for _, replies in charged] == ["wallet_not_active"] * 7
    succeeded = [reply for _, replies in charged for reply in replies if reply.status == 200]
    assert payer.balance_minor == 100_000 - len(succeeded)
    assert company.balance_minor == len(succeeded)


def test_a_charge_that_waited_for_the_freeze_is_refused() -> None:
    payer, company = a_client(holds="10.00"), a_company()

    with ThreadPoolExecutor(1) as pool:

        def freeze_under_a_waiting_charge() -> Future[list[Reply]]:
            set_status(payer.wallet_id, status=Status.FROZEN, reason="Lost", actor=None)
            charged = pool.submit(race, 1, lambda _: charge(company, payer, "1.00"))
            wait_until(is_blocking_another_connection)
            return charged

        [reply] = unit_of_work(freeze_under_a_waiting_charge).result()

    assert (reply.status, reply.code) == (409, "wallet_not_active")
    assert (payer.balance_minor, company.balance_minor) == (1_000, 0)


def is_blocking_another_connection() -> bool:
    """Return whether another connection waits for a lock that this one holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks"
            " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
        )
        [(waits,)] = cursor.fetchall()
    return bool(waits)
