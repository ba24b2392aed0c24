"""The deletion of lists of failed attempts of which nothing counts any more."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from pytest_django import Settings

from core.unit_of_work import unit_of_work
from harness.waiting import wait_until
from ledger.failed_attempts import delete_old_attempts
from tests.clock import Clock
from tests.commerce.test_failed_attempts import MOST, assert_refused, fail, failed_rows
from tests.factories import a_client, a_company, charge
from tests.races import race

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture(autouse=True)
def few_failed_attempts(settings: Settings) -> None:
    settings.FAILED_ATTEMPTS = MOST
    settings.RATELIMIT_ENABLE = False


def test_the_deletion_of_old_lists_and_a_batch_that_needs_them_both_end(
    clock: Clock, owner_dsn: str
) -> None:
    # Given lists that lie in the table in the other order than the one in which a batch locks them
    company = a_company()
    payers = sorted(
        (a_client() for _ in range(3)),
        key=lambda payer: sorted((str(payer.user.pk), str(company.user.pk))),
    )
    for payer in reversed(payers):
        fail(payer, company, times=1)
    clock.move(3_700)
    batch = {
        "charges": [
            {"wallet": str(payer.wallet_id), "amount": 5, "summary": "x"} for payer in payers
        ]
    }
    runs: list[Callable[[], Any]] = [
        lambda: company.api.post("/wallet/charges", batch).status,
        lambda: unit_of_work(delete_old_attempts),
    ]

    # When both are held up half-way
    with psycopg.connect(owner_dsn) as owner, ThreadPoolExecutor(1) as pool:
        owner.execute(
            "SELECT FROM ledger_failedattempts WHERE %s IN (one_id, other_id) FOR UPDATE",
            [payers[1].user.pk],
        )
        both = pool.submit(race, 2, lambda number: runs[number]())
        wait_until(lambda: _waiting_for_a_list(owner_dsn) == 2)
        owner.rollback()
        status, deleted = both.result()

    assert status == 200
    assert deleted in (0, 3)
    assert failed_rows() == 6
    assert [payer.balance_minor for payer in payers] == [0, 0, 0]


def _waiting_for_a_list(owner_dsn: str) -> int:
    with psycopg.connect(owner_dsn) as owner:
        row = owner.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted"
            " AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())"
        ).fetchone()
    return row[0] if row else 0


def test_lists_of_which_nothing_counts_are_deleted(clock: Clock) -> None:
    payer, company, later = a_client(), a_company(), a_company()
    fail(payer, company)
    clock.move(3_000)
    fail(payer, later)

    kept = unit_of_work(delete_old_attempts)
    clock.move(3_700)
    deleted = unit_of_work(delete_old_attempts)

    assert (kept, deleted) == (0, 1)
    assert_refused(charge(later, 5, wallet=payer.wallet_id))
