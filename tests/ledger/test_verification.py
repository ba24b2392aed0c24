"""Verification: it finds every inconsistent wallet, and no transaction waits for it."""

import uuid
from collections.abc import Callable
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from core.unit_of_work import unit_of_work
from ledger.kinds import Kind
from ledger.models import Verification
from ledger.orders import Order
from ledger.post import post
from ledger.trial_balance import Line, trial_balance
from ledger.verification import RANGES, Finding, verify_ledger, verify_wallets
from tests.factories import Holder, a_client, a_company, freeze
from tests.http_client import Reply
from tests.ledger.tampering import tampering
from tests.races import race
from wallets.assets import system_wallet_id
from wallets.models import Purpose

pytestmark = pytest.mark.usefixtures("books")

FUNDING = system_wallet_id("USD", Purpose.FUNDING)
DEPOSIT = (
    "INSERT INTO ledger_transaction (id, kind, asset_id, amount_minor, source_id, target_id,"
    " source_is_system, target_is_system, target_balance_minor, target_version)"
    " VALUES (%s, 'deposit', %s, 100, %s, %s, true, false, %s, %s)"
)


@pytest.fixture
def holders() -> list[Holder]:
    """Three clients and a company, with transactions of every outcome."""
    ada, ben, eve = (a_client(holds=amount) for amount in ("100.00", "50.00", "1.00"))
    shop = a_company()
    charged = charge(shop, ada, "40.00").json["transaction"]
    shop.api.post("/wallet/refund", {"transaction": charged, "amount": 5})
    assert charge(shop, eve, "2.00").code == "insufficient_funds"
    unit_of_work(
        lambda: post(
            [
                Order(Kind.TRANSFER, ben.wallet_id, ada.wallet_id, 700, "USD"),
                Order(Kind.TRANSFER, ada.wallet_id, ben.wallet_id, 300, "USD"),
                Order(Kind.WITHDRAWAL, ben.wallet_id, FUNDING, 10**9, "USD"),
                Order(Kind.WITHDRAWAL, ben.wallet_id, FUNDING, 100, "USD"),
            ]
        )
    )
    freeze(eve)
    return [ada, ben, eve, shop]


def charge(company: Holder, payer: Holder, amount: str) -> Reply:
    body = {"wallet": str(payer.wallet_id), "amount": amount, "summary": "Tea"}
    return company.api.post("/wallet/charge", body)


def wallet_ids(findings: list[Finding]) -> set[uuid.UUID]:
    return {finding.wallet_id for finding in findings}


@pytest.mark.parametrize("ranges", [1, 3, 64])
def test_correct_books_have_no_findings(holders: list[Holder], ranges: int) -> None:
    assert list(verify_wallets(ranges=ranges)) == []


def test_the_command_reports_correct_books(holders: list[Holder]) -> None:
    out, err = StringIO(), StringIO()

    call_command("verify_ledger", stdout=out, stderr=err)

    assert (bool(out.getvalue()), err.getvalue()) == (True, "")


def test_the_command_prints_the_wallets_and_exits_with_status_1(
    holders: list[Holder], owner_dsn: str
) -> None:
    ada, ben, eve, shop = holders
    err = StringIO()

    with tampering(owner_dsn) as owner:
        inconsistent = [ada.wallet_id, shop.wallet_id]
        owner.execute(
            "UPDATE wallets_wallet SET version = version + 1 WHERE id = ANY(%s)", [inconsistent]
        )
        with pytest.raises(SystemExit) as end:
            call_command("verify_ledger", stderr=err)

    assert end.value.code == 1
    is_printed = [str(holder.wallet_id) in err.getvalue() for holder in (ada, ben, eve, shop)]
    assert is_printed == [True, False, False, True]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE wallets_wallet SET balance_minor = balance_minor + 1 WHERE id = ANY(%s)",
        "UPDATE wallets_wallet SET version = version + 1 WHERE id = ANY(%s)",
        "UPDATE wallets_wallet SET version = version - 1 WHERE id = ANY(%s)",
        "UPDATE ledger_transaction SET target_balance_minor = target_balance_minor + 1"
        " WHERE kind = 'deposit' AND target_id = ANY(%s)",
        "UPDATE ledger_transaction SET amount_minor = amount_minor + 1"
        " WHERE kind = 'deposit' AND target_id = ANY(%s)",
        "UPDATE ledger_transaction SET target_version = target_version + 100"
        " WHERE kind = 'deposit' AND target_id = ANY(%s)",
        "DELETE FROM ledger_transaction WHERE kind = 'deposit' AND target_id = ANY(%s)",
    ],
)
def test_each_inconsistent_wallet_is_found(
    change: str, holders: list[Holder], owner_dsn: str
) -> None:
    ada, ben, *_ = holders
    inconsistent = {ada.wallet_id, ben.wallet_id}

    with tampering(owner_dsn) as owner:
        owner.execute(change, [list(inconsistent)])

        assert wallet_ids(list(verify_wallets(ranges=3))) == inconsistent


def test_entries_of_a_missing_wallet_are_found(holders: list[Holder], owner_dsn: str) -> None:
    missing = uuid.uuid4()

    with tampering(owner_dsn) as owner:
        owner.execute(DEPOSIT, [an_id(owner), "USD", FUNDING, missing, 100, 1])

        assert wallet_ids(list(verify_wallets(ranges=3))) == {missing}


def test_an_owned_wallet_on_the_side_of_a_system_wallet_is_a_difference(
    holders: list[Holder], owner_dsn: str
) -> None:
    ada, ben, *_ = holders
    faults: list[Finding | Line] = []

    with tampering(owner_dsn) as owner:
        owner.execute(DEPOSIT, [an_id(owner), "USD", ada.wallet_id, ben.wallet_id, 5_000, 99])
        verification = verify_ledger(faults.append)

    assert not verification.is_in_order
    assert [fault.symbol for fault in faults if isinstance(fault, Line)] == ["USD"]


def test_entries_in_another_asset_than_the_wallets_are_found(
    holders: list[Holder], owner_dsn: str
) -> None:
    ada = holders[0]
    euros = system_wallet_id("EUR", Purpose.FUNDING)

    with tampering(owner_dsn) as owner:
        after = ((ada.balance_minor or 0) + 100, ada.wallet.version + 1)
        owner.execute(DEPOSIT, [an_id(owner), "EUR", euros, ada.wallet_id, *after])
        owner.execute(
            "UPDATE wallets_wallet SET balance_minor = %s, version = %s WHERE id = %s",
            [*after, ada.wallet_id],
        )

        assert wallet_ids(list(verify_wallets(ranges=3))) == {ada.wallet_id}


@pytest.mark.parametrize(
    "check",
    [
        lambda: list(verify_wallets(ranges=3)),
        lambda: [line for line in trial_balance() if line.difference_minor],
    ],
    ids=["verification", "trial balance"],
)
def test_a_clock_that_stepped_back_is_no_finding(
    check: Callable[[], list[Any]], owner_dsn: str
) -> None:
    ada = a_client()

    with tampering(owner_dsn) as owner:
        earlier, later = an_id(owner), an_id(owner)
        owner.execute(DEPOSIT, [later, "USD", FUNDING, ada.wallet_id, 100, 1])
        owner.execute(DEPOSIT, [earlier, "USD", FUNDING, ada.wallet_id, 200, 2])
        owner.execute(
            "UPDATE wallets_wallet SET balance_minor = 200, version = 2 WHERE id = %s",
            [ada.wallet_id],
        )

        assert check() == []


def an_id(owner: psycopg.Connection) -> Any:
    return owner.execute("SELECT uuidv7()").fetchall()[0][0]


def test_verification_does_not_wait_for_locked_wallets(
    holders: list[Holder], owner_dsn: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1s'")

    with psycopg.connect(owner_dsn) as busy:
        busy.execute("SELECT FROM wallets_wallet FOR UPDATE")
        busy.execute("LOCK TABLE ledger_transaction IN ROW EXCLUSIVE MODE")

        assert list(verify_wallets(ranges=4)) == []


def test_a_charge_does_not_wait_for_verification(holders: list[Holder], owner_dsn: str) -> None:
    ada, _, eve, shop = holders

    with tampering(owner_dsn) as owner:
        owner.execute(
            "UPDATE wallets_wallet SET version = version + 1 WHERE id = %s", [eve.wallet_id]
        )
        findings = verify_wallets(ranges=1)
        in_the_middle = next(findings)
        [reply] = race(1, lambda _: charge(shop, ada, "1.00"))
        rest = list(findings)

    assert reply.status == 200
    assert wallet_ids([in_the_middle, *rest]) == {eve.wallet_id}


def test_concurrent_transfers_are_no_findings(holders: list[Holder]) -> None:
    ada, ben, *_ = holders

    def move_or_verify(number: int) -> list[Finding]:
        if number == 0:
            return [finding for _ in range(5) for finding in verify_wallets(ranges=2)]
        sides = [ada.wallet_id, ben.wallet_id]
        order = Order(Kind.TRANSFER, sides[number % 2], sides[1 - number % 2], 1, "USD")
        for _ in range(20):
            unit_of_work(lambda: post([order, order]))
        return []

    assert race(5, move_or_verify) == [[]] * 5


# --- What is on record has been done ----------------------------------------------------------


def database(query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run a statement as the service's role, as `verify_ledger` does."""

    def work() -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(query, values)
            return list(cursor.fetchall())

    return unit_of_work(work)


def verify_all_ranges(run: int) -> None:
    for _ in range(RANGES):
        database("SELECT * FROM ledger_verify_next_range(%s)", run)


@pytest.mark.skipif(
    not settings.IS_DEMO, reason="With DATABASE_URL the owner and the app may be one role."
)
def test_the_service_records_no_verification_of_its_own(holders: list[Holder]) -> None:
    with pytest.raises(DatabaseError, match="permission denied"):
        database(
            "INSERT INTO ledger_verification (finished_at, seconds, findings, unbalanced_assets)"
            " VALUES (now(), 0, 0, 0) RETURNING id"
        )

    assert not Verification.objects.exists()


def test_a_verification_is_not_finished_before_all_of_it_is_done(holders: list[Holder]) -> None:
    finish = "SELECT * FROM ledger_finish_verification(%s)"
    [(run,)] = database("SELECT ledger_begin_verification()")

    with pytest.raises(DatabaseError):
        database(finish, run)
    verify_all_ranges(run)
    with pytest.raises(DatabaseError):
        database(finish, run)
    database("SELECT * FROM ledger_verify_assets(%s)", run)
    with pytest.raises(DatabaseError):
        database("SELECT * FROM ledger_verify_next_range(%s)", run)
    assert not Verification.objects.exists()

    database(finish, run)

    assert Verification.objects.get().is_in_order
    with pytest.raises(DatabaseError):
        database(finish, run)


def test_what_was_found_once_counts_though_it_is_put_right(
    holders: list[Holder], owner_dsn: str
) -> None:
    ada = holders[0]
    [(run,)] = database("SELECT ledger_begin_verification()")

    with tampering(owner_dsn) as owner:
        owner.execute(
            "UPDATE wallets_wallet SET version = version + 1 WHERE id = %s", [ada.wallet_id]
        )
        verify_all_ranges(run)
    database("SELECT * FROM ledger_verify_assets(%s)", run)
    database("SELECT * FROM ledger_finish_verification(%s)", run)

    assert Verification.objects.get().findings == 1


def test_a_snapshot_from_before_verifies_nothing(holders: list[Holder]) -> None:
    [(run,)] = database("SELECT ledger_begin_verification()")

    for statement in (
        f"SELECT * FROM ledger_verify_next_range({run})",
        f"SELECT * FROM ledger_verify_assets({run})",
    ):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            with pytest.raises(DatabaseError, match="committed now"):
                cursor.execute(statement)
            transaction.set_rollback(True)


def test_a_verification_that_takes_more_than_a_day_is_begun_anew(
    holders: list[Holder], owner_dsn: str
) -> None:
    [(run,)] = database("SELECT ledger_begin_verification()")
    verify_all_ranges(run)
    database("SELECT * FROM ledger_verify_assets(%s)", run)
    with psycopg.connect(owner_dsn) as owner:
        owner.execute(
            "UPDATE ledger_verificationrun SET started_at = started_at - interval '25 hours'"
        )

    with pytest.raises(DatabaseError):
        database("SELECT * FROM ledger_finish_verification(%s)", run)

    assert not Verification.objects.exists()
