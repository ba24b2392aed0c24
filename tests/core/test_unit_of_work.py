"""The unit of work on a real database: deadlocks, timeouts, lost connections, violations."""

import uuid
from collections.abc import Callable
from functools import partial
from threading import Barrier

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connection
from psycopg import errors as pg

from accounts.errors import EmailTaken
from accounts.models import User
from core.errors import NotFound, RuleBroken, Unavailable
from core.unit_of_work import ATTEMPTS, UnitOfWorkRequired, requires_unit_of_work, unit_of_work
from harness.waiting import wait_until
from tests.factories import UserFactory, a_client
from tests.races import TIMEOUT_SECONDS, race

pytestmark = pytest.mark.usefixtures("books")


class OnRecord(RuleBroken):
    code = "on_record"
    message = "Refused, and the attempt stays on record."


def execute(statement: str, *values: uuid.UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def lock(wallet_id: uuid.UUID) -> None:
    execute("SELECT FROM wallets_wallet WHERE id = %s FOR NO KEY UPDATE", wallet_id)


def write(email: str) -> None:
    UserFactory.create(email=email)


def is_written(email: str) -> bool:
    return User.objects.filter(email=email).exists()


def test_what_was_written_is_committed_with_the_result() -> None:
    def work() -> str:
        write("ada@example.com")
        return "done"

    assert unit_of_work(work) == "done"
    assert is_written("ada@example.com")


def test_what_requires_a_unit_of_work_runs_inside_one_only() -> None:
    guarded = requires_unit_of_work(write)

    with pytest.raises(UnitOfWorkRequired):
        guarded("ada@example.com")
    assert not is_written("ada@example.com")

    unit_of_work(lambda: guarded("ada@example.com"))
    assert is_written("ada@example.com")


def test_a_recorded_refusal_commits_what_was_written() -> None:
    refusal = OnRecord(left=5)

    def work() -> None:
        write("ada@example.com")
        raise refusal

    with pytest.raises(OnRecord) as raised:
        unit_of_work(work)

    assert raised.value is refusal
    assert is_written("ada@example.com")


@pytest.mark.parametrize("exception", [NotFound(), RuntimeError("a bug"), KeyboardInterrupt()])
def test_any_other_exception_rolls_back(exception: BaseException) -> None:
    attempts = []

    def work() -> None:
        attempts.append(1)
        write("ada@example.com")
        raise exception

    with pytest.raises(type(exception)) as raised:
        unit_of_work(work)

    assert raised.value is exception
    assert len(attempts) == 1
    assert not is_written("ada@example.com")


def test_a_nested_unit_is_an_error_and_neither_is_written() -> None:
    def outer() -> None:
        write("outer@example.com")
        unit_of_work(partial(write, "inner@example.com"))

    with pytest.raises(RuntimeError):
        unit_of_work(outer)

    assert not is_written("outer@example.com")
    assert not is_written("inner@example.com")


def test_a_violated_constraint_raises_its_refusal() -> None:
    write("ada@example.com")

    def work() -> None:
        write("ben@example.com")
        write("ada@example.com")

    with pytest.raises(EmailTaken):
        unit_of_work(work)

    assert not is_written("ben@example.com")


def test_a_constraint_without_a_refusal_stays_an_error() -> None:
    with pytest.raises(IntegrityError) as raised:
        unit_of_work(lambda: UserFactory.create(email="ada@example.com", role="nobody"))

    assert isinstance(raised.value.__cause__, pg.CheckViolation)
    assert not is_written("ada@example.com")


def test_a_server_that_only_reads_is_unavailable() -> None:
    def work() -> None:
        execute("SET TRANSACTION READ ONLY")
        write("ada@example.com")

    with pytest.raises(Unavailable):
        unit_of_work(work)

    assert not is_written("ada@example.com")


def test_a_deadlock_is_retried_and_both_units_finish() -> None:
    owner = a_client()
    first, second = owner.wallet_id, a_client().wallet_id
    both_hold_one = Barrier(2)
    attempts: list[int] = []

    def lock_both(number: int) -> str:
        def work() -> str:
            attempts.append(number)
            is_first_attempt = attempts.count(number) == 1
            write(f"user{number}-{len(attempts)}@other.example.com")
            lock((first, second)[number])
            if is_first_attempt:
                both_hold_one.wait(TIMEOUT_SECONDS)
            lock((second, first)[number])
            return f"done {number}"

        return unit_of_work(work)

    assert race(2, lock_both) == ["done 0", "done 1"]

    assert len(attempts) > 2, "PostgreSQL cancelled one of the two, and it was retried"
    assert User.objects.filter(email__endswith="@other.example.com").count() == 2


def raise_in_database(sqlstate: str) -> None:
    execute(
        f"DO $$ BEGIN RAISE EXCEPTION 'requested by the test' USING ERRCODE = '{sqlstate}'; END $$"
    )


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"], ids=["serialization", "deadlock"])
def test_retries_succeed_or_are_exhausted(sqlstate: str) -> None:
    attempts = []

    def work(email: str, failures: int) -> int:
        attempts.append(1)
        write(email)
        if len(attempts) <= failures:
            raise_in_database(sqlstate)
        return len(attempts)

    assert unit_of_work(partial(work, "ada@example.com", ATTEMPTS - 1)) == ATTEMPTS
    assert is_written("ada@example.com")

    attempts.clear()
    with pytest.raises(Unavailable):
        unit_of_work(partial(work, "ben@example.com", ATTEMPTS))
    assert len(attempts) == ATTEMPTS
    assert not is_written("ben@example.com")


def test_a_lock_that_takes_too_long_is_unavailable(owner_dsn: str) -> None:
    holder = a_client()
    execute("SET lock_timeout = '20ms'")
    attempts = []

    def work() -> None:
        attempts.append(1)
        write("ada@example.com")
        lock(holder.wallet_id)

    with psycopg.connect(owner_dsn) as other:
        other.execute("SELECT FROM wallets_wallet WHERE id = %s FOR UPDATE", [holder.wallet_id])
        with pytest.raises(Unavailable):
            unit_of_work(work)
    assert len(attempts) == 1, "a lock timeout is not retried"
    assert not is_written("ada@example.com")

    unit_of_work(work)
    assert is_written("ada@example.com")


def test_a_statement_that_takes_too_long_is_unavailable() -> None:
    def work() -> None:
        write("ada@example.com")
        execute("SET LOCAL statement_timeout = '20ms'")
        execute("SELECT pg_sleep(60)")

    assert_unavailable(work)


def test_a_lost_connection_is_unavailable_and_the_next_one_works() -> None:
    def work() -> None:
        write("ada@example.com")
        execute("SELECT pg_terminate_backend(pg_backend_pid())")

    assert_unavailable(work)


def test_a_transaction_that_the_server_ended_is_unavailable(owner_dsn: str) -> None:
    def work() -> None:
        write("ada@example.com")
        backend = connection.connection.info.backend_pid
        execute("SET LOCAL idle_in_transaction_session_timeout = '20ms'")
        with psycopg.connect(owner_dsn, autocommit=True) as other:
            wait_until(
                lambda: (
                    not other.execute(
                        "SELECT FROM pg_stat_activity WHERE pid = %s", [backend]
                    ).fetchall()
                )
            )
        write("ben@example.com")

    assert_unavailable(work)


def assert_unavailable(work: Callable[[], None]) -> None:
    """`work` raises `Unavailable` and writes nothing, and the next unit of work succeeds."""
    with pytest.raises(Unavailable) as raised:
        unit_of_work(work)
    assert isinstance(raised.value.__cause__, DatabaseError)
    assert not is_written("ada@example.com")
    unit_of_work(partial(write, "eve@example.com"))
    assert is_written("eve@example.com")
